"""The columns of a dataset row and of a dead letter's row.

Law: a row follows from the ledger's records and the configuration alone, so a shard can be written again byte for byte.
Its passage is the corpus's exact text. A probe never has a row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from actors.dataset.executions import EXECUTIONS, executions_of
from actors.ledger.history import Life
from schemas.corpus import DocumentRefused, Provenance
from schemas.errors import LedgerError
from schemas.ids import PoolName
from schemas.orders import Attempt
from schemas.samples import Candidate, Draft, Message
from schemas.verdicts import KNOWN_GATES, Errored, Rejected, Verdict

Row = dict[str, Any]
Chat = Callable[[str, Draft], Sequence[Message]]
"""Turns a passage and a draft into the messages that a student is trained on: the user's turn, then the assistant's."""


def scores_of(own: Iterable[str] = ()) -> pa.DataType:
    """A column for each gate's score: the built-in gates in their order, then a configuration's own."""
    return pa.struct([(gate, pa.float64()) for gate in dict.fromkeys((*KNOWN_GATES, *own))])


MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
PROVENANCE_TYPE = pa.struct(
    [
        ("uri", pa.string()),
        ("document_id", pa.string()),
        ("document_sha256", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("chunker", pa.string()),
        ("place", pa.string()),
        ("license", pa.string()),
        ("extractor", pa.string()),
    ]
)
EVIDENCE: tuple[tuple[str, pa.DataType], ...] = (
    ("claim", pa.string()),
    ("supported", pa.bool_()),
    ("quote", pa.string()),
    ("start", pa.int64()),
    ("end", pa.int64()),
    ("passage_id", pa.string()),
)
_LINEAGE = pa.struct(
    [
        ("order_id", pa.string()),
        ("passage_id", pa.string()),
        ("task", pa.string()),
        ("slot", pa.int64()),
        ("attempts", pa.int64()),
        ("pool", pa.string()),
        ("model", pa.string()),
        ("temperature", pa.float64()),
        ("top_p", pa.float64()),
        ("seed", pa.int64()),
        ("failure_modes", pa.list_(pa.string())),
        ("repairs", pa.list_(pa.string())),
        ("prefix", pa.string()),
        ("prefix_of_attempt", pa.int64()),
    ]
)
MOST_TOKENS = 2**62
"""Larger counts (from a server or a user's engine) are cut to this: no column holds them, and they must end no run."""
_TOKENS = pa.struct([("generator_prompt", pa.int64()), ("generator_completion", pa.int64()), ("gates", pa.int64())])
_ATTEMPT: tuple[tuple[str, pa.DataType | None], ...] = (
    ("number", pa.int64()),
    ("repair", pa.string()),
    ("pool", pa.string()),
    ("temperature", pa.float64()),
    ("seed", pa.int64()),
    ("text", pa.string()),
    ("question", pa.string()),
    ("answer", pa.string()),
    ("malformed", pa.string()),
    ("scores", None),
    ("rejected_by", pa.list_(pa.string())),
    ("verdicts_json", pa.string()),
    ("failure_mode", pa.string()),
    ("confidence", pa.float64()),
    ("reasons", pa.list_(pa.string())),
    ("chosen_repair", pa.string()),
    ("chosen_because", pa.string()),
)
"""None: the type of `scores` depends on the run's gates."""


def vary_of(names: Iterable[str]) -> pa.DataType:
    """A column for each of an order's variables."""
    return pa.struct([(name, pa.string()) for name in names])


def sample_schema(own: Iterable[str] = (), vary: Sequence[str] = (), *, executes: bool = False) -> pa.Schema:
    """The dataset's columns, with the scores of a configuration's own gates, its variables if it has some, and what was
    executed if a gate executes programs."""
    return pa.schema(
        [
            ("id", pa.string()),
            ("messages", MESSAGES),
            ("question", pa.string()),
            ("answer", pa.string()),
            ("passage", pa.string()),
            ("reference", pa.string()),
            ("quote", pa.string()),
            ("provenance", PROVENANCE_TYPE),
            ("scores", scores_of(own)),
            ("unjudged", pa.list_(pa.string())),
            ("evidence", pa.list_(pa.struct(EVIDENCE))),
            ("lineage", _LINEAGE),
            ("tokens", _TOKENS),
            *_varied(vary),
            *([("executions", EXECUTIONS)] if executes else []),
        ]
    )


def dead_letter_schema(own: Iterable[str] = (), vary: Sequence[str] = ()) -> pa.Schema:
    """The dead letters' columns, as `sample_schema`."""
    scores = scores_of(own)
    attempt = pa.struct([(name, scores if kind is None else kind) for name, kind in _ATTEMPT])
    return pa.schema(
        [
            ("id", pa.string()),
            ("subject", pa.string()),
            ("reason", pa.string()),
            ("detail", pa.string()),
            ("gates", pa.list_(pa.string())),
            ("passage", pa.string()),
            ("provenance", PROVENANCE_TYPE),
            ("attempts", pa.int64()),
            ("failure_modes", pa.list_(pa.string())),
            ("repairs", pa.list_(pa.string())),
            ("history", pa.list_(attempt)),
            ("tokens", _TOKENS),
            *_varied(vary),
        ]
    )


def _varied(names: Sequence[str]) -> list[tuple[str, pa.DataType]]:
    return [("vary", vary_of(names))] if names else []


SAMPLE_SCHEMA = sample_schema()
DEAD_LETTER_SCHEMA = dead_letter_schema()
"""The columns for a run with the built-in gates alone."""


def sample_row(life: Life, *, chat: Chat, models: Mapping[PoolName, str]) -> Row:
    """An accepted order as a row of the dataset. Raises LedgerError when it has no end as accepted, or no draft."""
    _must_be_exportable(life)
    last = life.attempts[-1] if life.attempts else None
    candidate = last.candidate if last is not None else None
    if life.accepted_at is None or last is None or candidate is None or candidate.draft is None:
        raise LedgerError(f"order {life.order.id} is not accepted with a draft: {len(life.attempts)} attempts")
    draft = candidate.draft
    return {
        "id": life.order.id,
        "messages": [{"role": said.role, "content": said.content} for said in chat(life.passage.text, draft)],
        "question": draft.fields.get("question"),
        "answer": draft.fields.get("answer"),
        "passage": life.passage.text,
        "reference": life.passage.reference,
        "quote": draft.quote,
        "provenance": msgspec.structs.asdict(life.passage.provenance),
        "scores": scores(last.verdicts),
        "unjudged": list(last.unjudged),
        "evidence": _evidence(last.verdicts),
        "lineage": _lineage(life, candidate, models),
        "tokens": _tokens(life),
        "vary": life.order.vary or None,
        "executions": executions_of(last.verdicts) or None,
    }


def dead_letter_row(life: Life) -> Row:
    """A dead-lettered order with its whole history. Raises LedgerError when it was not dead-lettered."""
    _must_be_exportable(life)
    if life.end is None:
        raise LedgerError(f"order {life.order.id} is not dead-lettered")
    return {
        "id": life.order.id,
        "subject": "order",
        "reason": life.end.reason.value,
        "detail": life.end.detail,
        "gates": list(life.end.gates),
        "passage": life.passage.text,
        "provenance": msgspec.structs.asdict(life.passage.provenance),
        "attempts": len(life.attempts),
        "failure_modes": list(life.failure_modes),
        "repairs": list(life.repairs),
        "history": [_attempt(attempt) for attempt in life.attempts],
        "tokens": _tokens(life),
        "vary": life.order.vary or None,
    }


def _must_be_exportable(life: Life) -> None:
    if not life.exportable:
        raise LedgerError(f"order {life.order.id} is a {life.order.kind.value}: it is never exported")


def refused_row(document: DocumentRefused) -> Row:
    """A document that the corpus reader refused. It has a uri, no passage and no attempts."""
    nowhere: Mapping[str, object] = dict.fromkeys(Provenance.__struct_fields__)
    return {
        "id": document.uri,
        "subject": "document",
        "reason": document.reason.value,
        "detail": document.detail,
        "gates": [],
        "passage": None,
        "provenance": {**nowhere, "uri": document.uri},
        "attempts": 0,
        "failure_modes": [],
        "repairs": [],
        "history": [],
        "tokens": {"generator_prompt": 0, "generator_completion": 0, "gates": 0},
    }


def scores(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """The score of each gate that passed or rejected; a gate that errored has none."""
    return {said.gate: said.score for said in verdicts if not isinstance(said, Errored)}


def _evidence(verdicts: Sequence[Verdict]) -> list[Row]:
    claims = [claim for said in verdicts if not isinstance(said, Errored) for claim in said.evidence.claims]
    return [
        {
            "claim": claim.claim,
            "supported": claim.supported,
            "quote": claim.quote.text if claim.quote else None,
            "start": claim.quote.start if claim.quote else None,
            "end": claim.quote.end if claim.quote else None,
            "passage_id": claim.quote.passage_id if claim.quote else None,
        }
        for claim in claims
    ]


def _lineage(life: Life, candidate: Candidate, models: Mapping[PoolName, str]) -> Row:
    repair = life.attempts[-1].repair
    restarted = repair if repair is not None and repair.prefix else None
    return {
        "order_id": life.order.id,
        "passage_id": life.passage.id,
        "task": life.order.task,
        "slot": life.order.slot,
        "attempts": len(life.attempts),
        "pool": candidate.pool,
        "model": models.get(candidate.pool),
        "temperature": candidate.sampling.temperature,
        "top_p": candidate.sampling.top_p,
        "seed": candidate.sampling.seed,
        "failure_modes": list(life.failure_modes),
        "repairs": list(life.repairs),
        "prefix": None if restarted is None else restarted.prefix,
        "prefix_of_attempt": None if restarted is None else restarted.origin,
    }


def _tokens(life: Life) -> Row:
    generator = life.generator_cost
    return {
        "generator_prompt": min(generator.prompt_tokens, MOST_TOKENS),
        "generator_completion": min(generator.completion_tokens, MOST_TOKENS),
        "gates": min(life.gates_cost.tokens, MOST_TOKENS),
    }


def _attempt(attempt: Attempt) -> Row:
    candidate, diagnosis, choice = attempt.candidate, attempt.diagnosis, attempt.choice
    draft = candidate.draft if candidate else None
    rejections = [said.gate for said in attempt.verdicts if isinstance(said, Rejected)]
    return {
        "number": attempt.number,
        "repair": attempt.repair.kind if attempt.repair else None,
        "pool": candidate.pool if candidate else None,
        "temperature": candidate.sampling.temperature if candidate else None,
        "seed": candidate.sampling.seed if candidate else None,
        "text": candidate.text if candidate else None,
        "question": draft.fields.get("question") if draft else None,
        "answer": draft.fields.get("answer") if draft else None,
        "malformed": candidate.malformed if candidate else None,
        "scores": scores(attempt.verdicts),
        "rejected_by": rejections,
        "verdicts_json": msgspec.json.encode(attempt.verdicts).decode("utf-8"),
        "failure_mode": diagnosis.mode if diagnosis else None,
        "confidence": diagnosis.confidence if diagnosis else None,
        "reasons": list(diagnosis.reasons) if diagnosis else [],
        "chosen_repair": choice.repair.kind if choice and choice.repair else None,
        "chosen_because": choice.reason if choice else None,
    }
