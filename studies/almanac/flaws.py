"""How sloppy writers go wrong: wrong values (unfaithful) and poor wording (ill formed, incomplete, vague).

Law: the two are independent axes. A wrong value is well worded; poor wording may carry the right value.
"""

import random
from dataclasses import dataclass
from enum import Enum

from studies.almanac.phrases import OF_KIND, Attribute
from studies.almanac.prose import Passage, ask_about
from studies.almanac.world import Fact, Record, any_value, other_value

HEDGES = ("perhaps", "maybe", "about")
VAGUE_ANSWERS = {
    "year": "sometime long ago", "count": "a few", "person": "someone", "place": "somewhere", "river": "some one",
    "good": "something", "material": "something", "star": "one there", "emblem": "something",
}  # fmt: skip


class Poor(Enum):
    """Kinds of poor wording: what a reward model should see without the passage."""

    VAGUE_QUESTION = "vague question"
    CUT_QUESTION = "cut question"
    HEDGED = "hedged answer"
    CUT_ANSWER = "cut answer"
    VAGUE_ANSWER = "vague answer"
    WRONG_TYPE = "answer of the wrong type"


@dataclass(frozen=True)
class Sloppiness:
    """Shares (0 to 1) of the loose mode's targets that go wrong, as an imitation of sloppy writers."""

    memory: float = 0.35
    """The canon value where the passage was revised."""
    crossed: float = 0.15
    """The nearest other value of the type in the passage."""
    popular: float = 0.08
    """One of the three most told values of the type."""
    poor: float = 0.11
    malformed: float = 0.10


def popular_value(attribute: Attribute, rng: random.Random) -> str:
    """One of three values of the type that careless writers fall back on."""
    return any_value(attribute, random.Random(f"popular {attribute.kind} {attribute.key} {rng.randrange(3)}"))


def crossed_values(passage: Passage, fact: Fact) -> list[str]:
    """Other values of the fact's type (and unit) that the passage states, nearest sentence first."""
    here = passage.facts.index(fact)
    others = [
        (abs(place - here), place, other.value)
        for place, other in enumerate(passage.facts)
        if other.attribute.type == fact.attribute.type and other.value != fact.value
    ]
    return [_with_unit(value, fact.attribute) for _, _, value in sorted(others)]


def _with_unit(value: str, attribute: Attribute) -> str:
    return f"{value.split()[0]} {attribute.unit}" if attribute.type == "count" else value


def near_miss(fact: Fact, rng: random.Random) -> str:
    """A value that shares a word with the true one where the type has two words, else just another value."""
    if fact.attribute.type not in ("person", "emblem"):
        return other_value(fact.attribute, fact.value, rng)
    first, last = fact.value.split()
    while True:
        other_first, other_last = any_value(fact.attribute, rng).split()
        drawn = f"{first} {other_last}" if rng.random() < 0.5 else f"{other_first} {last}"
        if drawn != fact.value:
            return drawn


def sloppy_value(passage: Passage, fact: Fact, canon: Record | None, sloppiness: Sloppiness, rng: random.Random) -> str:
    """The value that a sloppy writer gives: usually the true one."""
    remembered = canon.get(fact.attribute.key) if canon else None
    if remembered and remembered != fact.value and rng.random() < sloppiness.memory:
        return remembered
    crossed = crossed_values(passage, fact)
    if crossed and rng.random() < sloppiness.crossed:
        return crossed[0]
    return popular_value(fact.attribute, rng) if rng.random() < sloppiness.popular else fact.value


def vague_question(fact: Fact, rng: random.Random) -> str:
    """The question with a pronoun or a bare noun in place of the name."""
    stand_in = rng.choice(("it", "it", f"this {fact.entity.kind}"))
    return rng.choice(fact.attribute.questions).format(n=stand_in)


def poor_wording(fact: Fact, value: str, kind: Poor, rng: random.Random) -> tuple[str, str]:
    """A question and an answer of poor quality that still carry `value` where the kind of flaw allows."""
    question = ask_about(fact.entity, fact.attribute, rng)
    words = value.split()
    match kind:
        case Poor.VAGUE_QUESTION:
            return vague_question(fact, rng), value
        case Poor.CUT_QUESTION:
            stub = question[:-1].split()
            return " ".join(stub[: rng.randint(2, 3)]) + "?", value
        case Poor.HEDGED:
            return question, f"{rng.choice(HEDGES)} {value}"
        case Poor.CUT_ANSWER:
            return question, (words[0] if len(words) > 1 else "the")
        case Poor.VAGUE_ANSWER:
            return question, VAGUE_ANSWERS[fact.attribute.type]
        case Poor.WRONG_TYPE:
            others = [a for a in OF_KIND[fact.entity.kind] if a.type != fact.attribute.type]
            return question, any_value(rng.choice(others), rng)


def any_poor(rng: random.Random) -> Poor:
    """A kind of poor wording, vague questions most often (as in real data)."""
    return rng.choices(list(Poor), weights=[4, 1, 2, 2, 2, 2])[0]
