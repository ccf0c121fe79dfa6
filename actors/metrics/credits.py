"""Metrics of credit: rejected solutions that were looked at step by step, and the rollouts that this took."""

from collections.abc import Iterator

from actors.metrics.metric import ANSWERS, Label, Point, Seen, alone, counter, gauge
from schemas.progress import CreditCount


def _counts(seen: Seen) -> CreditCount:
    return seen.snapshot.summary.credit


def _labelled(seen: Seen) -> Iterator[Point]:
    counts = _counts(seen)
    yield ("decided",), counts.decided
    yield ("undecided",), counts.labelled - counts.decided


def _rollouts(seen: Seen) -> Iterator[Point]:
    for answer in ANSWERS:
        yield (answer,), getattr(_counts(seen), answer)


CREDITS = (
    counter(
        "gleaner_credits_begun_total",
        "Wrong solutions of which rollouts were asked for.",
        (),
        alone(lambda seen: _counts(seen).begun),
    ),
    counter(
        "gleaner_credits_labelled_total",
        "Of these, labelled: with the first pit as sure as asked, or stopped before.",
        (Label.FINDING,),
        _labelled,
    ),
    counter(
        "gleaner_credits_restartable_total",
        "Labelled solutions with a good step before the first pit.",
        (),
        alone(lambda seen: _counts(seen).restartable),
    ),
    counter(
        "gleaner_credit_steps_total",
        "Steps of labelled solutions: rollouts for each are what a label costs.",
        (),
        alone(lambda seen: _counts(seen).steps),
    ),
    counter("gleaner_rollouts_total", "Rollouts by what their answer was.", (Label.ANSWER,), _rollouts),
    gauge(
        "gleaner_rollouts_outstanding",
        "Rollouts asked for and not answered; they are in no other count of orders.",
        (),
        alone(lambda seen: seen.snapshot.rollouts),
    ),
)
