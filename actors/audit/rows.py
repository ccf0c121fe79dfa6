"""Rebuilds each row of a shard from the ledger and compares every column. Law: written apart from what writes the rows.

Of `messages`, whose wording is the task's, it holds that there are two turns, that the user's has the question in it,
and that the assistant's is the answer, or has it in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import yaml

from actors.audit.book import Book
from actors.audit.files import inside
from actors.audit.findings import Findings
from actors.ledger import LedgerReader
from actors.parquet import ParquetRows, TooMuchMemory
from schemas.audit import Check
from schemas.corpus import Passage
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined, ShardKind, ShardWritten
from schemas.orders import Attempt, Order
from schemas.verdicts import Errored, GateName, Rejected, Verdict

Models = Mapping[str, str | None]
"""Of pools; None where run.yaml does not name one: then there is nothing to compare."""
Row = dict[str, Any]
_PAGE_BYTES = 128 << 20
_LIST_BYTES = 4 << 30
"""The folder may be anybody's: what the lists of one row group may come to, each value as long as the longest."""
_MOST_TOKENS = 2**62


def check_columns(output: Path, books: Sequence[Book], findings: Findings) -> None:
    """Every row of every shard that counts against the records of its order."""
    now = _models_now(output)
    for book in books:
        with LedgerReader(output, book.shard) as ledger:
            earlier = [
                (seq, {str(name): model for name, model in record.models.items()})
                for seq, record in ledger.reconfigured()
            ]
            for shard in book.shards.values():
                path = inside(output, shard.name)
                if path is not None and path.is_file():
                    _check_shard(path, shard, _Sources(book, ledger, earlier, now), findings)


class _Sources(msgspec.Struct, frozen=True):
    """What rows follow from. `earlier`: models until a record; `now`: those of run.yaml, None where it is missing."""

    book: Book
    ledger: LedgerReader
    earlier: Sequence[tuple[int, Models]]
    now: Models | None

    def models(self, seq: int) -> Models | None:
        """Of attempts that ended with that record."""
        return next((models for until, models in self.earlier if seq < until), self.now)


def _models_now(output: Path) -> Models | None:
    try:
        config = yaml.safe_load((output / "run.yaml").read_bytes())
        return {name: pool["engine"].get("model") for name, pool in config["pools"].items()}
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return None


def _check_shard(path: Path, shard: ShardWritten, sources: _Sources, findings: Findings) -> None:
    try:
        for number, row in enumerate(_rows(path), 1):
            where = f"{shard.name}, row {number}"
            if row.get("subject") == "document":
                if (row["id"], row["reason"], row["detail"]) not in sources.book.refused:
                    findings.error(Check.ROWS, "a row of a document that was not refused so", where)
                continue
            order_id = OrderId(row["id"])
            if not shard.first_seq <= sources.book.end_seqs.get(order_id, 0) <= shard.last_seq:
                continue  # not its order's end: that is another check's
            differing = _differing(row, shard.kind, order_id, sources)
            if differing:
                what = f"is not what the ledger says: {', '.join(differing)}"
                findings.error(Check.ROWS, what, where, order_id)
    except TooMuchMemory as error:
        findings.warning(Check.ROWS, f"not checked: {error}", shard.name)
    except (pa.ArrowException, OSError):  # told by the check of the shards
        return


def _rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as stream, closing(ParquetRows(stream, _PAGE_BYTES)) as file:
        for group in range(len(file.group_rows)):
            file.check_lists(group, _LIST_BYTES)
            for batch in file.batches(group, file.schema.names):
                yield from batch.to_pylist()


def _differing(row: Row, kind: ShardKind, order_id: OrderId, sources: _Sources) -> list[str]:
    """The columns that are not as rebuilt, and those that are missing."""
    story = sources.ledger.story(order_id)
    plan = next(record for record in story if isinstance(record, Planned))
    order = next(order for order in plan.orders if order.id == order_id)
    moves = [record for record in story if isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd)]
    attempts = [move.attempt for move in moves if move.attempt is not None]
    if kind is ShardKind.DATASET:
        models = sources.models(sources.book.end_seqs[order_id])
        expected = _sample(order, plan.passage, attempts, models)
    else:
        expected = _letter(order, plan.passage, attempts, moves[-1])
    return [name for name, value in expected.items() if not _same(name, row.get(name), value)]


def _same(name: str, found: Any, expected: Any) -> bool:
    match name:
        case "messages":
            return _tells(found, *expected)
        case "lineage" if found is not None and "model" not in expected:
            return {key: value for key, value in found.items() if key != "model"} == expected
        case "history":
            return [_with_verdicts(each) for each in found or ()] == expected
    return found == expected


