"""Divides the accepted samples that a run is to have among its queues.

Law: pure. The parts never add up to more than the run's number. A part is lowered in one step and given to others in a
later one, when the lower number is known to hold. A queue that can make no more gives its part to those that can.
"""

from collections.abc import Sequence

from schemas.queue_shard import QueueShard, ShardStanding


def are_enough(standings: Sequence[ShardStanding]) -> bool:
    """Whether the queues together have all accepted samples that the run is to have."""
    run = standings[0].run
    return run is not None and sum(each.accepted for each in standings) >= run


def parts(standings: Sequence[ShardStanding]) -> list[int]:
    """How many accepted samples each queue may have from now on. A queue that was told nothing yet has what it has."""
    held = [each.accepted if each.most is None else each.most for each in standings]
    takers = [number for number, each in enumerate(standings) if each.able or each.most is None]
    lower = [each.accepted if number not in takers else held[number] for number, each in enumerate(standings)]
    if takers and lower != held:
        return lower
    free = max(0, (standings[0].run or 0) - sum(held))
    for place, number in enumerate(takers):
        held[number] += QueueShard(place, len(takers)).share(free)
    return held
