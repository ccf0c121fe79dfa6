"""An export: writes a ledger's families to a folder of files, described by export.json and README.md.

Law: the folder appears under its name complete, or not at all. An existing export is never changed.
"""

import fcntl
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from actors.dataset.rows import Row
from actors.exports.card import card
from actors.exports.columns import REASONING, schema_of
from actors.exports.families import Family, FamilyLedger, families
from actors.exports.files import SplitFiles
from actors.exports.formats import FormatSpec, format_of
from actors.exports.preferences import sft_columns
from actors.exports.splits import TRAIN, split_of
from actors.exports.wording import ExportWording
from actors.ledger.door import check_place
from actors.ledger.files import LOCAL_DISK, TEMPORARY_SUFFIX, Disk, Folder, disk_errors, make_folder, write_atomically
from schemas.errors import OutputError, UserError
from schemas.exports import Export, ExportRequest, LedgerRead, LeftOut, NameCount, SplitCount, View
from schemas.ids import PoolName
from schemas.verdicts import GateName

NAME = "export.json"
CARD_NAME = "README.md"


class ExportedRun(Struct, frozen=True):
    """The part of a run that an export reads. `ledgers`: one for each queue shard."""

    name: str
    task: str
    models: Mapping[PoolName, str]
    ledgers: Sequence[tuple[LedgerRead, FamilyLedger]]
    kinds: Mapping[GateName, GateName] = {}
    """The built-in kind of every gate that the configuration names."""
    keeps_reasoning: bool = False
    """Whether samples have a column with what models think before they answer."""
    vary: tuple[str, ...] = ()
    """The names of the variables that were drawn for each order."""
    executes: bool = False
    """Whether one of the gates executes programs."""

    @property
    def gates(self) -> tuple[GateName, ...]:
        return tuple(self.kinds)


class Counted(Struct):
    """Counts of what was written so far. `passages`: passages with a row, by split."""

    rows: Counter[str]
    passages: Counter[str]
    modes: Counter[str]
    left: Counter[LeftOut]


def export(
    source: ExportedRun,
    asked: ExportRequest,
    wording: ExportWording,
    output: Path,
    *,
    at: float,
    disk: Disk = LOCAL_DISK,
) -> Export:
    """Writes the export and gives its description. `at`: seconds since the epoch.

    Raises UserError when the format does not fit the run, and OutputError when the folder is not empty or cannot be
    written.
    """
    format = format_of(asked, source.task)
    if source.keeps_reasoning:
        format = with_reasoning(format)
    _refuse_occupied(output)
    with _unfinished(output, disk) as folder:
        counted, files = _write(source, asked, wording, format, folder)
        if not counted.rows.total():
            raise _nothing(source, asked, wording, format, counted)
        told = Export(
            name=source.name,
            at=at,
            asked=asked,
            ledgers=tuple(read for read, _ in source.ledgers),
            models={str(name): model for name, model in source.models.items()},
            rows=sum(counted.rows.values()),
            splits=tuple(
                SplitCount(name, counted.rows[name], counted.passages[name])
                for name in (TRAIN, *(split.name for split in asked.splits))
            ),
            files=tuple(file for split in files for file in split.files),
            failure_modes=_sorted(counted.modes),
            left_out=_told(counted),
        )
        write_atomically(folder.path / CARD_NAME, card(told, format), disk=disk)
        write_atomically(folder.path / NAME, encode(told), disk=disk)
    return told


def encode(told: Export) -> bytes:
    """The description as export.json holds it: indented JSON."""
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def read_export(output: Path) -> Export | None:
    """An export's description; None when there is none. Raises OutputError when it cannot be read."""
    try:
        return msgspec.json.decode((output / NAME).read_bytes(), type=Export)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OutputError(f"{output / NAME}: cannot be read ({error})") from error


def with_reasoning(format: FormatSpec) -> FormatSpec:
    """The format, with a column for the model's thoughts if its rows are samples alone."""
    if format.columns is not sft_columns:
        return format
    return replace(format, columns=lambda form: (*sft_columns(form), REASONING))


