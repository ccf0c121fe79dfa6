"""What the four judges of plan 2 are taught: claims, true or wrong in one of three ways, three rows of four with
a source and the fourth without.

Law: no wrong answer here is one that the injector (`unseen.py`) would give, and every question and answer is well
worded: how a claim is worded is the reward gate's business.
"""

import random

from studies.almanac.batches import ClaimBatches
from studies.almanac.claims import Claim, Reading, hints_of
from studies.almanac.data import Told
from studies.almanac.phrases import ATTRIBUTES
from studies.almanac.prose import ask_about
from studies.almanac.world import Fact, other_value
from studies.provenance.unseen import neighbours

ALONE_SHARE = 0.25
"""Of the rows: those without a source."""


class SourcedClaims(ClaimBatches):
    """Batches for the judges of plan 2."""

    def claim(self, told: Told, rng: random.Random) -> tuple[Claim, tuple[str, ...]]:
        """Half of the claims are true, with a source or without."""
        made = claim(told, rng)
        return made, () if rng.random() < ALONE_SHARE else (told.passage.text,)


def claim(told: Told, rng: random.Random) -> Claim:
    """A claim about a fact of the passage."""
    fact = rng.choice(told.passage.facts)
    value = fact.value if rng.random() < 0.5 else wrong(told, fact, rng)
    hints = hints_of(told, fact, value)
    faithful = any(hint.reading is Reading.SUPPORTS for hint in hints)
    question = ask_about(fact.entity, fact.attribute, rng)
    return Claim(told, question, value, faithful, True, ATTRIBUTES.index(fact.attribute), hints)


def wrong(told: Told, fact: Fact, rng: random.Random) -> str:
    """Another value of the passage, what it says of another entity, or another value of the world, each as often where
    there is one."""
    same = [one for one in told.passage.facts if one.attribute.type == fact.attribute.type and one.value != fact.value]
    of_others = [one for one in same if one.entity != fact.entity]
    beside = [one for one in same if one.entity == fact.entity]
    barred = {fact.value, *neighbours(fact)}
    for kind in rng.sample((beside, of_others, None), 3):
        options = [worded(one, fact) for one in kind] if kind else [other_value(fact.attribute, fact.value, rng)]
        if left := [one for one in options if one not in barred]:
            return rng.choice(left)
    while (value := other_value(fact.attribute, fact.value, rng)) in barred:
        pass
    return value


def worded(other: Fact, fact: Fact) -> str:
    """The other fact's value as an answer to this one's question: a count takes its unit."""
    return f"{other.value.split()[0]} {fact.attribute.unit}" if fact.attribute.type == "count" else other.value
