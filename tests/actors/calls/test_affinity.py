"""Which replica a passage's requests go to: evenly spread, steady when replicas come and go, and never too many."""

import math
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.calls.affinity import BUCKETS, FREE, SLACK, Affinity
from schemas.ids import content_id

PASSAGES = [content_id("passage", number) for number in range(400)]


def named(numbers: list[int]) -> tuple[str, ...]:
    """Replicas, by names as Serve draws them."""
    return tuple(content_id("replica", number)[:8] for number in numbers)


def owners(replicas: tuple[str, ...]) -> dict[str, str]:
    """The replica of each passage where nothing else is under way."""
    affinity, found = Affinity(), dict[str, str]()
    for passage in PASSAGES:
        found[passage] = affinity.place(passage, replicas)
        affinity.ended(found[passage])
    return found


sets = st.lists(st.integers(0, 50), min_size=2, max_size=8, unique=True).map(named)


@settings(max_examples=25)
@given(sets, st.data())
def test_a_death_moves_the_dead_replicas_passages_alone(replicas: tuple[str, ...], data: st.DataObject) -> None:
    """One of up to eight replicas dies: every other passage stays where its prefix is. It comes back: all is as it
    was. In another process too: nothing but names decides."""
    dead = data.draw(st.sampled_from(replicas))
    before = owners(replicas)
    after = owners(tuple(each for each in replicas if each != dead))
    assert {passage for passage in PASSAGES if before[passage] != after[passage]} == {
        passage for passage in PASSAGES if before[passage] == dead
    }


@settings(max_examples=25)
@given(sets)
def test_passages_are_spread_evenly(replicas: tuple[str, ...]) -> None:
    """The share of each replica is that of a fair draw, within five standard errors (buckets add to them)."""
    share = 1 / len(replicas)
    expected, shared = len(PASSAGES) * share, 1 + len(PASSAGES) / BUCKETS
    error = math.sqrt(expected * (1 - share) * shared)
    found = Counter(owners(replicas).values())
    assert all(abs(found[replica] - expected) < 5 * error for replica in replicas)


@given(sets, st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=200), st.integers(0, 200))
def test_no_replica_gets_much_more_than_its_share(
    replicas: tuple[str, ...], steps: list[tuple[int, bool]], dies_at: int
) -> None:
    """A few passages ask for very much, requests end at any time, and once a replica dies with what it holds. Whoever
    gets a request has at most 1.25 times the mean then, or eight; what was at the dead one is counted no more."""
    affinity, placed = Affinity(), list[str]()
    for number, (passage, ends) in enumerate(steps):
        there = replicas if number < dies_at else replicas[1:]
        if ends and placed:
            affinity.ended(placed.pop(0))
        placed.append(affinity.place(PASSAGES[passage], there))
        held = Counter(each for each in placed if each in there)
        assert held[placed[-1]] <= max(FREE, math.ceil(SLACK * held.total() / len(there)))


def test_what_does_not_fit_goes_to_the_next_in_order() -> None:
    """One passage asks for thirty things at once: most of them where it is, the rest at its second replica of four."""
    replicas, affinity = named([1, 2, 3, 4]), Affinity()
    found = Counter(affinity.place(PASSAGES[0], replicas) for _ in range(30))
    order = affinity.order(PASSAGES[0])
    assert [each for each, _ in found.most_common()] == list(order)
    assert found[order[0]] == math.ceil(SLACK * 30 / 4)
