"""Affinity against round robin, simulated: the product's own choice of replicas, over replicas that compute prompts one
after another. No model and no Ray; some seconds.

    python -m benchmarks.affinity_simulated

A passage has six requests: three samples at once, and after each of them a repair. A prompt of 1,656 tokens, of which
1,600 are the passage's, is computed at 1,000 tokens/s, unless the replica has computed the passage before: then 56 are.
Decoding takes 1.5 to 2.5 s, beside others. Means of 40 seeds.
"""

import heapq
from itertools import count
from random import Random

from msgspec import Struct

from actors.calls.affinity import Affinity
from schemas.ids import content_id

SHARED, OWN, PER_S = 1600, 56, 1000
SAMPLES, SEEDS = 3, 40


class Case(Struct, frozen=True):
    """`at_once`: passages whose requests are under way. `conductors`: who make the requests, by chance."""

    passages: int
    at_once: int
    replicas: int
    conductors: int = 1


class Outcome(Struct, frozen=True):
    """Prompt tokens that were computed, the time of the last answer, and the time of the last 5% of the answers."""

    computed: float
    whole_s: float
    tail_s: float


class Answer(Struct, frozen=True, order=True):
    """A request that ends at this time."""

    at: float
    number: int
    passage: str
    is_repair: bool
    replica: str
    conductor: Affinity | None


class Pool:
    """Replicas, and what each has computed."""

    def __init__(self, case: Case, seed: int, *, affine: bool) -> None:
        self._random = Random(seed)
        self._replicas = tuple(content_id(seed, number)[:8] for number in range(case.replicas))
        self._conductors = [Affinity() for _ in range(case.conductors)] if affine else []
        self._free_at = dict.fromkeys(self._replicas, 0.0)
        self._read = {replica: set[str]() for replica in self._replicas}
        self._numbers = count()
        self.under_way: list[Answer] = []
        self.computed = 0

    def send(self, now: float, passage: str, *, is_repair: bool) -> None:
        number = next(self._numbers)
        conductor = self._random.choice(self._conductors) if self._conductors else None
        if conductor is None:
            replica = self._replicas[number % len(self._replicas)]
        else:
            replica = conductor.place(passage, self._replicas)
        tokens = OWN if passage in self._read[replica] else SHARED + OWN
        self._read[replica].add(passage)
        self.computed += tokens
        self._free_at[replica] = max(now, self._free_at[replica]) + tokens / PER_S
        ends = self._free_at[replica] + 1.5 + self._random.random()
        heapq.heappush(self.under_way, Answer(ends, number, passage, is_repair, replica, conductor))

    def next(self) -> Answer:
        answer = heapq.heappop(self.under_way)
        if answer.conductor is not None:
            answer.conductor.ended(answer.replica)
        return answer


def simulated(case: Case, seed: int, *, affine: bool) -> Outcome:
    """All passages, from the first request to the last answer."""
    pool = Pool(case, seed, affine=affine)
    waiting = [content_id("passage", seed, number) for number in range(case.passages)]
    left = dict.fromkeys(waiting, 2 * SAMPLES)
    ends = list[float]()

    def begin(now: float) -> None:
        if waiting:
            passage = waiting.pop()
            for _ in range(SAMPLES):
                pool.send(now, passage, is_repair=False)

    for _ in range(case.at_once):
        begin(0.0)
    while pool.under_way:
        answer = pool.next()
        ends.append(answer.at)
        left[answer.passage] -= 1
        if not answer.is_repair:
            pool.send(answer.at, answer.passage, is_repair=True)
        if not left[answer.passage]:
            begin(answer.at)
    return Outcome(pool.computed, ends[-1], ends[-1] - ends[int(0.95 * len(ends)) - 1])


def compared(case: Case, seeds: int = SEEDS) -> Outcome:
    """Affinity as parts of round robin."""
    found = [[simulated(case, seed, affine=affine) for seed in range(seeds)] for affine in (True, False)]
    ours, theirs = ([sum(each) for each in zip(*map(_numbers, outcomes), strict=True)] for outcomes in found)
    return Outcome(*(a / b for a, b in zip(ours, theirs, strict=True)))


def _numbers(outcome: Outcome) -> tuple[float, float, float]:
    return outcome.computed, outcome.whole_s, outcome.tail_s


CASES = (Case(12, 6, 2), Case(48, 16, 2), Case(48, 16, 2, 3), Case(200, 48, 4), Case(200, 48, 4, 3), Case(400, 96, 8))


def main() -> None:
    print("| replicas | passages, at once | conductors | computed | whole | last 5% |", "| --- " * 6 + "|", sep="\n")
    for case in CASES:
        found = compared(case)
        print(
            f"| {case.replicas} | {case.passages}, {case.at_once} | {case.conductors} | {found.computed:.2f} | "
            f"{found.whole_s:.2f} | {found.tail_s:.2f} |"
        )


if __name__ == "__main__":
    main()
