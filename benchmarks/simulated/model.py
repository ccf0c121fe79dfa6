"""How well the simulated model reports facts, and how well it judges reports of them.

Law: pure. What is said depends on the seed and the request alone. Some facts are hard, a few are always told wrongly; a
lower temperature and a stricter prompt help; a judge sees the truth with noise, and some of its verdicts are wrong.
Nothing here knows how many samples are asked for at once: the quality of each does not fall with their number.
"""

import math
from dataclasses import dataclass, replace

from benchmarks.simulated.text import (
    COMMON,
    FRAMES,
    HEDGE_WORDS,
    HEDGES,
    SUPPORTS,
    Chance,
    alter,
    check_claims,
    clause,
    closest,
    content_words,
    facts,
    is_faithful,
    sentences,
)


@dataclass(frozen=True)
class Quality:
    """`skill`: log-odds of a faithful answer on the easiest fact; `stubborn`: share of facts that are always told
    wrongly; `judge_noise`, `reward_noise`: standard deviations of the scores; `judge_flip`: share of verdicts that are
    simply wrong; `classifier`: how many standard deviations of its noise lie between what a small classifier says of
    the mean true answer and of the mean false one."""

    seed: int = 0
    skill: float = 3.9
    stubborn: float = 0.06
    judge_noise: float = 0.12
    judge_flip: float = 0.03
    reward_noise: float = 0.09
    classifier: float = 2.5


@dataclass(frozen=True)
class Asked:
    """A request, understood. `key` identifies its content: the same key draws the same."""

    passage: str = ""
    question: str = ""
    answer: str = ""
    count: int = 1
    strict: bool = False
    temperature: float = 0.7
    key: str = ""


@dataclass(frozen=True)
class Pair:
    """A question, its answer, and the sentence that the answer rests on."""

    quote: str
    question: str
    answer: str


@dataclass(frozen=True)
class Judged:
    """A verdict: each claim with whether it is supported and the closest sentence; and a score."""

    claims: tuple[tuple[str, bool, str], ...]
    score: float


@dataclass(frozen=True)
class Rated:
    """A rating: the whole score and three marks, in [0, 1], and what is weak, in words."""

    score: float
    marks: tuple[float, float, float]
    weakness: str


