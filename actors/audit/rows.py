"""Rebuilds each row of a shard from the ledger and compares every column. Law: this code is separate from the code that
writes the rows.

`messages` is the order's task's view for a student. For a task that this module does not know, it checks only that the
last turn is the assistant's and holds one of the draft's texts.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from actors.audit.book import Book
from actors.audit.configured import Configured
from actors.audit.executed import decoded, executed_rows
from actors.audit.files import inside
from actors.audit.findings import Findings
from actors.ledger.sqlite import LedgerReader
from actors.text.parquet import ParquetRows, TooMuchMemory
from schemas.audit import Check
from schemas.corpus import Passage, Provenance
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined, Rescored, ShardKind, ShardWritten
from schemas.orders import Attempt, Order
from schemas.samples import Draft
from schemas.verdicts import DIVERSITY, KNOWN_GATES, Errored, Rejected, Verdict

Models = Mapping[str, str | None]
"""The pools' models. None where run.yaml does not name one; then it is not compared."""
Row = dict[str, Any]
_PAGE_BYTES = 128 << 20
_LIST_BYTES = 4 << 30
"""The largest size of one row group's lists, with each value as long as the longest: the folder may be a stranger's."""
_MOST_TOKENS = 2**62


def check_columns(output: Path, books: Sequence[Book], now: Configured | None, findings: Findings) -> None:
    """Compares every row of every counting shard with the records of its order, up to the book's last record. `now`:
    the contents of run.yaml."""
    for book in books:
        with LedgerReader(output, book.shard) as ledger:
            sources = _Sources(book, ledger, now)
            for shard in book.shards.values():
                path = inside(output, shard.name)
                if path is not None and path.is_file():
                    _check_shard(path, shard, sources, findings)


class _Sources(msgspec.Struct, frozen=True):
    """What rows are rebuilt from. `ledger` may have new records since the book was made."""

    book: Book
    ledger: LedgerReader
    now: Configured | None

    def models(self, order_id: OrderId) -> Models:
        """The pools' models when the order ended."""
        asked = self.book.configured_at(self.book.end_seqs[order_id], self.now)
        return {} if asked is None else asked.models


def _check_shard(path: Path, shard: ShardWritten, sources: _Sources, findings: Findings) -> None:
    try:
        for number, row in enumerate(shard_rows(path), 1):
            where = f"{shard.name}, row {number}"
            if row.get("subject") == "document":
                _check_document(row, where, findings)
                continue
            order_id = OrderId(row["id"])
            held = sources.book.holds(order_id, shard)
            undone = len(sources.book.put_back.get(order_id, ()))
            end = undone if held else sources.book.outdated(order_id, shard)
            if end is None:
                continue  # not its order's end: `check_shards` reports it
            differing = _differing(row, shard.kind, order_id, end, sources)
            if differing:
                what = f"is not what the ledger says: {', '.join(differing)}"
                findings.error(Check.ROWS, what, where, order_id)
    except TooMuchMemory as error:
        findings.warning(Check.ROWS, f"not checked: {error}", shard.name)
    except (pa.ArrowException, OSError, UnicodeDecodeError):  # `check_shards` reports it
        return


def _check_document(row: Row, where: str, findings: Findings) -> None:
    """A refused document's row has a uri and nothing else. Its reason is checked in `check_shards`."""
    place = row.get("provenance") or {}
    expected = {
        "gates": [],
        "passage": None,
        "provenance": {**dict.fromkeys(place), "uri": row["id"]},
        "attempts": 0,
        "failure_modes": [],
        "repairs": [],
        "history": [],
        "tokens": _tokens(()),
    }
    differing = [name for name, value in expected.items() if row.get(name) != value]
    if differing:
        findings.error(Check.ROWS, f"is not what the ledger says: {', '.join(differing)}", where)


def shard_rows(path: Path) -> Iterator[Row]:
    """Every row of a shard, within bounds of memory. Raises TooMuchMemory, and pyarrow's errors for a damaged file."""
    with path.open("rb") as stream, closing(ParquetRows(stream, _PAGE_BYTES)) as file:
        for group in range(len(file.group_rows)):
            file.check_lists(group, _LIST_BYTES)
            for batch in file.batches(group, file.schema.names):
                yield from batch.to_pylist()


