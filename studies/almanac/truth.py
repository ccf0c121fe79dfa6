"""What is true, without a model: reads a passage back into facts and checks a question and an answer against it.

Law: exact within the almanac's own wordings. What is not one of its questions is said to be none, never guessed at.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache

from studies.almanac import lexicon
from studies.almanac.flaws import HEDGES
from studies.almanac.phrases import ATTRIBUTES, Attribute
from studies.almanac.world import Entity, Fact

_NAME = r"(?:the )?[A-Z][a-z]+ [A-Z][a-z]+"
_KIND_OF_NOUN = {noun: kind for kind, nouns in lexicon.NOUNS.items() for noun in nouns}
_SHAPES = {
    "year": r"\d{4}", "person": r"[A-Z][a-z]+ [A-Z][a-z]+", "place": r"[A-Z][a-z]+", "river": r"[Tt]he [A-Z][a-z]+",
    "star": r"[A-Z][a-z]+", "good": r"[A-Za-z][a-z]+", "material": r"[A-Za-z][a-z]+", "emblem": r"[a-z]+ [a-z]+",
}  # fmt: skip

_ONE_WORD = {
    "year": lexicon.YEARS, "place": lexicon.PLACES, "star": lexicon.STARS, "good": lexicon.GOODS,
    "material": lexicon.MATERIALS,
}  # fmt: skip


class Reason(Enum):
    """Why an answer is not faithful."""

    OTHER_VALUE = "the passage states another value"
    UNSTATED = "the passage does not state it"
    NO_VALUE = "the answer names no value"


@dataclass(frozen=True)
class Faithful:
    """The passage states it. `complete` is false where the answer gives only a part of the value, or hedges."""

    fact: Fact
    complete: bool


@dataclass(frozen=True)
class Unfaithful:
    """The passage does not bear the answer out; `stated` is what it says instead, where it says anything."""

    entity: Entity
    attribute: Attribute
    reason: Reason
    stated: str | None


@dataclass(frozen=True)
class NotAQuestionOfThisWorld:
    """The question is none of the almanac's, so there is nothing to check."""

    question: str


Truth = Faithful | Unfaithful | NotAQuestionOfThisWorld


@dataclass(frozen=True)
class Asked:
    """A question understood: whom it names (None: "it" or "this ship") and the attribute."""

    entity: Entity | None
    attribute: Attribute


def _shape(attribute: Attribute) -> str:
    return rf"\d+ {attribute.unit}" if attribute.type == "count" else _SHAPES[attribute.type]


def _pattern(template: str, parts: dict[str, str]) -> re.Pattern[str]:
    text = re.escape(template)
    for slot, pattern in parts.items():
        text = text.replace(re.escape("{" + slot + "}"), pattern)
    first = text[0]
    return re.compile(f"[{first}{first.upper()}]{text[1:]}" if first.isalpha() else text)


@cache
def _sentences() -> tuple[tuple[Attribute, re.Pattern[str]], ...]:
    found: list[tuple[Attribute, re.Pattern[str]]] = []
    for attribute in ATTRIBUTES:
        subject = rf"(?P<n>(?:[Tt]he )?[A-Z][a-z]+ [A-Z][a-z]+|[Tt]he {attribute.kind}|[Ii]t)"
        owner = rf"(?:{subject[:-1]})'s|(?P<i>[Ii]ts))"
        value = rf"(?P<v>{_shape(attribute)})"
        parts = {"S": subject, "s": subject, "P": owner, "p": owner, "v": value}
        found += [(attribute, _pattern(template, parts)) for template in attribute.sentences]
    return tuple(found)


@cache
def _questions() -> tuple[tuple[Attribute, re.Pattern[str]], ...]:
    return tuple(
        (attribute, _pattern(template, {"n": rf"(?P<n>{_NAME}|it|this {attribute.kind})"}))
        for attribute in ATTRIBUTES
        for template in attribute.questions
    )


def _entity(name: str) -> Entity | None:
    """The entity a name stands for; None for "it", "the ship" and names of no known kind."""
    words = re.sub(r"^[Tt]he ", "", name).split()
    if len(words) != 2 or words[1] not in _KIND_OF_NOUN:
        return None
    return Entity(_KIND_OF_NOUN[words[1]], *words)


