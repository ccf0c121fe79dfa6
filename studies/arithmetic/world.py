"""A world of word problems: who has how many, told as differences and multiples of what others have.

Law: everything follows from the random generator passed in, and every quantity is a whole number from 1 to `MOST`.
A problem asks for the end of a chain of relations. Some sentences tell of people who do not matter (distractors), so
that each step needs two things: to see who comes next, and to compute it.
"""

import random
from dataclasses import dataclass
from enum import Enum

NAMES = (
    "Ada", "Ben", "Cal", "Dora", "Eve", "Finn", "Gus", "Hana", "Ivo", "Juno", "Karl", "Lena", "Milo", "Nora",
)  # fmt: skip
NOUNS = ("figs", "pens", "nuts", "keys")
MOST = 30
"""The largest quantity: small, so that a small model holds the sums after minutes of training."""


class Relation(Enum):
    """How one quantity follows from another; the value is how it is told."""

    MORE = "more than"
    FEWER = "fewer than"
    TIMES = "times as many as"


AMOUNTS = {Relation.MORE: range(1, 7), Relation.FEWER: range(1, 7), Relation.TIMES: range(2, 4)}
"""By how much, or how many times."""


@dataclass(frozen=True)
class Fact:
    """A sentence of a problem: `name` has `amount`, or stands in `relation` by `amount` to what `of` has."""

    name: str
    amount: int
    relation: Relation | None = None
    of: str | None = None

    def told(self, noun: str) -> str:
        """The sentence."""
        return f"{self.said(noun if self.relation is None else self.of or '')}."

    def said(self, of: str) -> str:
        """The sentence without its stop, with another word in the place of `of` (or of the noun)."""
        word = "" if self.relation is None else f"{self.relation.value} "
        return f"{self.name} has {self.amount} {word}{of}"

    def value(self, base: int) -> int:
        """The quantity, given what `of` has."""
        match self.relation:
            case None:
                return self.amount
            case Relation.MORE:
                return base + self.amount
            case Relation.FEWER:
                return base - self.amount
            case Relation.TIMES:
                return base * self.amount


@dataclass(frozen=True)
class Problem:
    """A question with what is true of it. `chain`: the people that matter, in the order of the computation."""

    noun: str
    facts: tuple[Fact, ...]
    chain: tuple[str, ...]
    values: dict[str, int]

    @property
    def target(self) -> str:
        """Whose quantity is asked for."""
        return self.chain[-1]

    @property
    def answer(self) -> int:
        """The right answer."""
        return self.values[self.target]

    @property
    def text(self) -> str:
        """The question, first what is asked (a model that reads from left to right then knows what matters)."""
        return " ".join((f"How many {self.noun} has {self.target}?", *(fact.told(self.noun) for fact in self.facts)))

    def fact(self, name: str) -> Fact:
        """What the problem says of this person."""
        return next(fact for fact in self.facts if fact.name == name)


class Told(Enum):
    """The order of a problem's sentences."""

    SHUFFLED = "any"
    FORWARD = "forward"
    """Each after the one that it refers to: the chain is followed from left to right, past those who do not matter."""


@dataclass(frozen=True)
class Level:
    """How hard problems are: lines of a solution and people who do not matter, each from and to (inclusive)."""

    steps: tuple[int, int]
    distractors: tuple[int, int]
    told: Told = Told.SHUFFLED


EASY = Level(steps=(2, 3), distractors=(1, 2))
"""What a model learns first."""
LONGER = Level(steps=(2, 5), distractors=(1, 2))
"""What it then sees for a short while, so that long chains are not beyond it."""
HARD = Level(steps=(3, 5), distractors=(1, 2))
"""What it is measured on."""
ORDERLY = Level(steps=(2, 6), distractors=(0, 2), told=Told.FORWARD)
"""What the study's base is taught: problems told forward, the short ones too."""
BEYOND = Level(steps=(4, 6), distractors=(1, 2), told=Told.FORWARD)
"""What the study teaches it and measures it on: long chains."""


def _relation(base: int, rng: random.Random) -> tuple[Relation, int]:
    """A relation and its amount whose result lies within 1 to `MOST`."""
    while True:
        relation = rng.choices(list(Relation), weights=(3, 3, 2))[0]
        amount = rng.choice(AMOUNTS[relation])
        if 1 <= Fact("", amount, relation, "").value(base) <= MOST:
            return relation, amount


def problem(level: Level, rng: random.Random) -> Problem:
    """A problem of the level."""
    steps, spare = rng.randint(*level.steps), rng.randint(*level.distractors)
    names = rng.sample(NAMES, steps + spare)
    chain, others = names[:steps], names[steps:]
    values = {chain[0]: rng.randint(2, 20)}
    facts = [Fact(chain[0], values[chain[0]])]
    parents = dict(zip(chain[1:], chain, strict=False)) | {name: rng.choice(chain[:-1]) for name in others}
    for name, of in parents.items():
        relation, amount = _relation(values[of], rng)
        facts.append(Fact(name, amount, relation, of))
        values[name] = facts[-1].value(values[of])
    match level.told:
        case Told.SHUFFLED:
            rng.shuffle(facts)
        case Told.FORWARD:
            facts = _forward(facts[:steps], facts[steps:], rng)
    return Problem(rng.choice(NOUNS), tuple(facts), tuple(chain), values)


def _forward(chain: list[Fact], others: list[Fact], rng: random.Random) -> list[Fact]:
    """The chain in its order, each of the others anywhere behind the one it refers to."""
    found = list(chain)
    for fact in others:
        after = next(place for place, one in enumerate(found, start=1) if one.name == fact.of)
        found.insert(rng.randint(after, len(found)), fact)
    return found


def problems(level: Level, count: int, *, seed: str) -> list[Problem]:
    """`count` problems with different texts; for the same seed they are the first ones of any larger count."""
    rng, found = random.Random(seed), dict[str, Problem]()
    while len(found) < count:
        drawn = problem(level, rng)
        found.setdefault(drawn.text, drawn)
    return list(found.values())