class SimulatedModel:
    """The pure part: a request in, plain values out."""

    def __init__(self, quality: Quality) -> None:
        self.quality = quality
        self.chance = Chance(quality.seed)

    def pairs(self, asked: Asked) -> list[Pair]:
        """`count` samples of one completion, about different facts while there are any."""
        told = self.chance.order(_facts_of(asked.passage), "order", asked.key)
        return [self._pair(asked, told[at % len(told)], polish=0.92, tag=at) for at in range(asked.count)]

    def pair(self, asked: Asked) -> Pair:
        """One sample about any fact."""
        sentence = self.chance.pick(_facts_of(asked.passage), "order", asked.key)
        return self._pair(asked, sentence, polish=0.92, tag="pair")

    def edit(self, asked: Asked) -> Pair:
        """The question kept, its answer written anew."""
        sentence, _ = closest(asked.passage, asked.question)
        answer = self._answer(asked, sentence or _facts_of(asked.passage)[0], polish=0.94, tag="edit")
        return Pair(sentence, asked.question, answer)

    def judge(self, asked: Asked) -> Judged:
        """A grounding verdict: truth plus noise."""
        supported, unsupported = check_claims(asked.passage, asked.answer)
        claims = len(supported) + len(unsupported)
        true = said = bool(supported) and not unsupported
        if self.chance.unit("flip", asked.key) < self.quality.judge_flip:
            said = not true
        centre = 0.88 if said else 0.28 + 0.15 * (len(supported) / claims if claims else 0.0)
        score = centre + self.quality.judge_noise * self.chance.normal("judge", asked.key)
        everything = [*supported, *unsupported] or [asked.answer]
        return Judged(
            tuple(
                (claim, said if said != true else claim in supported, closest(asked.passage, claim)[0])
                for claim in everything
            ),
            _bounded(score),
        )

    def likely(self, asked: Asked) -> float:
        """What a small classifier gives to the answer being carried, in (0, 1): truth plus much noise, always the same
        for the same texts."""
        true = 1 if is_faithful(asked.passage, asked.answer) else -1
        noise = self.chance.normal("likely", asked.passage, asked.question, asked.answer)
        return 1 / (1 + math.exp(-(true * self.quality.classifier + 2 * noise)))

    def answer(self, asked: Asked) -> str:
        """An answer to the question alone, in plain words."""
        return self._answer(asked, self._led_to(asked), polish=0.94, tag="answer")

    def refine(self, asked: Asked) -> str:
        """A better written answer, as true as one of a strict prompt."""
        return self._answer(replace(asked, strict=True), self._led_to(asked), polish=1.0, tag="refine")

    def question(self, asked: Asked) -> str:
        """A question about any fact."""
        return _ask_about(self.chance.pick(_facts_of(asked.passage), "question", asked.key))

    def rated(self, asked: Asked) -> Rated:
        """A score and three marks: hedged, thin or off-topic answers score low."""
        hedged = bool(HEDGE_WORDS.search(asked.answer))
        thin = len(asked.answer.split()) < 8
        wanted = content_words(asked.question)
        on_topic = not wanted or len(wanted & content_words(asked.answer)) >= 0.4 * len(wanted)
        centre = 0.84 - (0.34 if hedged else 0.0) - (0.25 if thin else 0.0) - (0.0 if on_topic else 0.3)
        normal, key = self.chance.normal, asked.key
        score = centre + self.quality.reward_noise * normal("reward", key)
        marks = (
            _bounded(score - (0.1 if thin else 0.0) + 0.03 * normal("h", key)),
            _bounded(score + (0.1 if hedged else 0.0) + 0.03 * normal("o", key)),
            _bounded(score - (0.0 if on_topic else 0.15) + 0.03 * normal("i", key)),
        )
        flaws = {"hedges": hedged, "is too short to be useful": thin, "does not answer the question": not on_topic}
        return Rated(
            _bounded(score), marks, "; ".join(name for name, there in flaws.items() if there) or "little detail"
        )

    def marks(self, asked: Asked) -> tuple[float, float, float]:
        """The three marks of `rated`."""
        return self.rated(asked).marks

    def _led_to(self, asked: Asked) -> str:
        """The sentence of the passage that the question leads to."""
        sentence, _ = closest(asked.passage, asked.question)
        return sentence or _facts_of(asked.passage)[0]

    def _pair(self, asked: Asked, sentence: str, *, polish: float, tag: object) -> Pair:
        return Pair(sentence, _ask_about(sentence), self._answer(asked, sentence, polish=polish, tag=tag))

    def _hardness(self, passage: str, sentence: str) -> float:
        """How hard a fact is to report rightly, in [0, 1]: half from the passage, half from the sentence."""
        return 0.5 * self.chance.unit("passage", passage) + 0.5 * self.chance.unit("fact", sentence)

    def _faithful_probability(self, asked: Asked, sentence: str) -> float:
        if self.chance.unit("stubborn", asked.passage, sentence) < self.quality.stubborn:
            return 0.03
        odds = self.quality.skill - 4.0 * self._hardness(asked.passage, sentence)
        odds -= 1.5 * (asked.temperature - 0.3)
        odds += 1.2 if asked.strict else 0.0
        return 1.0 / (1.0 + math.exp(-odds))

    def _answer(self, asked: Asked, sentence: str, *, polish: float, tag: object) -> str:
        """An answer about one sentence of the passage: right or wrong, good or thin."""
        chance, key = self.chance, asked.key
        hard = self._hardness(asked.passage, sentence)
        right = chance.unit("right", key, tag) < self._faithful_probability(asked, sentence)
        good = chance.unit("good", key, tag) < polish - 0.15 * hard
        told = sentence if right else alter(sentence, asked.passage, chance, key, tag)
        if not good:
            return chance.pick(HEDGES, "hedge", key, tag).format(clause(told))
        others = [each for each in sentences(asked.passage) if each != sentence]
        text = chance.pick(FRAMES, "frame", key, tag).format(clause(told))
        if others:
            more = chance.pick(others, "more", key, tag)
            text += " " + chance.pick(SUPPORTS, "support", key, tag).format(clause(more))
        return text


def _ask_about(sentence: str) -> str:
    """A question whose words lead back to the sentence."""
    lead = clause(sentence).split()[:7]
    while len(lead) > 3 and lead[-1].lower().strip(",") in COMMON:
        lead.pop()
    return "What does the source say about " + " ".join(lead).strip(",;") + "?"


def _facts_of(passage: str) -> list[str]:
    whole = list(sentences(passage)) or [passage or "Nothing is known."]
    return [each for each in whole if facts(each)] or whole


def _bounded(score: float) -> float:
    return round(min(1.0, max(0.0, score)), 2)
