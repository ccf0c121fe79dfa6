"""Healthy folders at every moment of a run's life: `gleaner verify` calls none of them broken."""

import shutil
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import pytest

import actors.audit.verify
from actors.audit.verify import verify
from actors.dataset.finish import CHECKSUMS_NAME, finish, replace_config
from actors.ledger import LedgerReader, SqliteLedger
from schemas.audit import Severity
from schemas.corpus import Document
from schemas.ledger import DeadLetteredEnd, Record, Reopened, RunStarted, ShardWritten
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.folders import keep, write_shards
from tests.actors.dataset.test_editions import put_back
from tests.actors.dataset.test_older_ledger import cut
from tests.actors.test_audit import CONFIG, honest
from tests.doubles.ledgers import Scale, plausible_run

RECORDS, DOCUMENTS = honest(list(plausible_run(3, Scale(passages=8, refused=1))))
HALF = 2 * len(RECORDS) // 3


def done(output: Path) -> None:
    finish(output, now=NOW, versions={})


def add(output: Path, records: Collection[Record]) -> None:
    with SqliteLedger(output) as ledger:
        ledger.append(list(records))


def resumed(output: Path) -> None:
    add(output, [RunStarted(NOW, "same", {}), *RECORDS[HALF:]])


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.iterdir()}


async def shards(output: Path) -> None:
    await write_shards(output, rows_per_shard=7)


async def complete(output: Path) -> None:
    """The run came to its end."""
    keep(output, RECORDS)
    await shards(output)
    done(output)


async def interrupted(output: Path) -> None:
    """Ctrl-C in the middle."""
    keep(output, RECORDS[:HALF])
    await shards(output)
    done(output)


async def killed_before_any_shard(output: Path) -> None:
    """kill -9 early."""
    keep(output, RECORDS[:HALF])


async def killed_before_the_shards_are_closed(output: Path) -> None:
    """kill -9 after the last order's end."""
    keep(output, RECORDS)


async def killed_after_a_resume(output: Path) -> None:
    """Ctrl-C, the same command, kill -9: manifest.json counts less than the ledger."""
    await interrupted(output)
    resumed(output)


async def killed_after_a_resume_with_its_shards(output: Path) -> None:
    """The same, but the resumed run had closed its shards."""
    await interrupted(output)
    resumed(output)
    await shards(output)


async def killed_between_rename_and_record(output: Path) -> None:
    """The last shard has its name and no record."""
    keep(output, RECORDS)
    await shards(output)
    with LedgerReader(output) as ledger:
        last = max(seq for seq, record in ledger.records() if isinstance(record, ShardWritten))
    cut(output, last - 1)


async def killed_while_it_finished(output: Path) -> None:
    """The manifest is new; the other files are not yet."""
    await interrupted(output)
    resumed(output)
    await shards(output)
    new = output.with_name("finished")
    shutil.copytree(output, new)
    done(new)
    (output / CHECKSUMS_NAME).unlink()
    shutil.copy(new / "manifest.json", output)


async def resumed_with_another_run_yaml(output: Path) -> None:
    """More replicas from now on, then kill -9: checksums.txt was of the old run.yaml."""
    await interrupted(output)
    resumed(output)
    replace_config(output, CONFIG + "dataset: {flush_s: 5}\n")


async def started_again_on_a_complete_folder(output: Path) -> None:
    """The same command once more, killed at once."""
    await complete(output)
    add(output, [RunStarted(NOW, "same", {})])


def replayed(output: Path) -> None:
    back = put_back(RECORDS, at=NOW)
    assert back and all(isinstance(record, Reopened) for record in back)
    add(output, back)


async def replay_killed_after_the_ledger(output: Path) -> None:
    """Dead letters are outstanding again; shards and manifest are as before."""
    await complete(output)
    replayed(output)


async def replay_killed_before_the_manifest(output: Path) -> None:
    """New editions are written and the old ones gone; checksums.txt names those."""
    await complete(output)
    replayed(output)
    await shards(output)


async def replay_killed_before_the_old_edition_goes(output: Path) -> None:
    """A new edition is recorded, and the one it replaces is still there."""
    await complete(output)
    old = files_of(output / "dead_letters")
    replayed(output)
    await shards(output)
    for path, content in old.items():
        path.write_bytes(content)


HISTORIES: tuple[Callable[[Path], Awaitable[None]], ...] = (
    complete,
    interrupted,
    killed_before_any_shard,
    killed_before_the_shards_are_closed,
    killed_after_a_resume,
    killed_after_a_resume_with_its_shards,
    killed_between_rename_and_record,
    killed_while_it_finished,
    resumed_with_another_run_yaml,
    started_again_on_a_complete_folder,
    replay_killed_after_the_ledger,
    replay_killed_before_the_manifest,
    replay_killed_before_the_old_edition_goes,
)


def documents(uris: Collection[str]) -> list[Document]:
    return [document for uri, document in DOCUMENTS.items() if uri in uris]


def faults(output: Path) -> list[str]:
    report = verify(output, lambda uris: iter(documents(uris)))
    return [f"{found.where}: {found.what}" for found in report.findings if found.severity is Severity.ERROR]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.yaml").write_text(CONFIG)
    return folder


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
async def test_no_healthy_folder_is_accused(output: Path, history: Callable[[Path], Awaitable[None]]) -> None:
    """A proof that cries wolf after kill -9, which is when it is asked, is not believed."""
    assert any(isinstance(record, DeadLetteredEnd) for record in RECORDS)
    await history(output)
    assert faults(output) == []


@pytest.mark.parametrize("at", ["check_shards", "check_manifest", "check_elsewhere"])
async def test_a_run_that_goes_on_meanwhile_is_not_accused(
    output: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard is written after the ledger was read: it is newer than what verify holds, and no stranger."""
    await interrupted(output)
    later = output.with_name("later")
    shutil.copytree(output, later)
    resumed(later)
    await shards(later)
    really = getattr(actors.audit.verify, at)

    def first_the_run_goes_on(*arguments: object, **named: object) -> object:
        shutil.copytree(later, output, dirs_exist_ok=True)
        return really(*arguments, **named)

    monkeypatch.setattr(actors.audit.verify, at, first_the_run_goes_on)
    assert faults(output) == []


async def test_a_manifest_that_is_older_is_told_as_such(output: Path) -> None:
    """The counts are those of then, and true; that they are old is said."""
    await killed_after_a_resume(output)
    report = verify(output, lambda uris: iter(documents(uris)))
    assert any(found.what.startswith("older than the ledger") for found in report.findings)
    text = (output / "manifest.json").read_text()
    (output / "manifest.json").write_text(text.replace('"issued": ', '"issued": 9'))
    assert any("issued, the ledger" in fault for fault in faults(output))


async def test_a_manifest_beyond_the_ledger_is_a_fault(output: Path) -> None:
    """The ledger was cut, and its later shards with it: the manifest knows how far it reached."""
    await complete(output)
    cut(output, len(RECORDS) - 3)
    assert any("the ledger is older" in fault for fault in faults(output))
