"""Rows: what a person who opens a shard finds in it."""

from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from msgspec.structs import replace

from actors.dataset.rows import (
    DEAD_LETTER_SCHEMA,
    MOST_TOKENS,
    SAMPLE_SCHEMA,
    dead_letter_row,
    refused_row,
    sample_row,
)
from actors.ledger.history import Life, life_of
from schemas.corpus import DocumentRefused, RefusalReason
from schemas.errors import LedgerError
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd
from schemas.orders import EndReason
from schemas.verdicts import Verdict
from tests.actors.dataset.conftest import WORDING
from tests.doubles.ledgers import MemoryLedger, Scale, plausible_run

LEDGER = MemoryLedger(list(plausible_run(11, Scale(passages=120))))


def lives(kind: type[AcceptedEnd] | type[DeadLetteredEnd]) -> list[Life]:
    ended = [record.order_id for record in LEDGER.records if isinstance(record, kind)]
    return [life_of(order_id, LEDGER.story(order_id)) for order_id in ended]


def written(rows: list[dict], schema: pa.Schema) -> list[dict]:
    """What comes back out of Arrow."""
    return pa.Table.from_pylist(rows, schema=schema).to_pylist()


def test_a_sample_keeps_its_exact_passage_and_whence_it_came() -> None:
    """A reader checks a sample against its document: the slice, every quote of the evidence, the answer's words."""
    rows = written(
        [sample_row(life, chat=WORDING.chat, models=WORDING.models) for life in lives(AcceptedEnd)], SAMPLE_SCHEMA
    )
    assert len(rows) > 200
    for row in rows:
        where = row["provenance"]
        assert len(row["passage"]) == where["end"] - where["start"]
        assert row["messages"][0]["role"] == "user" and row["passage"] in row["messages"][0]["content"]
        assert row["messages"][-1] == {"role": "assistant", "content": row["answer"]}
        assert row["evidence"]
        for claim in row["evidence"]:
            assert row["passage"][claim["start"] : claim["end"]] == claim["quote"]


def test_an_absurd_count_of_tokens_ends_no_run() -> None:
    """A server once counted 10 to the 19th tokens, and the ledger holds it: the row is written, as far as it fits."""
    life = lives(AcceptedEnd)[0]
    *before, last = life.attempts
    assert last.candidate is not None
    cost = replace(last.candidate.cost, prompt_tokens=2**64 - 1, completion_tokens=2**63)
    absurd = replace(life, attempts=(*before, replace(last, candidate=replace(last.candidate, cost=cost))))
    (row,) = written([sample_row(absurd, chat=WORDING.chat, models=WORDING.models)], SAMPLE_SCHEMA)
    assert row["tokens"]["generator_prompt"] == row["tokens"]["generator_completion"] == MOST_TOKENS


def test_a_recovered_sample_tells_what_it_took() -> None:
    """Lineage names each failure mode and repair on the way, and the model that finally wrote it."""
    rows = [sample_row(life, chat=WORDING.chat, models=WORDING.models)["lineage"] for life in lives(AcceptedEnd)]
    recovered = [row for row in rows if row["attempts"] > 1]
    assert recovered
    for row in recovered:
        assert len(row["failure_modes"]) == len(row["repairs"]) == row["attempts"] - 1
        assert row["model"] == ("almanac-l" if row["pool"] == "strong" else "almanac-m")
    assert all(row["failure_modes"] == [] for row in rows if row["attempts"] == 1)


def test_a_dead_letter_holds_every_attempt() -> None:
    """A user asks why an order failed: texts, verdicts, diagnosis and choice of each attempt are there."""
    found = lives(DeadLetteredEnd)
    rows = written([dead_letter_row(life) for life in found], DEAD_LETTER_SCHEMA)
    reasons = {row["reason"] for row in rows}
    assert EndReason.REJECTED.value in reasons and len(reasons) > 1
    for life, row in zip(found, rows, strict=True):
        assert [attempt["number"] for attempt in row["history"]] == [attempt.number for attempt in life.attempts]
        for attempt, told in zip(life.attempts, row["history"], strict=True):
            assert msgspec.json.decode(told["verdicts_json"], type=tuple[Verdict, ...]) == attempt.verdicts
            assert told["text"] == (attempt.candidate.text if attempt.candidate else None)


def test_a_refused_document_is_a_dead_letter_of_its_own() -> None:
    """A file with NUL bytes: its place and the reason, no passage, no attempts."""
    document = DocumentRefused("file:///corpus/bad.txt", RefusalReason.NUL_BYTES, "3 NUL bytes, first at 17")
    row = written([refused_row(document)], DEAD_LETTER_SCHEMA)[0]
    assert (row["subject"], row["reason"], row["detail"]) == ("document", "nul_bytes", document.detail)
    assert row["provenance"]["uri"] == document.uri and row["passage"] is None and row["history"] == []


def test_an_order_never_gets_the_row_of_another_end() -> None:
    """A dead letter in the dataset, or a sample among the dead letters, is a bug that must not pass unseen."""
    with pytest.raises(LedgerError):
        sample_row(lives(DeadLetteredEnd)[0], chat=WORDING.chat, models={})
    with pytest.raises(LedgerError):
        dead_letter_row(lives(AcceptedEnd)[0])


def test_records_without_a_plan_tell_no_life(tmp_path: Path) -> None:
    """An order without a plan: the ledger is damaged, and the error names the order."""
    with pytest.raises(LedgerError, match="nobody"):
        life_of(OrderId("nobody"), [])
    with pytest.raises(LedgerError, match="nobody"):
        life_of(OrderId("nobody"), LEDGER.story(next(iter(lives(AcceptedEnd))).order.id))
