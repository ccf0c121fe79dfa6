"""`gleaner repair`: a folder that nothing can open is opened again, and nothing of it is lost."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.queue.ends import BUDGET_SPENT
from deployments.build.wiring import queue_service
from deployments.cli import app
from deployments.config.load import load
from deployments.folder.shards import write_shards
from deployments.terminal.reading import summary_of
from schemas.errors import LedgerError
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, CorpusEnded, DeadLetteredEnd, Planned, Record, Voided
from schemas.wire import decode_record, encode_record
from tests.deployments.folder.test_replay import folder_of
from tests.doubles.ledgers import Scale

SCALE = Scale(passages=6, max_attempts=1, refused=1, finished=0.6)
ROLLOUT = OrderId("f" * 32)


def called(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def poisoned(path: Path, *tail: Record, scale: Scale = SCALE) -> Path:
    """A folder whose budget ended a rollout as if it were a sample, and what was written after that."""
    return folder_of(path, scale, (DeadLetteredEnd(1_760_100_000.0, ROLLOUT, None, BUDGET_SPENT), *tail))


def records_of(folder: Path) -> list[Record]:
    with LedgerReader(folder) as reader:
        return [record for _, record in reader.records()]


def test_a_poisoned_folder_is_opened_again(tmp_path: Path) -> None:
    """Killed in the drain after a spent budget: each start failed. The ledger as it was is kept, the record too, and
    every other one is as it was; run and proof go on."""
    folder = poisoned(tmp_path / "run")
    before = records_of(folder)
    with LedgerReader(folder) as reader, pytest.raises(LedgerError):
        summary_of(reader)
    told = called("repair", folder)
    assert told.exit_code == 0, told.output
    assert f"record {len(before)} (dead_lettered): the ledger ends or repairs order {ROLLOUT}" in told.output
    after = records_of(folder)
    assert after[: len(before) - 1] == before[:-1]
    (void,) = (record for record in after if isinstance(record, Voided))
    assert decode_record(void.body) == before[-1]
    copy = sqlite3.connect(folder / "ledger.sqlite.before-repair")
    assert [body for (body,) in copy.execute("SELECT body FROM records ORDER BY seq")] == list(
        map(encode_record, before)
    )
    copy.close()
    proof = json.loads(called("verify", folder, "--json").output)
    assert proof["ok"] and any("set aside" in finding["what"] for finding in proof["findings"])
    service = queue_service(load(folder / "run.yaml"), SqliteLedger(folder), now=lambda: 1_760_100_001.0)
    assert service.snapshot().unaccounted == 0
    with LedgerReader(folder) as reader:
        assert reader.story(ROLLOUT) == []


def test_a_dry_run_lists_what_would_be_done(tmp_path: Path) -> None:
    """`--dry-run` writes nothing; so does a second repair."""
    folder = poisoned(tmp_path / "run")
    before = (folder / "ledger.sqlite").read_bytes()
    told = json.loads(called("repair", folder, "--dry-run", "--json").output)
    assert told["dry_run"] and [record["kind"] for record in told["records"]] == ["dead_lettered"]
    assert (folder / "ledger.sqlite").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir() if "before" in path.name) == []
    assert called("repair", folder).exit_code == 0
    again = called("repair", folder)
    assert again.exit_code == 0 and "nothing to repair" in again.output
    assert len([path for path in folder.iterdir() if "before" in path.name]) == 1


def test_a_record_that_cannot_be_read_is_not_guessed_at(tmp_path: Path) -> None:
    """It may have been an accepted sample: one line, exit code 2, and nothing is touched."""
    folder = poisoned(tmp_path / "run")
    with sqlite3.connect(folder / "ledger.sqlite") as database:
        database.execute("UPDATE records SET body = x'00' WHERE seq = 3")
    database.close()
    told = called("repair", folder)
    assert told.exit_code == 2
    assert told.output.strip().count("\n") == 0 and "record 3 of the ledger is damaged" in told.output
    assert not list(folder.glob("*before-repair*"))


def test_what_rows_of_shards_rest_on_is_not_taken_away(tmp_path: Path) -> None:
    """A plan is lost, so no record of its orders can be replayed; but accepted ones among them are rows of a shard. All
    of them would have to go: the folder is not changed, and one line says why."""
    folder = folder_of(tmp_path / "run", Scale(passages=6, max_attempts=1, refused=1))
    with SqliteLedger(folder) as ledger, LedgerReader(folder) as reader:
        config = load(folder / "run.yaml")
        asyncio.run(write_shards(folder, ledger, reader, config, lambda: 1_760_100_000.0))
    assert json.loads(called("verify", folder, "--json").output)["ok"]
    records = records_of(folder)
    rows = {end.order_id for end in records if isinstance(end, AcceptedEnd)}
    lost = next(
        seq
        for seq, record in enumerate(records, 1)
        if isinstance(record, Planned) and rows & {order.id for order in record.orders}
    )
    ended = next(record for record in records if isinstance(record, CorpusEnded))
    with sqlite3.connect(folder / "ledger.sqlite") as database:
        row = ("corpus_ended", encode_record(ended), lost)
        database.execute("UPDATE records SET kind = ?, body = ? WHERE seq = ?", row)
    database.close()
    told = called("repair", folder)
    assert told.exit_code == 2
    assert told.output.strip().count("\n") == 0 and "cannot be repaired" in told.output
    assert not list(folder.glob("*before-repair*"))
    assert not any(isinstance(record, Voided) for record in records_of(folder))


def test_an_order_that_ended_twice_has_its_first_end(tmp_path: Path) -> None:
    """Whatever wrote it: the second end is set aside, and is a row nowhere."""
    folder = folder_of(tmp_path / "run", Scale(passages=6, max_attempts=1, refused=1))
    accepted = [record for record in records_of(folder) if isinstance(record, AcceptedEnd)]
    with SqliteLedger(folder) as ledger:
        ledger.append([accepted[0]])
    assert called("repair", folder).exit_code == 0
    proof = json.loads(called("verify", folder, "--json").output)
    assert proof["ok"] and proof["accepted"] == len(accepted)


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    """A run writes there."""
    folder = poisoned(tmp_path / "run")
    with SqliteLedger(folder):
        told = called("repair", folder)
    assert told.exit_code == 2 and "another run is writing here" in told.output
    assert called("repair", tmp_path / "nowhere").exit_code == 2