def _tells(messages: Any, question: str, answer: str) -> bool:
    turns = [(said["role"], said["content"]) for said in messages or ()]
    roles = [role for role, _ in turns]
    return roles == ["user", "assistant"] and question.strip() in turns[0][1] and answer.strip() in turns[1][1]


def _with_verdicts(each: Row) -> Row:
    try:
        verdicts = msgspec.json.decode(each["verdicts_json"], type=tuple[Verdict, ...])
    except msgspec.DecodeError:
        verdicts = None
    return {**each, "verdicts_json": verdicts}


def _sample(order: Order, passage: Passage, attempts: Sequence[Attempt], models: Models | None) -> Row:
    last = attempts[-1]
    candidate = last.candidate
    draft = candidate.draft if candidate else None
    if candidate is None or draft is None:
        return {"question": None, "answer": None}  # told by the book: accepted without a draft
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
    if models is not None and models.get(candidate.pool) is not None:
        lineage["model"] = models[candidate.pool]
    claims = [
        (said.claim, said.supported, said.quote)
        for verdict in last.verdicts
        if not isinstance(verdict, Errored)
        for said in verdict.evidence.claims
    ]
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
        "messages": (draft.question, draft.answer),
        "question": draft.question,
        "answer": draft.answer,
        "passage": passage.text,
        "reference": passage.reference,
        "quote": draft.quote,
        "provenance": msgspec.to_builtins(passage.provenance),
        "scores": _scores(last.verdicts),
        "evidence": evidence,
        "lineage": lineage,
        "tokens": _tokens(attempts),
    }


def _letter(order: Order, passage: Passage, attempts: Sequence[Attempt], last: Record) -> Row:
    if not isinstance(last, DeadLetteredEnd):
        return {}  # told by the check of the shards
    return {
        "subject": "order",
        "reason": last.end.reason.value,
        "detail": last.end.detail,
        "gates": [gate.value for gate in last.end.gates],
        "passage": passage.text,
        "provenance": msgspec.to_builtins(passage.provenance),
        "attempts": len(attempts),
        "failure_modes": _modes(attempts),
        "repairs": _repairs(attempts),
        "history": [_told(attempt) for attempt in attempts],
        "tokens": _tokens(attempts),
    }


def _told(attempt: Attempt) -> Row:
    made, draft = attempt.candidate, attempt.candidate.draft if attempt.candidate else None
    chosen = attempt.choice.repair if attempt.choice else None
    return {
        "number": attempt.number,
        "repair": attempt.repair.kind.value if attempt.repair else None,
        "pool": made.pool if made else None,
        "temperature": made.sampling.temperature if made else None,
        "seed": made.sampling.seed if made else None,
        "text": made.text if made else None,
        "question": draft.question if draft else None,
        "answer": draft.answer if draft else None,
        "malformed": made.malformed if made else None,
        "scores": _scores(attempt.verdicts),
        "rejected_by": [verdict.gate.value for verdict in attempt.verdicts if isinstance(verdict, Rejected)],
        "verdicts_json": attempt.verdicts,
        "failure_mode": attempt.diagnosis.mode.value if attempt.diagnosis else None,
        "confidence": attempt.diagnosis.confidence if attempt.diagnosis else None,
        "reasons": list(attempt.diagnosis.reasons) if attempt.diagnosis else [],
        "chosen_repair": chosen.kind.value if chosen else None,
        "chosen_because": attempt.choice.reason if attempt.choice else None,
    }


def _scores(verdicts: Sequence[Verdict]) -> Row:
    """Of each gate; None where it gave none. The last verdict of a gate counts."""
    given = {verdict.gate: verdict.score for verdict in verdicts if not isinstance(verdict, Errored)}
    return {gate.value: given.get(gate) for gate in GateName}


def _modes(attempts: Sequence[Attempt]) -> list[str]:
    return [attempt.diagnosis.mode.value for attempt in attempts if attempt.diagnosis]


def _repairs(attempts: Sequence[Attempt]) -> list[str]:
    return [attempt.repair.kind.value for attempt in attempts if attempt.repair]


def _tokens(attempts: Sequence[Attempt]) -> Row:
    costs = [attempt.candidate.cost for attempt in attempts if attempt.candidate]
    gates = [verdict.cost.tokens for attempt in attempts for verdict in attempt.verdicts]
    return {
        "generator_prompt": min(sum(cost.prompt_tokens for cost in costs), _MOST_TOKENS),
        "generator_completion": min(sum(cost.completion_tokens for cost in costs), _MOST_TOKENS),
        "gates": min(sum(gates), _MOST_TOKENS),
    }
