"""Passages and questions of the almanac.

Law: a passage tells 5 to 7 facts of one main entity and 1 or 2 of another, one fact a sentence; its first sentence
names the main entity, and whatever tells of the other entity names it.
"""

import random
from dataclasses import dataclass

from studies.almanac.phrases import OF_KIND, Attribute
from studies.almanac.world import Entity, Fact, Record


@dataclass(frozen=True)
class Sentence:
    """One sentence and the fact it tells."""

    text: str
    fact: Fact


@dataclass(frozen=True)
class Passage:
    """A short text about one main entity, with the facts it states sentence by sentence."""

    main: Entity
    sentences: tuple[Sentence, ...]

    @property
    def text(self) -> str:
        """The sentences joined by single spaces."""
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What the passage states, in reading order."""
        return tuple(sentence.fact for sentence in self.sentences)


def capitalised(text: str) -> str:
    """The text with its first letter in upper case, the rest untouched."""
    return text[:1].upper() + text[1:]


def tell(fact: Fact, *, subject: str, template: str) -> str:
    """The sentence that tells the fact of `subject` (a name, "the ship" or "it")."""
    possessive = "its" if subject == "it" else f"{subject}'s"
    text = template.format(S=capitalised(subject), s=subject, P=capitalised(possessive), p=possessive, v=fact.value)
    return capitalised(text)


def subjects(entity: Entity, template: str, *, first: bool) -> tuple[str, ...]:
    """Ways to name a passage's main entity in this template ("it" only where it opens the sentence)."""
    if first:
        return (entity.name,)
    opening = template.startswith(("{S}", "{P}"))
    return (entity.name, f"the {entity.kind}", "it" if opening else f"the {entity.kind}")


def any_passage(
    main: tuple[Entity, Record], other: tuple[Entity, Record], rng: random.Random, *, facts: tuple[int, int] = (5, 7)
) -> Passage:
    """A passage of `facts` (least, most) facts of the main entity and 1 or 2 of the other (none below 5 facts)."""
    count = rng.randint(*facts)
    told = [Fact(main[0], a, main[1][a.key]) for a in rng.sample(OF_KIND[main[0].kind], count)]
    beside = rng.randint(1, 2) if count >= 5 else rng.randint(0, 1)
    aside = [Fact(other[0], a, other[1][a.key]) for a in rng.sample(OF_KIND[other[0].kind], beside)]
    order = told[1:] + aside
    rng.shuffle(order)
    sentences: list[Sentence] = []
    for position, fact in enumerate([told[0], *order]):
        template = rng.choice(fact.attribute.sentences)
        if fact.entity == main[0]:
            subject = rng.choice(subjects(main[0], template, first=position == 0))
        else:
            subject = fact.entity.name
        sentences.append(Sentence(tell(fact, subject=subject, template=template), fact))
    return Passage(main[0], tuple(sentences))


def ask_about(entity: Entity, attribute: Attribute, rng: random.Random) -> str:
    """One of the attribute's questions, naming the entity."""
    return rng.choice(attribute.questions).format(n=entity.name)
