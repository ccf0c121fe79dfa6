"""Labelled claims: what the judges and the reward model learn from, and synthetic ones to measure them with.

Law: a claim's faithfulness label is the world's, its quality label is the wording's; neither looks at the other.
"""

import random
from dataclasses import dataclass
from enum import IntEnum

from studies.almanac.data import Told
from studies.almanac.flaws import Poor, any_poor, crossed_values, near_miss, poor_wording
from studies.almanac.phrases import ATTRIBUTES, OF_KIND
from studies.almanac.prose import ask_about
from studies.almanac.world import Entity, Fact, any_entity, any_value, other_value

POOR_SHARE = 0.15
UNSTATED_SHARE = 0.25
"""Of the false claims: those of which the passage says nothing, though it states the value of something else."""


class Reading(IntEnum):
    """What one sentence says about a claim."""

    IRRELEVANT = 0
    SUPPORTS = 1
    CONTRADICTS = 2


@dataclass(frozen=True)
class Hint:
    """What a judge is taught to see in one sentence: its attribute, what it says of the claim, and whether it tells
    the claim's value and tells of the claim's entity."""

    attribute: int
    reading: Reading
    same_value: bool
    same_entity: bool


@dataclass(frozen=True)
class Claim:
    """A question and an answer about a passage, both labels, and hints by sentence (none if the answer is no value)."""

    told: Told
    question: str
    answer: str
    faithful: bool
    good: bool
    asked: int
    """The attribute that the question asks for, by its place in `ATTRIBUTES`."""
    hints: tuple[Hint, ...]


def hints_of(told: Told, about: Fact, value: str) -> tuple[Hint, ...]:
    """What each sentence says of the claim that `about`'s entity and attribute have `value`."""
    found: list[Hint] = []
    for fact in told.passage.facts:
        reading = Reading.IRRELEVANT
        if fact.entity == about.entity and fact.attribute == about.attribute:
            reading = Reading.SUPPORTS if fact.value == value else Reading.CONTRADICTS
        same = fact.value.split()[0] == value.split()[0] if fact.attribute.type == "count" else fact.value == value
        found.append(Hint(ATTRIBUTES.index(fact.attribute), reading, same, fact.entity == about.entity))
    return tuple(found)


def _wrong_value(told: Told, fact: Fact, rng: random.Random) -> str:
    remembered = (told.canon or {}).get(fact.attribute.key)
    if remembered and remembered != fact.value and rng.random() < 0.5:
        return remembered
    crossed = crossed_values(told.passage, fact)
    kind = rng.random()
    if crossed and kind < 0.6:
        return rng.choice(crossed)
    return near_miss(fact, rng) if kind < 0.85 else other_value(fact.attribute, fact.value, rng)


def _unstated(told: Told, rng: random.Random) -> tuple[Fact, str] | None:
    """A claim of which the passage says nothing: another attribute or another entity, the value from the passage."""
    stated = {(fact.entity, fact.attribute.key) for fact in told.passage.facts}
    source = rng.choice(told.passage.facts)
    entities: list[Entity] = [fact.entity for fact in told.passage.facts]
    if rng.random() < 0.4:
        entities.append(any_entity(rng, held_out=False, kind=source.entity.kind))
    options = [
        (entity, attribute)
        for entity in dict.fromkeys(entities)
        for attribute in OF_KIND[entity.kind]
        if attribute.type == source.attribute.type and (entity, attribute.key) not in stated
    ]
    if not options:
        return None
    entity, attribute = rng.choice(options)
    number = source.value.split()[0]
    value = f"{number} {attribute.unit}" if attribute.type == "count" else source.value
    return Fact(entity, attribute, value), value


def any_claim(told: Told, rng: random.Random, *, unstated_share: float = UNSTATED_SHARE) -> Claim:
    """A claim about the passage: half of them faithful, a share of either half poorly worded."""
    fact = rng.choice(told.passage.facts)
    value = fact.value
    if rng.random() < 0.5:
        unstated = _unstated(told, rng) if rng.random() < unstated_share else None
        fact, value = unstated or (fact, _wrong_value(told, fact, rng))
    hints = hints_of(told, fact, value)
    faithful = any(hint.reading is Reading.SUPPORTS for hint in hints)
    question, answer, good = ask_about(fact.entity, fact.attribute, rng), value, True
    if rng.random() < POOR_SHARE and fact.entity == told.passage.main:
        kind, good = any_poor(rng), False
        question, answer = poor_wording(fact, value, kind, rng)
        if kind in (Poor.WRONG_TYPE, Poor.VAGUE_ANSWER) or (kind is Poor.CUT_ANSWER and answer == "the"):
            hints, faithful = (), False
    return Claim(told, question, answer, faithful, good, ATTRIBUTES.index(fact.attribute), hints)


def any_wording(told: Told, rng: random.Random) -> tuple[str, str, bool]:
    """A question, an answer, and whether they are well worded (half are); truth is left to chance."""
    fact = rng.choice(told.passage.facts)
    value = fact.value if rng.random() < 0.5 else any_value(fact.attribute, rng)
    if rng.random() < 0.5:
        return ask_about(fact.entity, fact.attribute, rng), value, True
    return *poor_wording(fact, value, any_poor(rng), rng), False
