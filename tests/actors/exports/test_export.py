"""An export as files: whole or not there, equal bytes for equal ledgers, and never over another one."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.exports.export import NAME, ExportedRun, export, read_export
from actors.exports.formats import FORMATS
from actors.exports.splits import split_of
from actors.ledger.files import LocalDisk, sha256_of
from schemas.errors import OutputError, UserError
from schemas.exports import Export, ExportFormat, ExportRequest, FileKind, Form, LedgerRead, SplitShare
from schemas.ledger import AcceptedEnd, Planned, Record
from tests.actors.exports.runs import GROUNDED, MODELS, Row, asked, exported
from tests.doubles.ledgers import MemoryLedger, Scale, plausible_run

NOW = 1_760_300_000.0
RUN = list(plausible_run(7, Scale(passages=60)))
SPLITS = (SplitShare("test", 0.25), SplitShare("validation", 0.1))


def source_of(*runs: Sequence[Record], task: str = "grounded_answer") -> ExportedRun:
    """A run whose queue has one ledger for each list of records."""
    read = [(LedgerRead(f"{index}", "ab" * 32, len(run), {}), MemoryLedger(run)) for index, run in enumerate(runs)]
    return ExportedRun("towns", task, MODELS, read)


def write(output: Path, wanted: ExportRequest, *runs: Sequence[Record], disk: LocalDisk | None = None) -> Export:
    return export(source_of(*(runs or (RUN,))), wanted, GROUNDED, output, at=NOW, disk=disk or LocalDisk())


def rows_on_disk(output: Path, split: str) -> list[Row]:
    rows: list[Row] = []
    for path in sorted((output / split).iterdir()):
        if path.suffix == ".jsonl":
            rows += [json.loads(line) for line in path.read_text().splitlines()]
        else:
            rows += pq.read_table(path).to_pylist()
    return rows


@pytest.mark.parametrize("files", FileKind)
@pytest.mark.parametrize("format", [ExportFormat.SFT, ExportFormat.DPO, ExportFormat.KTO, ExportFormat.HARD_NEGATIVES])
def test_files_hold_every_row_once_in_its_split(format: ExportFormat, files: FileKind, tmp_path: Path) -> None:
    """In small files over three splits: together they are the rows, each on its document's side, as counted."""
    told = write(tmp_path / "out", asked(format, splits=SPLITS, files=files, rows_per_file=7))
    passages = {record.passage.id: record.passage for record in RUN if isinstance(record, Planned)}
    found: dict[str, Row] = {}
    sides: dict[str, set[str]] = {}
    for split in told.splits:
        rows = rows_on_disk(tmp_path / "out", split.name)
        assert len(rows) == split.rows and len({row["passage_id"] for row in rows}) == split.passages
        for row in rows:
            assert split_of(passages[row["passage_id"]], SPLITS, seed=0) == split.name
            sides.setdefault(row["provenance"]["document_sha256"], set()).add(split.name)
            found[row["id"]] = row
    assert all(len(names) == 1 for names in sides.values())
    wanted, _ = exported(RUN, asked(format))
    assert len(found) == told.rows == len(wanted)
    for row in wanted:
        assert _filled(found[row["id"]]) == _filled(row)
    for file in told.files:
        assert sha256_of(tmp_path / "out" / file.name) == file.sha256
        assert file.rows <= 7


def _filled(value: Any) -> Any:
    """Without what is null: a score that no gate gave is a null column, and no key of the row."""
    if isinstance(value, dict):
        return {name: _filled(each) for name, each in value.items() if each is not None}
    return [_filled(each) for each in value] if isinstance(value, list) else value


def test_equal_ledgers_give_equal_bytes(tmp_path: Path) -> None:
    """The same request of the same ledger, later: the same files, and export.json tells nothing but another time."""
    wanted = asked(ExportFormat.DPO, splits=SPLITS)
    one, two = write(tmp_path / "one", wanted), write(tmp_path / "two", wanted)
    assert one == two
    assert one.files != write(tmp_path / "three", asked(ExportFormat.DPO, splits=SPLITS, seed=1)).files


