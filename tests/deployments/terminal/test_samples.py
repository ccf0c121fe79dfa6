"""`gleaner samples`: what a person reads first of a run, by end, mode and repair; quick however large the run is."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actors.ledger import sqlite
from actors.ledger.sqlite import SqliteLedger
from deployments.cli import app
from schemas.corpus import DocumentRefused, RefusalReason
from schemas.ledger import AcceptedEnd, CorpusEnded, DeadLetteredEnd, Record, Refused, Reopened
from schemas.queue_shard import QueueShard
from tests.doubles.ledgers import Scale, plausible_run

RUN = list(plausible_run(7, Scale(passages=60)))


def gleaner(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(app, ["samples", *(str(argument) for argument in arguments)], env={"COLUMNS": "80"})


def rows(*arguments: str | Path | int) -> list[dict]:
    result = gleaner(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    with SqliteLedger(path) as ledger:
        ledger.append(RUN)
    return path


def of(kind: type[Record]) -> set[str]:
    return {record.order_id for record in RUN if isinstance(record, kind)}  # type: ignore[attr-defined]


def test_a_sample_is_read_in_80_columns(folder: Path) -> None:
    """Texts, the document's name and place, each gate's score; of a dead letter why, and how to see it whole."""
    accepted = gleaner(folder, "--accepted", "-n", 1).stdout
    for word in ("✓ accepted", "Question", "Answer", "towns.jsonl#record=", "characters 0–", "faithfulness 0.", "≥0.5"):
        assert word in accepted
    dead = gleaner(folder, "--dead", "-n", 20).stdout
    for word in ("✗ dead-lettered", "rejected by", "not supported: ", "Mode", "gleaner explain"):
        assert word in dead
    assert max(map(len, (accepted + dead).splitlines())) <= 80


def test_the_filter_is_by_the_end(folder: Path) -> None:
    """As many as there are, each once, and no other."""
    ids = [row["order_id"] for row in rows(folder, "--accepted", "-n", 1000)]
    assert sorted(ids) == sorted(of(AcceptedEnd))
    assert {row["order_id"] for row in rows(folder, "--dead", "-n", 1000)} == of(DeadLetteredEnd)
    assert len(rows(folder, "-n", 1000)) == len(ids) + len(of(DeadLetteredEnd))


def test_the_filter_is_by_mode_and_by_repair(folder: Path) -> None:
    """What became good under one repair, and what one failure mode looks like; a misspelt name gets the nearest."""
    mended = rows(folder, "--accepted", "--repair", "strict_grounding", "-n", 1000)
    assert mended and {(row["end"], row["repair"]) for row in mended} == {("accepted", "strict_grounding")}
    found = rows(folder, "--mode", "parametric", "-n", 1000)
    assert {row["mode"] for row in found} == {"parametric"}
    assert {row["order_id"] for row in mended} <= {row["order_id"] for row in rows(folder, "-n", 1000) if row["mode"]}
    wrong = gleaner(folder, "--mode", "parametrik")
    assert wrong.exit_code == 2 and "did you mean 'parametric'?" in wrong.stderr


def test_a_seed_chooses_and_the_newest_come_by_time(folder: Path) -> None:
    """The same command shows the same samples; another seed others; the newest are the last that ended."""
    first, again, other = (rows(folder, "--seed", seed) for seed in (1, 1, 2))
    assert first == again and first != other and len(first) == 10
    ends = [record for record in RUN if isinstance(record, AcceptedEnd | DeadLetteredEnd)]
    newest = [end.order_id for end in sorted(ends, key=lambda end: -end.at)[:10]]
    assert [row["order_id"] for row in rows(folder, "--newest")] == newest


def test_a_few_records_are_read_of_many(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three samples cost three stories, not the whole run: 100,000 take as long."""
    read = []
    decode = sqlite.decode_record
    monkeypatch.setattr(sqlite, "decode_record", lambda body: read.append(1) or decode(body))
    assert len(rows(folder, "--accepted", "-n", 3)) == 3
    assert len(read) <= 3 * (1 + 5) < len(RUN) / 10  # the end, then its plan and at most four attempts


def test_a_dead_letter_that_was_put_back_is_none(tmp_path: Path) -> None:
    """After `gleaner replay` an order is outstanding: its old end is no end."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(RUN)
        seq, end = next((seq, each) for seq, each in ledger.records() if isinstance(each, DeadLetteredEnd))
        plan = next(each for each in RUN if end.order_id in {order.id for order in getattr(each, "orders", ())})
        order = next(each for each in plan.orders if each.id == end.order_id)  # type: ignore[union-attr]
        ledger.append([Reopened(end.at + 1e6, order, plan.passage, seq, end.end, rejected=True)])  # type: ignore
    assert {row["order_id"] for row in rows(tmp_path, "--dead", "-n", 1000)} == of(DeadLetteredEnd) - {end.order_id}


def test_documents_that_were_refused(tmp_path: Path) -> None:
    """Which files gave nothing and why; one that could be read later is no longer refused."""
    gone, held = (DocumentRefused(f"file:///{name}", RefusalReason.NUL_BYTES, "3 NUL bytes") for name in "ab")
    with SqliteLedger(tmp_path) as ledger:
        ledger.append([RUN[0], Refused(1.0, gone), Refused(1.0, held), CorpusEnded(2.0, 0, 0, read_again=(gone,))])
    assert [row["uri"] for row in rows(tmp_path, "--refused")] == ["file:///b"]
    shown = gleaner(tmp_path, "--refused").stdout
    assert "file:///b" in shown and "3 NUL bytes" in shown and "file:///a" not in shown


def test_all_ledgers_of_a_run_are_drawn_from(tmp_path: Path) -> None:
    """Queue shards are one run: nobody sees samples of the first alone."""
    for number, seed in enumerate((3, 4)):
        with SqliteLedger(tmp_path, QueueShard(number, 2)) as ledger:
            ledger.append(list(plausible_run(seed, Scale(passages=4, refused=0))))
    found = rows(tmp_path, "-n", 1000)
    assert len(found) == 24 and len({row["order_id"] for row in found}) == 24


def test_nothing_to_show_and_what_cannot_be_meant(tmp_path: Path) -> None:
    """A run that has just begun is no mistake; two ends at once are."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(RUN[:1])
    assert "no such sample has ended" in gleaner(tmp_path).stdout and rows(tmp_path) == []
    assert "no document was refused" in gleaner(tmp_path, "--refused").stdout
    both = gleaner(tmp_path, "--accepted", "--dead")
    assert both.exit_code == 2 and "give one of them" in both.stderr
    assert gleaner(tmp_path, "--refused", "--mode", "parametric").exit_code == 2
    assert "holds no run" in gleaner(tmp_path.parent).stderr
