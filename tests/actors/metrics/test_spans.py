"""Traces: an order's life as spans, from its records alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv.attributes import error_attributes

from actors.ledger.history import SampleMove
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.metrics.spans import EVALUATION, AskedModel, OrderTrace, TraceTerms, is_sampled, trace_id, trace_of
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record
from schemas.orders import Attempt, calls_of
from tests.doubles.ledgers import Scale, plausible_run

MODELS = {name: AskedModel(f"org/{name}", "vllm") for name in ("generator", "strong", "faithfulness", "reward")}
PLAIN = TraceTerms("a-folder", MODELS)
CONTENT = TraceTerms("a-folder", MODELS, content=True)


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Mapping[OrderId, list[Record]]:
    """The records of every order that has ended."""
    folder: Path = tmp_path_factory.mktemp("run")
    with SqliteLedger(folder) as ledger:
        ledger.append(list(plausible_run(7, Scale(finished=0.8))))
    with LedgerReader(folder) as ledger:
        return {order: list(ledger.story(order)) for _, order, _ in ledger.order_ends(0, 10_000)}


def all_traces(stories: Mapping[OrderId, list[Record]], terms: TraceTerms) -> Iterator[tuple[list[Record], OrderTrace]]:
    for order, records in stories.items():
        yield records, trace_of(order, records, terms)


def attempts_of(records: list[Record]) -> list[Attempt]:
    moves = [record for record in records if isinstance(record, SampleMove)]
    return [move.attempt for move in moves if move.attempt is not None]


def texts_of_trace(trace: OrderTrace) -> str:
    return "\n".join(
        str(value)
        for span in trace.spans
        for attributes in (span.attributes, *(event.attributes for event in span.events))
        for value in attributes.values()
    )


def test_ids_are_the_same_at_every_try(stories: Mapping[OrderId, list[Record]]) -> None:
    """What is sent again after a kill is the same trace; another folder's order of the same name is another."""
    order, records = next(iter(stories.items()))
    first, again = trace_of(order, records, PLAIN), trace_of(order, records, PLAIN)
    assert first == again
    ids = [span.id for _, trace in all_traces(stories, PLAIN) for span in trace.spans]
    assert len(set(ids)) == len(ids)
    assert trace_id("a-folder", order) == first.id != trace_id("another", order)


def test_every_call_has_a_span_inside_its_attempt(stories: Mapping[OrderId, list[Record]]) -> None:
    """The order holds its attempts, and an attempt the calls that were charged to it, with their tokens."""
    for records, trace in all_traces(stories, PLAIN):
        root, by_id = trace.spans[0], {span.id: span for span in trace.spans}
        attempts = [span for span in trace.spans if span.parent == root.id]
        recorded = attempts_of(records)
        assert [span.attributes["gleaner.attempt"] for span in attempts] == [each.number for each in recorded]
        asked = [call for each in recorded for call in calls_of(each)]
        used = [span for span in trace.spans if "gen_ai.request.seed" in span.attributes]
        assert [span.attributes["gen_ai.usage.output_tokens"] for span in used] == [
            call.cost.completion_tokens for call in asked
        ]
        assert all(by_id[span.parent].parent == root.id for span in used if span.parent is not None)
        assert root.start == records[0].at and root.end == records[-1].at


def test_what_gates_said_stands_at_the_completion(stories: Mapping[OrderId, list[Record]]) -> None:
    """Each verdict is an evaluation, as the conventions write it."""
    for records, trace in all_traces(stories, PLAIN):
        verdicts = [verdict for attempt in attempts_of(records) for verdict in attempt.verdicts]
        said = [(str(verdict.gate), type(verdict).__name__.lower()) for verdict in verdicts]
        events = [event for span in trace.spans for event in span.events if event.name == EVALUATION]
        assert [
            (each.attributes["gen_ai.evaluation.name"], each.attributes["gen_ai.evaluation.score.label"])
            for each in events
        ] == said


def test_a_dead_letter_is_an_error(stories: Mapping[OrderId, list[Record]]) -> None:
    """The trace of an order that ended without a sample says so, and why."""
    for records, trace in all_traces(stories, PLAIN):
        end = records[-1]
        if isinstance(end, DeadLetteredEnd):
            assert trace.spans[0].error == trace.spans[0].attributes["gleaner.end"] == end.end.reason.value
        if isinstance(end, AcceptedEnd):
            assert trace.spans[0].error is None and trace.spans[0].attributes["gleaner.end"] == "accepted"
    assert {"DeadLetteredEnd", "AcceptedEnd"} <= {type(records[-1]).__name__ for records in stories.values()}


def test_no_text_is_sent_unasked(stories: Mapping[OrderId, list[Record]]) -> None:
    """Passages, prompts, completions and what a judge wrote stay here; `content: true` sends them."""
    without = "\n".join(texts_of_trace(trace) for _, trace in all_traces(stories, PLAIN))
    with_them = "\n".join(texts_of_trace(trace) for _, trace in all_traces(stories, CONTENT)).replace("\\n", "\n")
    found = set()
    for records in stories.values():
        for record in records:
            if isinstance(record, Planned):
                assert record.passage.text not in without and record.passage.text in with_them
            candidate = getattr(getattr(record, "attempt", None), "candidate", None)
            for text in () if candidate is None else (candidate.text, *(each.content for each in candidate.prompt)):
                assert not text or text not in without
                found.add(bool(text))
    assert found == {True}
    assert "gen_ai.output.messages" in str([trace for _, trace in all_traces(stories, CONTENT)])


def test_names_are_those_of_the_conventions(stories: Mapping[OrderId, list[Record]]) -> None:
    """What begins with `gen_ai.` is in OpenTelemetry's own list; everything else that is ours says so."""
    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    known |= {error_attributes.ERROR_TYPE}
    used = {
        name
        for _, trace in all_traces(stories, CONTENT)
        for span in trace.spans
        for attributes in (span.attributes, *(event.attributes for event in span.events))
        for name in attributes
    }
    assert {name for name in used if not name.startswith("gleaner.")} <= known
    assert {"gen_ai.operation.name", "gen_ai.request.model", "gen_ai.usage.input_tokens"} <= used


def test_the_sample_is_the_one_that_opentelemetry_would_take(stories: Mapping[OrderId, list[Record]]) -> None:
    """A collector behind ours that samples by ratio agrees on every trace."""
    for order in stories:
        trace = trace_id("a-folder", order)
        for share in (0.0, 0.01, 0.3, 1.0):
            decided = TraceIdRatioBased(share).should_sample(None, trace, "order").decision
            assert is_sampled(trace, share) == (decided is Decision.RECORD_AND_SAMPLE)