def test_a_run_of_several_ledgers_gives_the_rows_of_all(tmp_path: Path) -> None:
    """A queue in shards: each passage is in one of them; the export holds them all and names each."""
    other = list(plausible_run(8, Scale(passages=20, refused=0)))
    both = write(tmp_path / "both", asked(ExportFormat.SFT), RUN, other)
    alone = write(tmp_path / "alone", asked(ExportFormat.SFT), other)
    assert both.rows == write(tmp_path / "first", asked(ExportFormat.SFT)).rows + alone.rows
    assert [read.last_seq for read in both.ledgers] == [len(RUN), len(other)]


def test_an_export_is_not_written_over(tmp_path: Path) -> None:
    """Another export, other files, a file: each is refused in one line and not changed."""
    write(tmp_path / "out", asked(ExportFormat.DPO))
    before = (tmp_path / "out" / NAME).read_bytes()
    with pytest.raises(OutputError, match=r"holds an export of dpo with \d+ rows; choose another --output"):
        write(tmp_path / "out", asked(ExportFormat.KTO))
    assert (tmp_path / "out" / NAME).read_bytes() == before
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("It was")
    with pytest.raises(OutputError, match="holds other files"):
        write(tmp_path / "thesis", asked(ExportFormat.KTO))
    with pytest.raises(OutputError, match="is a file"):
        write(tmp_path / "thesis" / "chapter.tex", asked(ExportFormat.KTO))
    (tmp_path / "empty").mkdir()
    assert write(tmp_path / "empty", asked(ExportFormat.KTO)).rows
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "out", "thesis"]


class DyingDisk(LocalDisk):
    """Fails at its n-th change of the folder, and keeps failing: the machine is gone."""

    def __init__(self, after: int) -> None:
        self.left = after

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(28, "No space left on device")

    def make_folder(self, path: Path) -> None:
        self._count()
        super().make_folder(path)

    def create(self, path: Path) -> BinaryIO:
        self._count()
        return super().create(path)

    def sync(self, file: BinaryIO) -> None:
        self._count()
        super().sync(file)

    def rename(self, source: Path, target: Path) -> None:
        self._count()
        super().rename(source, target)

    def sync_folder(self, path: Path) -> None:
        self._count()
        super().sync_folder(path)

    def remove(self, path: Path) -> None:
        self._count()
        super().remove(path)


@pytest.mark.slow
def test_whenever_the_disk_fails_the_export_is_whole_or_not_there(tmp_path: Path) -> None:
    """The disk dies at every single step in turn: under the export's name there is nothing or all of it, and the next
    export goes through, whatever was left behind."""
    wanted = asked(ExportFormat.SFT, splits=SPLITS)
    small = list(plausible_run(7, Scale(passages=8)))
    whole = write(tmp_path / "whole", wanted, small)
    steps, finished = 0, False
    while not finished:
        output = tmp_path / f"try-{steps}"
        try:
            write(output, wanted, small, disk=DyingDisk(steps))
            finished = True
        except OutputError as error:
            assert "No space left" in str(error)
        if output.exists():
            assert read_export(output) == whole
            assert all(sha256_of(output / file.name) == file.sha256 for file in whole.files)
        else:
            assert write(output, wanted, small) == whole
        steps += 1
    assert steps > 10
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_a_killed_export_left_is_swept(tmp_path: Path) -> None:
    """Half a file and a folder in the hidden place beside the output: the next export starts from nothing."""
    beside = tmp_path / ".out.writing"
    (beside / "train").mkdir(parents=True)
    (beside / "train" / ".part-00000.parquet.writing").write_bytes(b"PAR1")
    told = write(tmp_path / "out", asked(ExportFormat.DPO))
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert names == ["README.md", "export.json", *(file.name for file in told.files)]
    assert not beside.exists()


def test_two_exports_to_one_place(tmp_path: Path) -> None:
    """The second is refused while the first writes."""
    output = tmp_path / "out"

    class Meanwhile(LocalDisk):
        def create(self, path: Path) -> BinaryIO:
            with pytest.raises(OutputError, match="another export is writing here"):
                write(output, asked(ExportFormat.KTO))
            return super().create(path)

    assert write(output, asked(ExportFormat.DPO), disk=Meanwhile()).rows