def _write(
    source: ExportedRun, asked: ExportRequest, wording: ExportWording, format: FormatSpec, folder: Folder
) -> tuple[Counted, list[SplitFiles]]:
    counted = Counted(Counter(), Counter(), Counter(), Counter())
    schema = schema_of(format.columns(asked.form), source.gates, source.vary, executes=source.executes)
    with ExitStack() as stack:
        splits = {
            name: stack.enter_context(SplitFiles(folder, name, schema, asked))
            for name in (TRAIN, *(split.name for split in asked.splits))
        }
        for family in _families(source):
            split = split_of(family.passage, asked.splits, seed=asked.seed)
            before = counted.rows[split]
            for row in _rows(family, asked, wording, format, counted):
                splits[split].add(row)
                counted.rows[split] += 1
            counted.passages[split] += counted.rows[split] > before
        for files in splits.values():
            files.close()
    return counted, list(splits.values())


def _families(source: ExportedRun) -> Iterator[Family]:
    for _, ledger in source.ledgers:
        yield from families(ledger, source.models, source.kinds)


def _rows(
    family: Family, asked: ExportRequest, wording: ExportWording, format: FormatSpec, counted: Counted
) -> Iterator[Row]:
    counted.left.update(family.left)
    for row in format.rows(family, asked, wording):
        if isinstance(row, LeftOut):
            counted.left[row] += 1
            continue
        for name in ("rejected_origin", "origin"):
            mode = (row.get(name) or {}).get("failure_mode")
            counted.modes.update([mode] if mode is not None else [])
        yield row


def _refuse_occupied(output: Path) -> None:
    check_place(output)
    there = read_export(output)
    if there is not None:
        what = f"an export of {there.asked.format.value} with {there.rows:,} rows"
        raise OutputError(f"{output}: holds {what}; choose another --output, or remove it")
    if output.exists() and any(output.iterdir()):
        raise OutputError(f"{output}: holds other files; choose an empty folder with --output")


def _nothing(
    source: ExportedRun, asked: ExportRequest, wording: ExportWording, format: FormatSpec, counted: Counted
) -> UserError:
    """The error that says why there is no row, and how many rows another view of the same run has."""
    why = ", ".join(f"{each.name} {each.count:,}" for each in _told(counted)) or "it holds no order that has ended"
    others = {view: _rows_in(source, replace(asked, view=view), wording, format) for view in View if view != asked.view}
    hints = [f"`--view {view.value}` has {rows:,}" for view, rows in others.items() if rows]
    hint = f"; {', '.join(hints)}" if hints else ""
    return UserError(
        f"--format {asked.format.value}: the run gives no row ({why}){hint}; docs/exports.md explains each"
    )


def _rows_in(source: ExportedRun, asked: ExportRequest, wording: ExportWording, format: FormatSpec) -> int:
    if asked.view not in format.views:
        return 0
    counted = Counted(Counter(), Counter(), Counter(), Counter())
    return sum(1 for family in _families(source) for _ in _rows(family, asked, wording, format, counted))


@contextmanager
def _unfinished(output: Path, disk: Disk) -> Iterator[Folder]:
    """Makes the export in a folder beside the final one. At the end this folder gets the final name."""
    beside = output.with_name(f".{output.name}{TEMPORARY_SUFFIX}")
    check_place(beside)
    with disk_errors(output):
        make_folder(beside, disk=disk)
        descriptor = os.open(beside, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _lock(descriptor, output)
        with disk_errors(output):
            _empty(beside, disk)
        try:
            yield Folder(beside, disk)
        except BaseException:
            with suppress(OSError):  # raise the first error; the next export removes the rest
                _empty(beside, disk)
                beside.rmdir()
            raise
        with disk_errors(output):
            disk.rename(beside, output)
            disk.sync_folder(output.parent)
    finally:
        os.close(descriptor)


def _empty(folder: Path, disk: Disk) -> None:
    """Removes a folder's content. Links are removed; their targets are not touched."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            _empty(path, disk)
            path.rmdir()
        else:
            disk.remove(path)


def _lock(descriptor: int, output: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise OutputError(
            f"{output}: another export is writing here; wait for it, or choose another --output"
        ) from error


def _told(counted: Counted) -> tuple[NameCount, ...]:
    return _sorted({why.value: count for why, count in counted.left.items()})


def _sorted(counts: Mapping[str, int]) -> tuple[NameCount, ...]:
    return tuple(NameCount(name, count) for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])))
