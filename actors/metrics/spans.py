"""One order's life as a trace: a span for the order, one for each attempt, and one for each call. Pure.

Law: a trace follows from the ledger's records and the configuration, so that the same trace comes of the same order at
every try, under the same ids. Names of attributes are OpenTelemetry's conventions for generative AI where those have
one, and begin with `gleaner.` otherwise. Texts of passages, prompts and completions are only in it if they are asked
for.

The ledger knows when an attempt began and how long each call took, and not when a call began. Calls of the task are
laid one after another, and gates side by side behind them.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from actors.ledger.history import Life, life_of
from schemas.errors import ErrorKind
from schemas.ids import OrderId
from schemas.ledger import Record
from schemas.orders import Attempt, Order, calls_of
from schemas.samples import Candidate, Cost, Message, ModelCall
from schemas.vectors import EMBEDDER
from schemas.verdicts import Errored, Rejected, Verdict, cascade_of, charged

Attributes = dict[str, str | int | float | bool | tuple[str, ...]]
CHAT, CLASSIFY, EMBEDDINGS, WORKFLOW = "chat", "classify", "embeddings", "invoke_workflow"
"""Operations. `classify` is ours: the conventions have none for a classifier."""
EVALUATION = "gen_ai.evaluation.result"
"""The conventions' event for what a judge said of a completion."""
_HALF = 1 << 64


class AskedModel(Struct, frozen=True):
    """The model of a pool, a gate or the embedder. `provider`: who serves it, as the conventions name it."""

    model: str
    provider: str
    operation: str = CHAT


class SpanEvent(Struct, frozen=True):
    """Something at one moment of a span; seconds since the epoch."""

    name: str
    at: float
    attributes: Attributes


class TraceSpan(Struct, frozen=True):
    """A span; times in seconds since the epoch."""

    id: int
    parent: int | None
    name: str
    start: float
    end: float
    attributes: Attributes
    is_call: bool = False
    """Whether it waits for another service."""
    events: tuple[SpanEvent, ...] = ()
    error: str | None = None
    """Why what it stands for failed; None if it did not."""


class OrderTrace(Struct, frozen=True):
    """One order's trace; its first span is the order itself."""

    id: int
    spans: tuple[TraceSpan, ...]


class TraceTerms(Struct, frozen=True):
    """What traces are made of beside records. `folder`: the folder's id; `models`: by pool, gate and embedder."""

    folder: str
    models: Mapping[str, AskedModel]
    content: bool = False


def trace_id(folder: str, order: OrderId) -> int:
    """The id of an order's trace, of 128 bits: the same in each process."""
    return int.from_bytes(hashlib.sha256(f"trace {folder} {order}".encode()).digest()[:16], "big")


def is_sampled(trace: int, share: float) -> bool:
    """Whether the trace is in the sample, by its id alone: as OpenTelemetry's own sampler by ratio decides."""
    return trace % _HALF < share * _HALF


def trace_of(order: OrderId, records: Sequence[Record], terms: TraceTerms) -> OrderTrace:
    """The trace of an order's records, oldest first (`LedgerReader.story`). Raises LedgerError when they are not one
    order's life."""
    life = life_of(order, records)
    trace = _Trace(trace_id(terms.folder, order), terms)
    root = trace.span_id("order")
    return OrderTrace(
        trace.id,
        (
            TraceSpan(
                root,
                None,
                f"{WORKFLOW} {life.order.task}",
                records[0].at,
                records[-1].at,
                _of_order(life, terms),
                error=None if life.end is None else life.end.reason.value,
            ),
            *(span for attempt in life.attempts for span in trace.attempt(attempt, root)),
        ),
    )


class _Trace:
    """The spans of one trace."""

    def __init__(self, id: int, terms: TraceTerms) -> None:
        self.id = id
        self._terms = terms

    def span_id(self, *of: object) -> int:
        text = f"span {self.id} {' '.join(map(str, of))}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") or 1

    def attempt(self, attempt: Attempt, order: int) -> Iterator[TraceSpan]:
        """The attempt's span, then those of its calls."""
        number, begun = attempt.number, attempt.started_at
        own = self.span_id(number)
        said = tuple(_evaluation(each, begun + attempt.seconds, self._terms) for each in attempt.verdicts)
        calls = calls_of(attempt)
        yield TraceSpan(
            own,
            order,
            f"attempt {number}",
            begun,
            begun + attempt.seconds,
            _of_attempt(attempt),
            events=() if calls else said,
        )
        at = begun
        for place, call in enumerate(calls):
            last = call is calls[-1]
            yield self._call(
                (number, "call", place),
                own,
                (at, call.cost, call.pool),
                _of_call(call, self._terms),
                said if last else (),
            )
            at += call.cost.seconds
        for name, cost in (each for verdict in attempt.verdicts for each in charged(verdict)):
            yield self._call((number, "gate", name), own, (at, cost, name), {"gleaner.gate": str(name)})
        if attempt.embedded is not None:
            yield self._call((number, EMBEDDER), own, (at, attempt.embedded.cost, EMBEDDER), {})

    def _call(
        self,
        of: tuple[object, ...],
        attempt: int,
        spent: tuple[float, Cost, str],
        attributes: Attributes,
        said: tuple[SpanEvent, ...] = (),
    ) -> TraceSpan:
        """The span of a call that began at that time, cost so much and went to that pool."""
        at, cost, pool = spent
        asked = self._terms.models.get(pool)
        operation = CHAT if asked is None else asked.operation
        known: Attributes = {"gen_ai.operation.name": operation, "gleaner.pool": str(pool)}
        if asked is not None:
            known |= {"gen_ai.request.model": asked.model, "gen_ai.provider.name": asked.provider}
        return TraceSpan(
            self.span_id(*of),
            attempt,
            operation if asked is None else f"{operation} {asked.model}",
            at,
            at + cost.seconds,
            known | _of_cost(cost) | attributes,
            is_call=True,
            events=said,
        )


