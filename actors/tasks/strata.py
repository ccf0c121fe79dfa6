"""Variables that are drawn for each order: a persona, a topic, a difficulty.

Law: what an order is given follows from the run's seed and the order's number alone. Of any first N orders, each value
of each variable has its share within one: its count is N times its weight, rounded up or down.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from random import Random

from schemas.config_tasks import Variable
from schemas.ids import derived_seed

LONGEST_PERIOD = 100
"""The most orders after which weighted shares may repeat: weights are hundredths, or small numbers."""
KEPT_BLOCKS = 64


class BadWeights(ValueError):
    """Weights whose shares repeat after too many orders."""


class Strata:
    """The values of every variable for an order. Raises BadWeights when it is made."""

    def __init__(self, vary: Mapping[str, Variable], seed: int) -> None:
        self._values = {name: tuple(values) for name, values in vary.items()}
        self._counts = {name: counts_of(values) for name, values in vary.items()}
        self._seed = seed
        self._block = lru_cache(KEPT_BLOCKS)(self._made)

    def of(self, number: int) -> dict[str, str]:
        """A value for each variable. `number`: of the order, from 0 in the order in which they are issued."""
        return {name: self._value(name, number) for name in self._values}

    def _value(self, name: str, number: int) -> str:
        block, place = divmod(number, sum(self._counts[name]))
        return self._values[name][self._block(name, block)[place]]

    def _made(self, name: str, block: int) -> Sequence[int]:
        return shuffled(self._counts[name], Random(derived_seed(self._seed, "vary", name, block)))


def counts_of(values: Variable) -> tuple[int, ...]:
    """How often each value comes in one block: the smallest whole numbers in the ratio of the weights. Raises
    BadWeights."""
    if not isinstance(values, Mapping):
        return (1,) * len(values)
    weights = [Fraction(repr(weight)) for weight in values.values()]
    whole = math.lcm(*(weight.denominator for weight in weights))
    counts = [int(weight * whole) for weight in weights]
    counts = [count // math.gcd(*counts) for count in counts]
    if max(counts) > 1 and sum(counts) > LONGEST_PERIOD:
        rule = f"weights are hundredths or small whole numbers, so that they do within {LONGEST_PERIOD}"
        raise BadWeights(f"these shares come true only after {sum(counts):,} orders; {rule}")
    return tuple(counts)


def shuffled(counts: Sequence[int], random: Random) -> Sequence[int]:
    """A block with each kind as often as it counts, in random order, but with every kind's share within one at each
    place.

    A kind may come again once its share calls for it. Where shares are due that fill all places until then, one of
    those comes first: this is earliest-deadline scheduling, with all the freedom that it leaves drawn at random.
    """
    length = sum(counts)
    if max(counts) == 1:
        return random.sample(range(length), length)
    given = [0] * len(counts)
    block: list[int] = []
    for place in range(length):
        full = next(until for until in range(place + 1, length + 1) if sum(_due(counts, given, until)) == until - place)
        due = _due(counts, given, full)
        fitting = [
            kind for kind, count in enumerate(counts) if due[kind] and given[kind] * length < (place + 1) * count
        ]
        (kind,) = random.choices(fitting, [counts[kind] for kind in fitting])
        given[kind] += 1
        block.append(kind)
    return block


def _due(counts: Sequence[int], given: Sequence[int], until: int) -> list[int]:
    """How many of each kind must still come before this place."""
    length = sum(counts)
    return [max(0, until * count // length - had) for count, had in zip(counts, given, strict=True)]
