"""`gleaner verify` while a run or a replay goes on, or after one died half-way: it compares with what it has read."""

import shutil
import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

import actors.audit.shards
import actors.audit.verify
from actors.ledger.sqlite import NAME, LedgerReader
from schemas.ledger import (
    AcceptedEnd,
    DeadLetteredEnd,
    Reopened,
)
from schemas.orders import DeadLetter, EndReason
from schemas.wire import encode_record
from tests.actors.audit.histories import (
    RECORDS,
    add,
    complete,
    faults,
    interrupted,
    replay_to_the_end,
    resumed,
    shards,
)
from tests.actors.audit.test_fold import CONFIG
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.test_editions import put_back


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.yaml").write_text(CONFIG)
    return folder


STEPS = ("check_elsewhere", "check_shards", "check_columns", "check_manifest")


@pytest.mark.parametrize("at", STEPS)
async def test_a_run_that_continues_meanwhile_has_no_faults(
    output: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard is written after the ledger was read: it is newer than what verify has read, and not an unknown file."""
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
async def test_a_replay_that_continues_meanwhile_has_no_faults(
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
