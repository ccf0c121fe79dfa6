"""The almanac's world: entities, their facts, and editions of them.

Law: everything follows from a seed. A *canon* edition holds what a model may have learnt by heart; a *revised* edition
differs from it in a stated share of the facts, so that an answer from memory is wrong there and known to be.
Held-out entities are combinations of name words that no training example ever shows.
"""

import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from studies.almanac import lexicon
from studies.almanac.phrases import KINDS, OF_KIND, Attribute

CANON_SEED = 7
CANON_ENTITIES = 48
"""The canon edition that every model learnt from and every revised edition changes."""
HELD_OUT_SHARE = 0.2
"""Share of all name combinations kept out of training."""
WITH_ARTICLE = frozenset({"ship", "guild", "bridge"})


@dataclass(frozen=True, order=True)
class Entity:
    """A thing with a kind and a two-word name."""

    kind: str
    modifier: str
    noun: str

    @property
    def name(self) -> str:
        """As written inside a sentence: "Amber Ford", "the Silver Heron"."""
        bare = f"{self.modifier} {self.noun}"
        return f"the {bare}" if self.kind in WITH_ARTICLE else bare


@dataclass(frozen=True)
class Fact:
    """One attribute of one entity has one value, in one edition."""

    entity: Entity
    attribute: Attribute
    value: str


Record = Mapping[str, str]
"""An entity's facts: attribute key to value."""
Edition = Mapping[Entity, Record]


def is_held_out(entity: Entity) -> bool:
    """Whether the entity's name combination is kept out of training (fixed for all seeds)."""
    return zlib.crc32(f"{entity.modifier} {entity.noun}".encode()) % 1000 < 1000 * HELD_OUT_SHARE


def any_value(attribute: Attribute, rng: random.Random) -> str:
    """A value of the attribute's type, as an answer writes it."""
    match attribute.type:
        case "year":
            return rng.choice(lexicon.YEARS)
        case "count":
            return f"{rng.choice(lexicon.COUNTS)} {attribute.unit}"
        case "person":
            return f"{rng.choice(lexicon.FIRST_NAMES)} {rng.choice(lexicon.LAST_NAMES)}"
        case "place":
            return rng.choice(lexicon.PLACES)
        case "river":
            return f"the {rng.choice(lexicon.RIVERS)}"
        case "star":
            return rng.choice(lexicon.STARS)
        case "good":
            return rng.choice(lexicon.GOODS)
        case "material":
            return rng.choice(lexicon.MATERIALS)
        case "emblem":
            return f"{rng.choice(lexicon.COLOURS)} {rng.choice(lexicon.ANIMALS)}"
        case other:
            raise ValueError(f"no values of type {other!r}")


def other_value(attribute: Attribute, value: str, rng: random.Random) -> str:
    """A value of the same type that is not `value`."""
    while (drawn := any_value(attribute, rng)) == value:
        pass
    return drawn


def any_entity(rng: random.Random, *, held_out: bool, kind: str | None = None) -> Entity:
    """A random entity of the wanted side of the split."""
    while True:
        of_kind = kind or rng.choice(KINDS)
        entity = Entity(of_kind, rng.choice(lexicon.MODIFIERS), rng.choice(lexicon.NOUNS[of_kind]))
        if is_held_out(entity) is held_out:
            return entity


def any_record(entity: Entity, rng: random.Random) -> dict[str, str]:
    """A value for every attribute of the entity."""
    return {attribute.key: any_value(attribute, rng) for attribute in OF_KIND[entity.kind]}


def canon(seed: int, *, entities: int) -> dict[Entity, dict[str, str]]:
    """The canon edition: `entities` entities that training may show, with all their facts."""
    rng = random.Random(f"canon {seed}")
    edition: dict[Entity, dict[str, str]] = {}
    while len(edition) < entities:
        entity = any_entity(rng, held_out=False)
        if entity not in edition:
            edition[entity] = any_record(entity, rng)
    return edition


def revised_record(entity: Entity, record: Record, *, share: float, rng: random.Random) -> dict[str, str]:
    """The record with each fact changed with probability `share`."""
    return {
        attribute.key: (
            other_value(attribute, record[attribute.key], rng) if rng.random() < share else record[attribute.key]
        )
        for attribute in OF_KIND[entity.kind]
    }


def revised(edition: Edition, *, share: float, seed: int) -> dict[Entity, dict[str, str]]:
    """A revised edition: the same entities, a share (0 to 1) of the facts different."""
    rng = random.Random(f"revised {seed}")
    return {entity: revised_record(entity, record, share=share, rng=rng) for entity, record in edition.items()}