def facts_of(passage: str) -> tuple[Fact, ...]:
    """The facts that an almanac passage states, in reading order; sentences of another kind are passed over."""
    found: list[Fact] = []
    main: Entity | None = None
    for sentence in re.split(r"(?<=\.) ", passage.strip()):
        for attribute, pattern in _sentences():
            if not (match := pattern.fullmatch(sentence)):
                continue
            named = _entity(match["n"] or "")
            entity = named or main
            if entity is None or entity.kind != attribute.kind:
                continue
            main = main or entity
            value = match["v"]
            plain = value.lower() if attribute.type in ("good", "material", "emblem") else value
            plain = plain[0].lower() + plain[1:] if attribute.type == "river" else plain
            found.append(Fact(entity, attribute, plain))
            break
    return tuple(found)


def understood(question: str, *, kind: str | None = None) -> Asked | None:
    """What the question asks; `kind` says what "it" may be. None where it is no question of the almanac."""
    for attribute, pattern in _questions():
        if not (match := pattern.fullmatch(question.strip())):
            continue
        entity = _entity(match["n"])
        if entity is not None and entity.kind == attribute.kind:
            return Asked(entity, attribute)
        if match["n"] == f"this {attribute.kind}" or (match["n"] == "it" and kind in (None, attribute.kind)):
            return Asked(None, attribute)
    return None


def _plain(answer: str) -> str:
    words = answer.strip().rstrip(".").casefold().split()
    return " ".join(words[1:] if words[:1] and words[0] in HEDGES else words)


def check(passage: str, *, question: str, answer: str) -> Truth:
    """Whether the passage states the answer to the question."""
    return check_facts(facts_of(passage), question=question, answer=answer)


def check_facts(facts: tuple[Fact, ...], *, question: str, answer: str) -> Truth:
    """As `check`, for facts already read; "it" stands for the first fact's entity."""
    main = facts[0].entity if facts else None
    asked = understood(question, kind=main.kind if main else None)
    entity = (asked.entity or main) if asked else None
    if asked is None or entity is None or entity.kind != asked.attribute.kind:
        return NotAQuestionOfThisWorld(question)
    given = _plain(answer)
    for fact in facts:
        if fact.entity != entity or fact.attribute != asked.attribute:
            continue
        value = fact.value.casefold()
        if given == value:
            return Faithful(fact, complete=_plain(answer) == answer.strip().rstrip(".").casefold())
        if given in set(value.split()) - {"the", fact.attribute.unit.casefold()}:
            return Faithful(fact, complete=False)
        reason = Reason.OTHER_VALUE if _names_a_value(given) else Reason.NO_VALUE
        return Unfaithful(entity, asked.attribute, reason, fact.value)
    return Unfaithful(entity, asked.attribute, Reason.UNSTATED, None)


@cache
def _value_words() -> frozenset[str]:
    lists = (
        lexicon.FIRST_NAMES, lexicon.LAST_NAMES, lexicon.PLACES, lexicon.RIVERS, lexicon.STARS, lexicon.GOODS,
        lexicon.MATERIALS, lexicon.COLOURS, lexicon.ANIMALS, lexicon.YEARS, lexicon.COUNTS,
    )  # fmt: skip
    return frozenset(word.casefold() for words in lists for word in words)


def _names_a_value(given: str) -> bool:
    return any(word in _value_words() for word in given.split())


def well_worded(question: str, answer: str) -> bool:
    """Whether the wording alone is good: the question names its entity, the answer is a whole value of its type."""
    asked = understood(question)
    if asked is None or asked.entity is None:
        return False
    words = answer.strip().split()
    match asked.attribute.type:
        case "count":
            return len(words) == 2 and words[0].isdigit() and words[1] == asked.attribute.unit
        case "river":
            return len(words) == 2 and words[0] == "the" and words[1] in lexicon.RIVERS
        case "person":
            return len(words) == 2 and words[0] in lexicon.FIRST_NAMES and words[1] in lexicon.LAST_NAMES
        case "emblem":
            return len(words) == 2 and words[0] in lexicon.COLOURS and words[1] in lexicon.ANIMALS
        case other:
            return len(words) == 1 and words[0] in _ONE_WORD[other]