def test_nothing_to_export_is_said(tmp_path: Path) -> None:
    """A run that repaired nothing gives no pair: an empty data set would fail in the trainer instead."""
    clean = list(plausible_run(7, Scale(passages=20, max_attempts=1)))
    with pytest.raises(UserError, match=r"gives no row \(not_rejected \d+, "):
        write(tmp_path / "out", asked(ExportFormat.DPO), clean)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="holds no order that has ended"):
        write(tmp_path / "out", asked(ExportFormat.DPO), [])


def test_formats_of_another_task(tmp_path: Path) -> None:
    """Steps are of solutions: asked of a run of answers, the fitting formats are named."""
    with pytest.raises(
        UserError, match="task math, and this run's is grounded_answer; try sft, dpo, dpo_ranked, kto, hard_neg"
    ):
        write(tmp_path / "out", asked(ExportFormat.DPO_STEPS))
    with pytest.raises(UserError, match="no such form"):
        write(tmp_path / "out", asked(ExportFormat.HARD_NEGATIVES, form=Form.TEXT))


def test_the_card_names_every_column_and_split(tmp_path: Path) -> None:
    """What a person or `load_dataset` reads first: splits with rows, columns with types and words."""
    told = write(tmp_path / "out", asked(ExportFormat.DPO, splits=(*SPLITS, SplitShare("tiny", 0.0001))))
    _, head, body = (tmp_path / "out" / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(head)
    columns = FORMATS[ExportFormat.DPO].columns(Form.MESSAGES)
    assert [each["name"] for each in card["dataset_info"][0]["features"]] == [column.name for column in columns]
    assert all(f"- `{column.name}`: {column.holds}" in body for column in columns)
    (config,) = card["configs"]
    assert [each["split"] for each in config["data_files"]] == ["train", "test", "validation"]
    assert f"{told.rows:,} rows" in body and "DPOTrainer" in body


@settings(max_examples=10, deadline=None)
@given(st.integers(20, 200))
def test_memory_does_not_grow_with_the_run(passages: int) -> None:
    """However long the ledger: one page of plans and one passage's lives at a time are asked of it."""

    class Watched(MemoryLedger):
        ahead = 0
        most = 0

        def planned(self, after_seq: int, limit: int) -> list[tuple[int, Planned]]:
            page = super().planned(after_seq, limit)
            Watched.most = max(Watched.most, len(page))
            return page

    from actors.exports.families import PAGE, families

    ledger = Watched(list(plausible_run(1, Scale(passages=passages, refused=0))))
    seen = sum(1 for _ in families(ledger, MODELS))
    assert seen == passages and Watched.most <= PAGE


def thoughtful(records: Sequence[Record]) -> Iterator[Record]:
    """The same run of a model that thinks, whose thoughts were kept."""
    for record in records:
        attempt = record.attempt if isinstance(record, AcceptedEnd) else None
        if isinstance(record, AcceptedEnd) and attempt is not None and attempt.candidate is not None:
            candidate = replace(attempt.candidate, reasoning="Hm.")
            yield replace(record, attempt=replace(attempt, candidate=candidate))
        else:
            yield record


@pytest.mark.parametrize(("keeps", "format"), [(True, "sft"), (True, "dpo"), (False, "sft")])
def test_kept_reasoning_is_a_column_of_samples(tmp_path: Path, keeps: bool, format: str) -> None:
    """Of samples alone, and only where the configuration keeps it; the card tells of it."""
    source = replace(source_of(list(thoughtful(RUN))), keeps_reasoning=keeps)
    export(source, asked(ExportFormat(format)), GROUNDED, tmp_path / "out", at=NOW)
    rows = rows_on_disk(tmp_path / "out", "train")
    told = keeps and format == "sft"
    assert {row.get("reasoning") for row in rows} == ({"Hm."} if told else {None})
    assert all(("reasoning" in row) is told for row in rows)
    assert ("`reasoning`" in (tmp_path / "out" / "README.md").read_text()) is told