def _of_order(life: Life, terms: TraceTerms) -> Attributes:
    order: Order = life.order
    end = "accepted" if life.accepted_at is not None else "not_needed"
    attributes: Attributes = {
        "gen_ai.operation.name": WORKFLOW,
        "gen_ai.workflow.name": order.task,
        "gleaner.order": str(order.id),
        "gleaner.passage": str(order.passage_id),
        "gleaner.document": life.passage.provenance.uri,
        "gleaner.end": end if life.end is None else life.end.reason.value,
        "gleaner.attempts": len(life.attempts),
    }
    attributes |= {f"gleaner.vary.{name}": value for name, value in order.vary.items()}
    if life.end is not None:
        attributes["error.type"] = life.end.reason.value if life.end.error is None else life.end.error.value
        attributes["gleaner.rejected_by"] = tuple(map(str, life.end.gates))
    if terms.content:
        attributes["gleaner.passage.text"] = life.passage.text
        attributes |= {} if life.end is None else {"gleaner.end.detail": life.end.detail}
    return attributes


def _of_attempt(attempt: Attempt) -> Attributes:
    attributes: Attributes = {"gleaner.attempt": attempt.number}
    if attempt.repair is not None:
        attributes["gleaner.repair"] = str(attempt.repair.kind)
    if attempt.diagnosis is not None:
        attributes["gleaner.diagnosis"] = str(attempt.diagnosis.mode)
    if attempt.candidate is not None and attempt.candidate.malformed_reason is not None:
        attributes["gleaner.malformed"] = attempt.candidate.malformed_reason.value
    if attempt.unjudged:
        attributes["gleaner.unjudged"] = tuple(map(str, attempt.unjudged))
    return attributes


def _of_call(call: ModelCall | Candidate, terms: TraceTerms) -> Attributes:
    sampling = call.sampling
    attributes: Attributes = {
        "gen_ai.request.temperature": sampling.temperature,
        "gen_ai.request.top_p": sampling.top_p,
        "gen_ai.request.max_tokens": sampling.max_tokens,
        "gen_ai.request.seed": sampling.seed,
        "gen_ai.response.finish_reasons": (call.finish.value,),
    }
    if terms.content:
        said = [{"type": "text", "content": call.text}]
        if call.reasoning:
            said.insert(0, {"type": "reasoning", "content": call.reasoning})
        attributes["gen_ai.input.messages"] = _json([_message(each) for each in call.prompt])
        attributes["gen_ai.output.messages"] = _json(
            [{"role": "assistant", "parts": said, "finish_reason": call.finish.value}]
        )
    return attributes


def _of_cost(cost: Cost) -> Attributes:
    used: Attributes = {
        "gen_ai.usage.input_tokens": cost.prompt_tokens,
        "gen_ai.usage.output_tokens": cost.completion_tokens,
    }
    used |= {"gen_ai.usage.cache_read.input_tokens": cost.cached_tokens} if cost.cached_tokens else {}
    return used | ({"gleaner.usage.estimated_tokens": cost.estimated_tokens} if cost.estimated_tokens else {})


def _evaluation(said: Verdict, at: float, terms: TraceTerms) -> SpanEvent:
    """What a gate said, as the conventions write an evaluation down."""
    label = "errored" if isinstance(said, Errored) else "rejected" if isinstance(said, Rejected) else "passed"
    attributes: Attributes = {"gen_ai.evaluation.name": str(said.gate), "gen_ai.evaluation.score.label": label}
    if isinstance(said, Errored):
        error: ErrorKind = said.error
        attributes["error.type"] = error.value
        words = said.detail
    else:
        attributes["gen_ai.evaluation.score.value"] = said.score
        attributes["gleaner.threshold"] = said.threshold
        words = said.evidence.note
    if (cascade := cascade_of(said)) is not None:
        attributes["gleaner.decided_by"] = str(cascade.decided_by)
    if terms.content and words:
        attributes["gen_ai.evaluation.explanation"] = words
    return SpanEvent(EVALUATION, at, attributes)


def _message(message: Message) -> dict[str, object]:
    return {"role": message.role, "parts": [{"type": "text", "content": message.content}]}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
