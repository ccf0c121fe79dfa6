"""Healthy folders at every moment of a run's life: `gleaner verify` calls none of them broken."""

import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

import actors.audit.shards
import actors.audit.verify
from actors.audit.verify import verify
from actors.dataset.finish import CHECKSUMS_NAME, finish, replace_config
from actors.ledger import NAME, LedgerReader, SqliteLedger
from actors.recovery.bar import raised
from schemas.audit import Severity
from schemas.corpus import Document, Passage
from schemas.ids import DocumentId, PoolName
from schemas.ledger import (
    AcceptedEnd,
    CorpusEnded,
    DeadLetteredEnd,
    Planned,
    Reconfigured,
    Record,
    Reopened,
    RunStarted,
    ShardWritten,
)
from schemas.orders import DeadLetter, EndReason, Order
from schemas.verdicts import Evidence, GateName, Passed, Raised
from schemas.wire import encode_record
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.folders import keep, write_shards
from tests.actors.dataset.test_editions import put_back
from tests.actors.dataset.test_older_ledger import cut
from tests.actors.test_audit import CONFIG, honest
from tests.doubles.ledgers import Scale, plausible_run

RECORDS, DOCUMENTS = honest(list(plausible_run(3, Scale(passages=8, refused=1, max_attempts=2))))
HALF = 2 * len(RECORDS) // 3
PLANS = [record for record in RECORDS if isinstance(record, Planned)]
NEW_URI = "file:///corpus/new.txt"


def new_plan() -> Planned:
    """Of a document that the corpus got later."""
    old = PLANS[0].passage
    where = replace(old.provenance, uri=NEW_URI, document_id=DocumentId(NEW_URI))
    passage = Passage.of(old.text, where)
    DOCUMENTS[NEW_URI] = replace(DOCUMENTS[old.provenance.uri], id=where.document_id, uri=NEW_URI)
    orders = tuple(Order.fresh(passage.id, order.task, order.slot) for order in PLANS[0].orders)
    return Planned(NOW, passage, orders)


NEW = new_plan()


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


async def put_back_twice(output: Path) -> None:
    """Dead letters came back, died again, and the second replay died early: their rows are those of the second end."""
    await complete(output)
    replayed(output)
    with LedgerReader(output) as ledger:
        back = [record for _, record in ledger.records() if isinstance(record, Reopened)]
    add(output, [DeadLetteredEnd(NOW, record.order_id, None, record.end) for record in back])
    await shards(output)
    done(output)
    with LedgerReader(output) as ledger:
        again = put_back([record for _, record in ledger.records()], at=NOW)
    assert again
    add(output, again)


async def replayed_under_another_configuration(output: Path) -> None:
    """`gleaner replay` lowered a threshold: samples before it are held to the former one, those after it to the new."""
    await complete(output)
    await replay_to_the_end(output)


async def replay_killed_before_it_wrote_run_yaml(output: Path) -> None:
    """The ledger says that the configuration changed, and it has not; the run then went on as before."""
    await complete(output)
    reconfigure(output)
    accept_what_came_back(output, threshold=0.5)


async def replay_killed_before_its_manifest(output: Path) -> None:
    """The manifest tells the models and thresholds of before the replay."""
    await complete(output)
    reconfigure(output)
    replace_config(output, LOWER)


async def another_configuration_before_the_first_order(output: Path) -> None:
    """Ctrl-C while models loaded, then the same folder with another model: nothing bound it yet."""
    add(output, RECORDS[:1])
    done(output)
    add(output, [RunStarted(NOW, "another", {})])
    replace_config(output, LOWER)
    add(output, PLANS)


async def grown(output: Path) -> None:
    """The corpus was read again, and had more."""
    await complete(output)
    add(output, [RunStarted(NOW, "same", {}), NEW, CorpusEnded(NOW, documents=9, passages=9)])


async def one_of_several_queues(output: Path) -> None:
    """Each ledger counts the passages that its queue was given."""
    keep(output, RECORDS, 3)
    await shards(output)
    done(output)


LOWER = CONFIG.replace("threshold: 0.5", "threshold: 0.4").replace("almanac-l", "almanac-xl")
MODELS = {PoolName("generator"): "almanac-m", PoolName("strong"): "almanac-l"}
RECONFIGURED = Reconfigured(NOW, CONFIG, MODELS, ("gates.faithfulness.threshold: 0.5 → 0.4",))


async def replay_to_the_end(output: Path) -> None:
    """`gleaner replay --config`, and the run after it."""
    reconfigure(output)
    replace_config(output, LOWER)
    accept_what_came_back(output)
    await shards(output)
    done(output)


def reconfigure(output: Path) -> None:
    add(output, [RECONFIGURED])
    replayed(output)


