"""Quantiles of bucketed values lie in the bucket that holds them."""

from hypothesis import given
from hypothesis import strategies as st

from actors.counts.distributions import Buckets
from actors.counts.quantiles import quantile
from schemas.distributions import SECONDS, Distribution


@given(st.lists(st.floats(0, 5000), min_size=1), st.floats(0.01, 1))
def test_it_lies_in_the_bucket_of_the_true_one(values: list[float], q: float) -> None:
    """As near as buckets allow; what is above all bounds is told as the last bound."""
    buckets = Buckets(SECONDS)
    for each in values:
        buckets.add(each)
    told = quantile(buckets.distribution(), q, SECONDS)
    rank = next(place for place in range(len(values)) if place + 1 >= q * len(values))
    true = sorted(values)[rank]
    lower = max((edge for edge in SECONDS if edge < true), default=0.0)
    upper = min((edge for edge in SECONDS if edge >= true), default=SECONDS[-1])
    assert told is not None and lower <= told <= upper


def test_without_values_nothing_is_known() -> None:
    """And two values in one bucket part it evenly."""
    assert quantile(Distribution(), 0.5, SECONDS) is None
    two = Distribution((0, 0, 0, 0, 0, 0, 0, 0, 0, 2, *[0] * 9))
    assert quantile(two, 0.5, SECONDS) == 0.75