def _differing(row: Row, kind: ShardKind, order_id: OrderId, end: int, sources: _Sources) -> list[str]:
    """The columns that differ from the rebuilt ones or are missing. `end`: which of the order's ends the row is of,
    from 0. Later records do not concern the row."""
    story = sources.ledger.story(order_id)
    plan = next((record for record in story if isinstance(record, Planned)), None)
    order = next((order for order in plan.orders if order.id == order_id), None) if plan is not None else None
    moves = [record for record in story if isinstance(record, Rejoined | AcceptedEnd | Rescored | DeadLetteredEnd)]
    ends = [number for number, move in enumerate(moves) if not isinstance(move, Rejoined)]
    if plan is None or order is None or len(ends) <= end:
        return ["id"]  # the ledger does not find it by its id
    moves = moves[: ends[end] + 1]
    attempts = [move.attempt for move in moves if move.attempt is not None]
    if isinstance(moves[-1], Rescored):  # its attempt is the last rejected one, judged again
        *attempts, rejected, judged_anew = attempts
        if not _is_same_attempt(rejected, judged_anew):
            return ["scores"]
        attempts.append(judged_anew)
    if kind is ShardKind.DATASET:
        expected = _sample(order, plan.passage, attempts, sources.models(order_id))
    else:
        expected = _dead_letter(order, plan.passage, attempts, moves[-1])
    return [name for name, value in expected.items() if not _same(name, row.get(name), value)]


def _is_same_attempt(rejected: Attempt, judged_anew: Attempt) -> bool:
    """Whether the attempt accepted by its scores is the rejected one, apart from thresholds and what follows from
    them."""
    aside = DIVERSITY
    before, now = ({**_scores(each.verdicts), aside: None} for each in (rejected, judged_anew))
    return before == now and (rejected.number, rejected.candidate) == (judged_anew.number, judged_anew.candidate)


def _same(name: str, found: Any, expected: Any) -> bool:
    match name:
        case "messages" if isinstance(expected, Draft):
            return _shows_draft(found, expected)
        case "provenance" if isinstance(found, dict):  # shards of earlier versions have fewer columns in it
            return {**dict.fromkeys(expected), **found} == expected
        case "lineage" if found is not None and "model" not in expected:
            return {key: value for key, value in found.items() if key != "model"} == expected
        case "scores":
            return _without_empty(found) == expected
        case "executions":
            return decoded(found) == expected
        case "unjudged":
            return (found or []) == expected  # shards of earlier versions lack the column
        case "history":
            return [_decoded(each) for each in found or ()] == expected
    return found == expected


def _messages(task: str, passage: str, draft: Draft) -> list[Row] | Draft:
    """The chat that a student is shown. For an unknown task, the draft whose texts it must hold."""
    both = f"{passage}\n\n{draft.question}"
    asked = {"grounded_answer": both, "sql": both, "math": passage, "code": draft.question}.get(task)
    if asked is None:
        return draft
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": draft.answer}]


def _shows_draft(messages: Any, draft: Draft) -> bool:
    turns = [(turn["role"], turn["content"]) for turn in messages or ()]
    texts = [text.strip() for text in draft.fields.values() if text.strip()]
    return bool(turns) and turns[-1][0] == "assistant" and any(text in turns[-1][1] for text in texts)


def _decoded(each: Row) -> Row:
    try:
        verdicts = msgspec.json.decode(each["verdicts_json"], type=tuple[Verdict, ...])
    except (msgspec.DecodeError, UnicodeDecodeError):
        verdicts = None
    return {**each, "verdicts_json": verdicts, "scores": _without_empty(each["scores"])}


def _sample(order: Order, passage: Passage, attempts: Sequence[Attempt], models: Models) -> Row:
    last = attempts[-1]
    candidate = last.candidate
    draft = candidate.draft if candidate else None
    if candidate is None or draft is None:
        return {"question": None, "answer": None}  # `fold` reports it: accepted without a draft
    restart = last.repair if last.repair is not None and last.repair.prefix else None
    lineage = {
        "order_id": order.id,
        "passage_id": order.passage_id,
        "task": order.task,
        "slot": order.slot,
        "attempts": len(attempts),
        "pool": candidate.pool,
        "temperature": candidate.sampling.temperature,
        "top_p": candidate.sampling.top_p,
        "seed": candidate.sampling.seed,
        "failure_modes": _modes(attempts),
        "repairs": _repairs(attempts),
        "prefix": restart.prefix if restart else None,
        "prefix_of_attempt": restart.origin if restart else None,
    }
    if models.get(candidate.pool) is not None:
        lineage["model"] = models[candidate.pool]
    judged = [verdict for verdict in last.verdicts if not isinstance(verdict, Errored)]
    claims = [(said.claim, said.supported, said.quote) for verdict in judged for said in verdict.evidence.claims]
    evidence = [
        {
            "claim": claim,
            "supported": supported,
            "quote": None if quote is None else quote.text,
            "start": None if quote is None else quote.start,
            "end": None if quote is None else quote.end,
            "passage_id": None if quote is None else quote.passage_id,
        }
        for claim, supported, quote in claims
    ]
    return {
        "messages": _messages(order.task, passage.text, draft),
        "question": draft.fields.get("question"),
        "answer": draft.fields.get("answer"),
        "passage": passage.text,
        "reference": passage.reference,
        "quote": draft.quote,
        "provenance": _provenance(passage),
        "scores": _scores(last.verdicts),
        "unjudged": list(last.unjudged),
        "evidence": evidence,
        "lineage": lineage,
        "tokens": _tokens(attempts),
        "vary": order.vary or None,
        "executions": executed_rows(last.verdicts),
    }


