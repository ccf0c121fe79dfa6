"""Divides the accepted samples that a run is to have among its queues, stratum by stratum.

Law: pure. The parts never add up to more than the run's number. A part is lowered in one step and given to others in a
later one, when the lower number is known to hold. A queue that can make no more gives its part to those that can; one
that can and has nothing left gets of what others do not work on, since the reader waits for it.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from schemas.queue_shard import QueueShard, ShardStanding


class QueuePart(Struct, frozen=True):
    """What a queue is told: the accepted samples that it may have of each stratum, and which strata are complete."""

    most: Mapping[str, int]
    over: frozenset[str] = frozenset()

    def holds(self, standing: ShardStanding) -> bool:
        """Whether the queue was told this."""
        return self.most == standing.most and self.over == standing.over


def are_enough(standings: Sequence[ShardStanding]) -> bool:
    """Whether the queues together have all accepted samples that the run is to have."""
    run = standings[0].run
    return run is not None and complete(standings) == run.keys()


def complete(standings: Sequence[ShardStanding]) -> frozenset[str]:
    """The strata of which the queues together have all accepted samples that the run is to have."""
    return frozenset(
        stratum
        for stratum, most in (standings[0].run or {}).items()
        if sum(each.accepted.get(stratum, 0) for each in standings) >= most
    )


def parts(standings: Sequence[ShardStanding]) -> list[QueuePart]:
    """What each queue is told from now on. A queue that was told nothing yet has what it has."""
    run, over = standings[0].run or {}, complete(standings)
    divided = {stratum: _divided(stratum, most, standings) for stratum, most in run.items()}
    return [
        QueuePart({stratum: each[number] for stratum, each in divided.items()}, over)
        for number in range(len(standings))
    ]


def _divided(stratum: str, run: int, standings: Sequence[ShardStanding]) -> list[int]:
    accepted = [each.accepted.get(stratum, 0) for each in standings]
    held = [
        has if each.most is None else each.most.get(stratum, has) for has, each in zip(accepted, standings, strict=True)
    ]
    takers = [number for number, each in enumerate(standings) if stratum in each.able or each.most is None]
    lower = [held[number] if number in takers else has for number, has in enumerate(accepted)]
    if takers and lower != held:
        return lower
    outstanding = [each.outstanding.get(stratum, 0) for each in standings]
    starved = [number for number in takers if held[number] <= accepted[number] and not outstanding[number]]
    free = max(0, run - sum(held))
    if starved and not free:
        idle = [max(0, most - has - out) for most, has, out in zip(held, accepted, outstanding, strict=True)]
        return [most - (spare + 1) // 2 for most, spare in zip(held, idle, strict=True)]
    given_to = starved or takers
    for place, number in enumerate(given_to):
        held[number] += QueueShard(place, len(given_to)).share(free)
    return held
