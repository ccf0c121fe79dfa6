"""What a cheap gate takes over: shares that fit its band, and the product's promise on distributions that are known."""

from random import Random

import pytest

from benchmarks.bands import calibrated, decided
from schemas.bands import Band


def test_shares_are_those_of_the_distributions() -> None:
    """Without a band the judge has everything; a band of one point leaves it nothing."""
    assert decided(None, 2.5).judged == 1.0
    sharp = decided(Band(0.5, 0.5, 50, 50), 2.0)
    assert sharp.judged == pytest.approx(0.0)
    assert sharp.good_passed == pytest.approx(sharp.bad_rejected)
    assert sharp.bad_passed == pytest.approx(0.1587, abs=1e-4)


@pytest.mark.parametrize("apart", [1.5, 4.0])
def test_what_was_allowed_is_passed_at_most(apart: float) -> None:
    """Of 60 calibrations three may break each promise; and a better gate takes over more."""
    each = [decided(calibrated(apart, 400, 0.05, Random(seed)), apart) for seed in range(60)]
    assert sum(one.bad_passed > 0.05 for one in each) <= 3 >= sum(one.good_rejected > 0.05 for one in each)
    assert all(one.judged < (0.85 if apart < 2 else 0.15) for one in each)