def _provenance(passage: Passage) -> Row:
    return {name: getattr(passage.provenance, name) for name in Provenance.__struct_fields__}


def _dead_letter(order: Order, passage: Passage, attempts: Sequence[Attempt], last: Record) -> Row:
    if not isinstance(last, DeadLetteredEnd):
        return {}  # `check_shards` reports it
    return {
        "subject": "order",
        "reason": last.end.reason.value,
        "detail": last.end.detail,
        "gates": list(last.end.gates),
        "passage": passage.text,
        "provenance": _provenance(passage),
        "attempts": len(attempts),
        "failure_modes": _modes(attempts),
        "repairs": _repairs(attempts),
        "history": [_attempt_row(attempt) for attempt in attempts],
        "tokens": _tokens(attempts),
        "vary": order.vary or None,
    }


def _attempt_row(attempt: Attempt) -> Row:
    made, draft = attempt.candidate, attempt.candidate.draft if attempt.candidate else None
    chosen = attempt.choice.repair if attempt.choice else None
    return {
        "number": attempt.number,
        "repair": attempt.repair.kind if attempt.repair else None,
        "pool": made.pool if made else None,
        "temperature": made.sampling.temperature if made else None,
        "seed": made.sampling.seed if made else None,
        "text": made.text if made else None,
        "question": draft.fields.get("question") if draft else None,
        "answer": draft.fields.get("answer") if draft else None,
        "malformed": made.malformed if made else None,
        "scores": _scores(attempt.verdicts),
        "rejected_by": [verdict.gate for verdict in attempt.verdicts if isinstance(verdict, Rejected)],
        "verdicts_json": attempt.verdicts,
        "failure_mode": attempt.diagnosis.mode if attempt.diagnosis else None,
        "confidence": attempt.diagnosis.confidence if attempt.diagnosis else None,
        "reasons": list(attempt.diagnosis.reasons) if attempt.diagnosis else [],
        "chosen_repair": chosen.kind if chosen else None,
        "chosen_because": attempt.choice.reason if attempt.choice else None,
    }


def _scores(verdicts: Sequence[Verdict]) -> Row:
    """Each gate's score; None where it gave none. The last verdict of a gate counts."""
    given = {verdict.gate: verdict.score for verdict in verdicts if not isinstance(verdict, Errored)}
    return {gate: given.get(gate) for gate in dict.fromkeys((*KNOWN_GATES, *given))}


def _without_empty(scores: Row | None) -> Row | None:
    """A row's scores without the empty columns of gates that only other rows have."""
    if scores is None:
        return None
    return {gate: score for gate, score in scores.items() if score is not None or gate in KNOWN_GATES}


def _modes(attempts: Sequence[Attempt]) -> list[str]:
    return [attempt.diagnosis.mode for attempt in attempts if attempt.diagnosis]


def _repairs(attempts: Sequence[Attempt]) -> list[str]:
    return [attempt.repair.kind for attempt in attempts if attempt.repair]


def _tokens(attempts: Sequence[Attempt]) -> Row:
    costs = [call.cost for attempt in attempts for call in attempt.earlier]
    costs += [attempt.candidate.cost for attempt in attempts if attempt.candidate]
    gates = [verdict.cost.tokens for attempt in attempts for verdict in attempt.verdicts]
    return {
        "generator_prompt": min(sum(cost.prompt_tokens for cost in costs), _MOST_TOKENS),
        "generator_completion": min(sum(cost.completion_tokens for cost in costs), _MOST_TOKENS),
        "gates": min(sum(gates), _MOST_TOKENS),
    }