def accept_what_came_back(output: Path, *, threshold: float = 0.4) -> None:
    """Each order that was put back is accepted at its next attempt, as the bar of the configuration has it."""
    with LedgerReader(output) as ledger:
        records = [record for _, record in ledger.records()]
    sample = next(record.attempt for record in records if isinstance(record, AcceptedEnd))
    for back in records:
        if isinstance(back, Reopened):
            number = back.attempts_before + 1
            bar = threshold if number == 1 else raised(threshold, number)
            evidence = Evidence(raised=Raised(threshold, number) if number > 1 else None)
            verdicts = (
                Passed(GateName.PROVENANCE, 1.0, 1.0),
                Passed(GateName.FAITHFULNESS, 0.99, bar, evidence),
                Passed(GateName.REWARD, 0.9, threshold),
            )
            attempt = replace(sample, number=number, repair=back.repair, verdicts=verdicts)
            add(output, [AcceptedEnd(NOW, back.order_id, attempt)])


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
    put_back_twice,
    replayed_under_another_configuration,
    replay_killed_before_it_wrote_run_yaml,
    replay_killed_before_its_manifest,
    another_configuration_before_the_first_order,
    grown,
    one_of_several_queues,
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


STEPS = ("check_elsewhere", "check_shards", "check_columns", "check_manifest")


@pytest.mark.parametrize("at", STEPS)
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


@pytest.mark.parametrize("at", ["Ledgers", "_configured", *STEPS])
async def test_a_replay_that_goes_on_meanwhile_is_not_accused(
    output: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders come back under another configuration and are accepted, whatever verify is at: it holds what it has read
    of the ledger, and shards that made room for new editions are not missing."""
    await complete(output)
    later = output.with_name("later")
    shutil.copytree(output, later)
    await replay_to_the_end(later)
    really = getattr(actors.audit.verify, at)
    meanwhile: list[None] = []

    def first_the_replay_goes_on(*arguments: object, **named: object) -> object:
        if not meanwhile:
            meanwhile.append(None)
            for path in output.glob("dead_letters/*"):
                path.unlink()
            shutil.copytree(later, output, dirs_exist_ok=True)
        return really(*arguments, **named)

    monkeypatch.setattr(actors.audit.verify, at, first_the_replay_goes_on)
    assert faults(output) == []


async def test_rows_are_held_to_the_ledger_as_it_was_read(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order comes back and dies again after the ledger was read, and its row is still in the old edition: that row
    is of the end that was read, whatever has followed."""
    await complete(output)
    really = actors.audit.verify.check_columns

    def first_the_ledger_goes_on(*arguments: Any) -> None:
        back = put_back(RECORDS, at=NOW)
        spent = DeadLetter(EndReason.BUDGET, "the token budget is spent")
        add(output, [*back, *(DeadLetteredEnd(NOW, record.order_id, None, spent) for record in back)])
        really(*arguments)

    monkeypatch.setattr(actors.audit.verify, "check_columns", first_the_ledger_goes_on)
    assert faults(output) == []


async def test_a_shard_that_makes_room_while_it_is_read_is_not_accused(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes are right, and when its rows are to be read it is gone: the replay has written another edition."""
    await complete(output)
    later = output.with_name("later")
    shutil.copytree(output, later)
    await replay_to_the_end(later)
    really = actors.audit.shards.sha256_of

    def then_it_goes(path: Path) -> str:
        digest = really(path)
        if path.parent.name == "dead_letters":
            path.unlink()
            shutil.copytree(later, output, dirs_exist_ok=True)
        return digest

    monkeypatch.setattr(actors.audit.shards, "sha256_of", then_it_goes)
    assert faults(output) == []


@pytest.mark.parametrize("corruption", ["another order's row", "a row twice", "its own row with another reason"])
async def test_what_an_interrupted_replay_excuses_is_its_own_orders_rows_as_they_were(
    output: Path, corruption: str
) -> None:
    """While rows wait to be removed, no other row hides behind them."""
    await complete(output)
    with LedgerReader(output) as ledger:
        back = put_back([record for _, record in ledger.records()], at=NOW)
    add(output, back[:-1])
    assert faults(output) == []
    await one_row_is_another(output, corruption, back)
    assert faults(output) != []


async def one_row_is_another(output: Path, corruption: str, back: Sequence[Reopened]) -> None:
    path = next(iter(sorted((output / "dead_letters").glob("*.parquet"))))
    table = pq.read_table(path)
    rows = table.to_pylist()
    of_order = {row["id"]: row for row in rows if row["subject"] == "order"}
    mine = next(row for row in rows if row["id"] == back[0].order_id)
    match corruption:
        case "another order's row":
            accepted = next(record.order_id for record in RECORDS if isinstance(record, AcceptedEnd))
            mine["id"] = accepted
        case "a row twice":
            other = next(each.order_id for each in back[1:] if each.order_id in of_order)
            rows[rows.index(of_order[other])] = dict(mine)
        case _:
            mine["reason"] = "budget"
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    digest, name = sha256(path.read_bytes()).hexdigest(), f"dead_letters/{path.name}"
    with LedgerReader(output) as ledger:
        shard = next(each for each in ledger.shards() if each.name == name)
        seq = next(seq for seq, record in ledger.records() if record == shard)
    database = sqlite3.connect(output / NAME)
    body = encode_record(replace(shard, sha256=digest))
    database.execute("UPDATE records SET body = ? WHERE seq = ?", (body, seq))
    database.commit()
    database.close()
    for name in ("checksums.txt", "manifest.json"):
        (output / name).unlink()


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
