"""Samples in flight follow the slots that are found."""

from hypothesis import given
from hypothesis import strategies as st

from actors.scaling.in_flight import FASTER, LEAST, SLOWER, PoolRoom, in_flight

MOST = 8192


def test_they_follow_a_limit_that_grows() -> None:
    """A server's 512 slots are found from 16: a conductor that carried 256 samples soon carries enough to fill them."""
    carried = 256
    for slots in (64, 256, 512, 512):
        pools = {"generator": PoolRoom(0.9 * carried, slots)}
        carried = in_flight(carried, carried, pools, conductors=1, most=MOST)
    assert 0.9 * carried >= 1.4 * 512


def test_they_follow_a_server_that_computes_few() -> None:
    """A server computes eight at once: no call waits behind 248 others until its time is over."""
    carried = 256
    for _ in range(60):
        carried = in_flight(carried, carried, {"generator": PoolRoom(carried, 8)}, conductors=1, most=MOST)
    assert carried == LEAST


def test_the_fullest_pool_decides() -> None:
    """The generator's server has room, the judge's has none: more samples would only wait for the judge."""
    pools = {"generator": PoolRoom(100, 500), "judge": PoolRoom(150, 100)}
    assert in_flight(256, 256, pools, conductors=1, most=MOST) == 256


def test_without_work_or_knowledge_it_stays() -> None:
    """The corpus is slow, so that few orders are there; or no engine has told its slots: nothing speaks for more."""
    few = {"generator": PoolRoom(10, 512)}
    assert in_flight(10, 256, few, conductors=1, most=MOST) == 256
    assert in_flight(256, 256, {"own": PoolRoom(256, 0)}, conductors=1, most=MOST) == 256
    assert in_flight(0, 256, few, conductors=1, most=MOST) == 256


@given(
    st.integers(0, 10**5),
    st.integers(1, MOST),
    st.dictionaries(st.text(max_size=1), st.builds(PoolRoom, st.floats(0, 1e6), st.integers(0, 10**5))),
    st.integers(1, 256),
    st.integers(1, MOST),
)
def test_bounds(carried: int, before: int, pools: dict[str, PoolRoom], conductors: int, most: int) -> None:
    """At least a few, at most what is allowed, and no leaps."""
    found = in_flight(carried, before, pools, conductors=conductors, most=most)
    assert min(LEAST, most) <= found <= most
    assert found <= max(LEAST, FASTER * before)
    assert found >= min(most, SLOWER * before) - 1
