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


def owners(replicas: tuple[str, ...], affinity: Affinity | None = None) -> dict[str, str]:
    """The replica of each passage where nothing else is under way."""
    affinity, found = affinity or Affinity(), dict[str, str]()
    for passage in PASSAGES:
        found[passage] = affinity.place(passage, replicas)
        affinity.ended(found[passage])
    return found


sets = st.lists(st.integers(0, 50), min_size=2, max_size=8, unique=True).map(named)


@settings(max_examples=25)
@given(sets, st.data())
def test_a_death_moves_the_dead_replicas_passages_alone(replicas: tuple[str, ...], data: st.DataObject) -> None:
    """One of up to eight replicas dies: every other passage stays where its prefix is, here and in a process that knows
    nothing of before. Another one comes instead: no passage leaves a replica that holds it."""
    dead = data.draw(st.sampled_from(replicas))
    left = tuple(each for each in replicas if each != dead)
    affinity = Affinity()
    before = owners(replicas, affinity)
    after = owners(left, affinity)
    assert after == owners(left)
    assert {passage for passage in PASSAGES if before[passage] != after[passage]} == {
        passage for passage in PASSAGES if before[passage] == dead
    }
    assert owners((*left, "comes"), affinity) == after


@given(sets, st.lists(st.integers(0, 20), max_size=FREE - 1))
def test_a_passage_is_given_the_less_busy_of_two(replicas: tuple[str, ...], busy: list[int]) -> None:
    """Whatever else is under way, another conductor, who knows nothing of it, chooses among the same two. Once chosen,
    it stays, however busy the others are."""
    affinity, other, held = Affinity(), Affinity(), Counter[str]()
    for passage in busy:
        held[affinity.place(PASSAGES[passage], replicas)] += 1
    placed = affinity.place(PASSAGES[99], replicas)
    assert other.place(PASSAGES[99], replicas) == other.order(PASSAGES[99])[0]
    first, second = other.order(PASSAGES[99])[:2]
    assert placed in (first, second) and held[placed] == min(held[first], held[second])
    assert affinity.place(PASSAGES[99], replicas) == placed


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
