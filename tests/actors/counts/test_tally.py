"""All folds together: held against hand counts and against a second, naive way of counting."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Refused, Rejoined
from schemas.progress import (
    Counts,
    Summary,
)
from schemas.verdicts import Rejected
from tests.actors.counts.records import (
    counted,
)
from tests.doubles.ledgers import Scale, plausible_run


def test_nothing_yet_counts_as_nothing() -> None:
    """A run that has just begun: rates are 0, not a division by zero."""
    summary = counted([])
    assert summary == Summary()
    assert (summary.counts.yield_, summary.counts.recovery_rate, summary.overlap.jaccard, summary.tokens) == (
        0,
        0,
        0,
        0,
    )


@given(seed=st.integers(0, 2**20), finished=st.sampled_from([0.3, 1.0]), cut=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_any_prefix_of_a_run_is_conserved_and_agrees_with_naive_counting(
    seed: int, finished: float, cut: float
) -> None:
    """Looked at in any moment of any run: issued = accepted + dead-lettered + outstanding, and no count drifts."""
    whole = list(plausible_run(seed, Scale(passages=12, finished=finished)))
    records = whole[: round(cut * len(whole))]
    counts = counted(records).counts
    assert counts.issued == counts.accepted + counts.dead_lettered + counts.outstanding
    assert counts == naive(records)


def naive(records: list[Record]) -> Counts:
    """The same counts the slow way: each order's whole life at a time."""
    kinds = Counter(type(record) for record in records)
    lives: dict[str, list[Rejoined | AcceptedEnd | DeadLetteredEnd]] = {}
    for record in records:
        if isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd):
            lives.setdefault(record.order_id, []).append(record)
    issued = sum(len(record.orders) for record in records if isinstance(record, Planned))
    refused = [life for life in lives.values() if any(_rejected(step) for step in life)]
    ended = kinds[AcceptedEnd] + kinds[DeadLetteredEnd]
    return Counts(
        issued=issued,
        accepted=kinds[AcceptedEnd],
        dead_lettered=kinds[DeadLetteredEnd],
        outstanding=issued - ended,
        first_pass=sum(len(life) == 1 and isinstance(life[0], AcceptedEnd) for life in lives.values()),
        rejected=len(refused),
        recovered=sum(isinstance(life[-1], AcceptedEnd) for life in refused),
        attempts=sum(step.attempt is not None for life in lives.values() for step in life),
        refused_documents=kinds[Refused],
    )


def _rejected(step: Rejoined | AcceptedEnd | DeadLetteredEnd) -> bool:
    return step.attempt is not None and any(isinstance(verdict, Rejected) for verdict in step.attempt.verdicts)
