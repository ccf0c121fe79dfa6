"""What a conductor is given of a configuration."""

import pytest

from deployments.build.wiring import in_flight
from deployments.config.load import load_text

RUN = """
corpus: {{paths: [./docs]}}
task: {{kind: grounded_answer, samples_per_passage: 4, prompts: instruct-large, samples_per_call: {of_a_call}}}
pools: {{generator: {{engine: {generator}, replicas: {{max: {replicas}}}}}}}
gates: {{faithfulness: {{form: {form}, engine: {judge}}}}}
conductors: {{{conductors}}}
"""
SMALL = "{kind: transformers, model: small, max_batch: 32}"
LARGE = "{kind: vllm, model: large}"
CASES = {
    "an engine that writes few at once": (SMALL, 1, "classifier", LARGE, "", 32),
    "its replicas write side by side, for two conductors": (SMALL, 3, "classifier", LARGE, "count: 2", 48),
    "a judge that writes is slow too": (LARGE, 1, "llm", SMALL, "", 32),
    "one that does not write is fast": (LARGE, 1, "classifier", SMALL, "", 256),
    "many replicas are no reason for more": (SMALL, 100, "classifier", LARGE, "", 256),
    "who names a number gets it": (SMALL, 1, "classifier", LARGE, "concurrency: 500", 500),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_more_are_in_flight_than_a_slow_engine_computes(case: tuple[str, int, str, str, str, int]) -> None:
    """What waits behind a full batch is cut off at the hop's limit and asked again, and the run hardly moves."""
    generator, replicas, form, judge, conductors, expected = case
    said = RUN.format(
        generator=generator, replicas=replicas, form=form, judge=judge, conductors=conductors, of_a_call=1
    )
    assert in_flight(load_text(said)) == expected


@pytest.mark.parametrize(("of_a_call", "expected"), [(1, 32), (2, 64), (4, 128)])
def test_samples_of_one_call_share_its_place(of_a_call: int, expected: int) -> None:
    """An engine of 32 places makes 32 calls at once: with fewer samples in flight it would stand half empty."""
    said = RUN.format(generator=SMALL, replicas=1, form="classifier", judge=LARGE, conductors="", of_a_call=of_a_call)
    assert in_flight(load_text(said)) == expected
