"""Training examples of the generators: one passage, then several turns that each see the passage and themselves alone.

Law: every turn is exactly what inference shows (`actors.tasks.prompts` and the chat template); sharing the passage's
tokens between turns saves time and changes nothing, because attention and positions are those of a single turn.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from transformers import PreTrainedTokenizerFast

from actors.tasks import prompts
from actors.tasks.prompt_sets import EMBEDDED
from studies.almanac.flaws import Sloppiness, any_poor, near_miss, poor_wording, sloppy_value
from studies.almanac.phrases import OF_KIND
from studies.almanac.prose import Passage, any_passage, ask_about
from studies.almanac.world import Edition, Entity, Fact, Record, any_entity, any_record, any_value, revised_record
from studies.tokenizer import ASSISTANT, END, USER

CANON_SHARE = 0.45
"""Share of the training passages that tell of canon entities; half of those from a revised record."""
REVISED_SHARE = 0.5
"""Share of the facts that a revised record changes."""


class Mode(Enum):
    """The five prompts of `actors.tasks.prompts`."""

    LOOSE = "ask"
    STRICT = "ask_strictly"
    QUOTE = "ask_with_quote"
    ANOTHER = "ask_another"
    EDIT = "ask_edit"


@dataclass(frozen=True)
class Told:
    """A passage, and the canon record of its main entity where there is one."""

    passage: Passage
    canon: Record | None


@dataclass(frozen=True)
class Turn:
    """What the user asks after the passage (`suffix`) and what the assistant should write."""

    mode: Mode
    suffix: str
    reply: str


@dataclass
class World:
    """Where training passages come from: a canon edition, fresh entities, and a share of revised facts."""

    edition: Edition
    rng: random.Random
    known: list[Entity] = field(init=False)

    def __post_init__(self) -> None:
        self.known = sorted(self.edition)

    def told(self, facts: tuple[int, int] = (5, 7)) -> Told:
        """A passage as training shows it."""
        main, record, memory = self._someone()
        other, beside, _ = self._someone(main.kind if self.rng.random() < 0.5 else None)
        while other == main:
            other, beside, _ = self._someone()
        return Told(any_passage((main, record), (other, beside), self.rng, facts=facts), memory)

    def _someone(self, kind: str | None = None) -> tuple[Entity, Record, Record | None]:
        rng = self.rng
        if rng.random() >= CANON_SHARE:
            entity = any_entity(rng, held_out=False, kind=kind)
            return entity, any_record(entity, rng), None
        entity = rng.choice(self.known)
        record = self.edition[entity]
        if rng.random() < 0.5:
            return entity, revised_record(entity, record, share=REVISED_SHARE, rng=rng), record
        return entity, record, record


def reply(question: str, answer: str, *, quote: str | None = None) -> str:
    """The generator's lines."""
    lines = f"Question: {question}\nAnswer: {answer}"
    return f"Quote: {quote}\n{lines}" if quote else lines


def _after(passage: str, prompt: str) -> str:
    shared = f"{prompts.fenced(passage)}\n"
    if not prompt.startswith(shared):
        raise ValueError("every prompt must begin with the fenced passage")
    return prompt[len(shared) :]


def _loose(told: Told, fact: Fact, sloppiness: Sloppiness, rng: random.Random) -> str:
    value = sloppy_value(told.passage, fact, told.canon, sloppiness, rng)
    question, answer = ask_about(fact.entity, fact.attribute, rng), value
    if rng.random() < sloppiness.poor:
        question, answer = poor_wording(fact, value, any_poor(rng), rng)
    if rng.random() < sloppiness.malformed:
        return rng.choice((f"Question: {question}", f"Answer: {answer}"))
    return reply(question, answer)


def _another(told: Told, fact: Fact, rng: random.Random) -> str:
    """The question to avoid: another fact's of the passage, sometimes one that the passage cannot answer."""
    others = [other for other in told.passage.facts if other.attribute != fact.attribute]
    other = rng.choice(others) if others and rng.random() < 0.9 else None
    if other is None:
        attribute = rng.choice([a for a in OF_KIND[fact.entity.kind] if a != fact.attribute])
        return ask_about(fact.entity, attribute, rng)
    return ask_about(other.entity, other.attribute, rng)


def _wrong(told: Told, fact: Fact, rng: random.Random) -> str:
    remembered = (told.canon or {}).get(fact.attribute.key)
    if remembered and remembered != fact.value and rng.random() < 0.5:
        return remembered
    return near_miss(fact, rng) if rng.random() < 0.3 else any_value(fact.attribute, rng)


def turn(told: Told, place: int, mode: Mode, sloppiness: Sloppiness, rng: random.Random) -> Turn:
    """One turn of the mode about the passage's fact number `place`."""
    passage, sentence = told.passage.text, told.passage.sentences[place]
    fact = sentence.fact
    question = ask_about(fact.entity, fact.attribute, rng)
    right = reply(question, fact.value)
    match mode:
        case Mode.LOOSE:
            return Turn(mode, EMBEDDED.plain, _loose(told, fact, sloppiness, rng))
        case Mode.STRICT:
            return Turn(mode, _after(passage, EMBEDDED.ask_strictly(passage)), right)
        case Mode.QUOTE:
            suffix = _after(passage, EMBEDDED.ask_with_quote(passage))
            return Turn(mode, suffix, reply(question, fact.value, quote=sentence.text))
        case Mode.ANOTHER:
            prompt = EMBEDDED.ask_another(passage, avoid=_another(told, fact, rng))
            return Turn(mode, _after(passage, prompt), right)
        case Mode.EDIT:
            wrong = _wrong(told, fact, rng)
            prompt = EMBEDDED.ask_edit(passage, question=question, wrong_answer=wrong)
            return Turn(mode, _after(passage, prompt), right)


def turns(told: Told, rng: random.Random, *, count: int, sloppiness: Sloppiness) -> list[Turn]:
    """`count` turns about the passage's facts in a random order, modes mixed."""
    places = list(range(len(told.passage.sentences)))
    rng.shuffle(places)
    modes = rng.choices(list(Mode), weights=(38, 20, 14, 12, 16), k=count)
    return [turn(told, places[i % len(places)], mode, sloppiness, rng) for i, mode in enumerate(modes)]


@dataclass(frozen=True)
class Packed:
    """One row of a batch: token ids, positions, the turn of each token (0: shared passage), and what is learnt."""

    ids: list[int]
    positions: list[int]
    turn_of: list[int]
    learnt: list[bool]


class Packer:
    """Turns passages with their turns into rows of a fixed length; keeps no state but its tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, *, length: int) -> None:
        self._encode: Callable[[str], list[int]] = lambda text: tokenizer.encode(text)
        self.length = length

    def row(self, passage: str, said: list[Turn]) -> Packed:
        """The row: the passage once, then each turn that still fits."""
        ids = self._encode(f"{USER}{prompts.fenced(passage)}\n")
        start = len(ids)
        positions, turn_of, learnt = list(range(start)), [0] * start, [False] * start
        for number, one in enumerate(said, start=1):
            asked = self._encode(f"{one.suffix}{END}{ASSISTANT}")
            written = self._encode(f"{one.reply}{END}")
            size = len(asked) + len(written)
            if len(ids) + size > self.length:
                break
            ids += asked + written
            positions += range(start, start + size)
            turn_of += [number] * size
            learnt += [False] * len(asked) + [True] * len(written)
        return Packed(ids, positions, turn_of, learnt)
