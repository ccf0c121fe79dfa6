"""What a passage states, and whether an answer claims anything else: the simulated model's hidden truth.

Law: there is no hidden table. A faithful answer quotes a sentence of the passage; an unfaithful one quotes it with a
number or a name altered.
"""

import functools
import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Numbers fixed by (seed, words): the same words always draw the same."""

    def __init__(self, seed: int) -> None:
        self._key = str(seed).encode()

    def unit(self, *words: object) -> float:
        """Uniform in [0, 1)."""
        text = "\x1f".join(map(str, words)).encode()
        digest = hashlib.blake2b(text, digest_size=8, key=self._key).digest()
        return (int.from_bytes(digest, "big") >> 11) / (1 << 53)

    def normal(self, *words: object) -> float:
        """Standard normal (Box-Muller)."""
        u = 1.0 - self.unit("u", *words)
        return math.sqrt(-2.0 * math.log(u)) * math.cos(math.tau * self.unit("v", *words))

    def pick(self, options: Sequence[T], *words: object) -> T:
        return options[int(self.unit(*words) * len(options))]

    def order(self, items: Iterable[T], *words: object) -> list[T]:
        """The items, shuffled."""
        return sorted(items, key=lambda item: self.unit(*words, item))


SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'])")
WORD = re.compile(r"\d+(?:[.,]\d+)*|[A-Za-z]+(?:['-][A-Za-z]+)*")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_COMMON_WORDS = """
a an and are as at be been but by each every for from had has have in
into is it its of on one or over since that the their them these this those to
under was were which who with what does do did say says said about text source passage record
records according states stated also notes note there when where why how more most than then they he
she not
"""
COMMON = frozenset(_COMMON_WORDS.split())
NAMES = (
    "Aldermoor",
    "Bexfield",
    "Corrowan",
    "Dunmarrow",
    "Ellingbeck",
    "Farquay",
    "Glenhollow",
    "Hestercombe",
    "Inverlath",
    "Jorvenby",
    "Kestrelby",
    "Lowmarch",
    "Merrowdale",
    "Northwick",
)
FRAMES = (
    "According to the text, {}.",
    "The source states that {}.",
    "As the passage records, {}.",
    "The text makes clear that {}.",
)
SUPPORTS = ("The passage adds that {}.", "It is also recorded that {}.", "The text further notes that {}.")
HEDGES = ("Possibly {}, though I am not sure.", "Perhaps {}, I think.", "Maybe {}, more or less.")
HEDGE_WORDS = re.compile(r"\b(possibly|perhaps|maybe|not sure|i think|more or less)\b", re.I)


@functools.lru_cache(maxsize=16384)
def sentences(text: str) -> tuple[str, ...]:
    return tuple(s.strip() for s in SENTENCE.split(text.strip()) if s.strip())


@functools.lru_cache(maxsize=131072)
def content_words(text: str) -> frozenset[str]:
    return frozenset(w.lower() for w in WORD.findall(text)) - COMMON


@functools.lru_cache(maxsize=131072)
def facts(sentence: str) -> frozenset[str]:
    """The checkable tokens: numbers, and capitalised words after the first."""
    tokens = WORD.findall(sentence)
    return frozenset(t for i, t in enumerate(tokens) if t[0].isdigit() or (i and t[0].isupper() and len(t) > 1))


def closest(passage: str, text: str) -> tuple[str, float]:
    """The passage sentence that shares most content words with `text`, and what
    share of the text's content words it covers."""
    wanted = content_words(text)
    best, best_shared = "", -1
    for sentence in sentences(passage):
        shared = len(wanted & content_words(sentence))
        if shared > best_shared:
            best, best_shared = sentence, shared
    return best, (best_shared / len(wanted) if wanted and best else 0.0)


def check_claims(passage: str, answer: str) -> tuple[list[str], list[str]]:
    """(supported, unsupported) claims of an answer, read against a passage.

    A claim is an answer sentence. It is supported when the passage sentence
    closest to it carries every number and name in it. A sentence that neither
    resembles the passage nor states a fact is no claim at all.
    """
    supported: list[str] = []
    unsupported: list[str] = []
    for claim in sentences(answer):
        sentence, share = closest(passage, claim)
        stated = facts(claim)
        if not stated and share < 0.34:
            continue
        first = frozenset(WORD.findall(sentence)[:1])
        known = facts(sentence) | first
        if stated <= known and share >= 0.34:
            supported.append(claim)
        else:
            unsupported.append(claim)
    return supported, unsupported


def is_faithful(passage: str, answer: str) -> bool:
    """The hidden truth: something is claimed, and nothing that is not so."""
    supported, unsupported = check_claims(passage, answer)
    return bool(supported) and not unsupported


def clause(sentence: str) -> str:
    """A sentence as a subordinate clause: no full stop, no opening capital
    unless it is a name."""
    body = sentence.rstrip(".!? ")
    head = body.split(" ", 1)[0]
    return body[0].lower() + body[1:] if head.lower() in COMMON else body


def alter(sentence: str, passage: str, chance: Chance, *words: object) -> str:
    """The sentence with one number or one name made wrong."""
    numbers = list(NUMBER.finditer(sentence))
    if numbers:
        spot = chance.pick(numbers, "spot", *words)
        old = spot.group()
        digits = old.replace(",", "").split(".")[0]
        step = 1 + int(chance.unit("step", *words) * max(3, int(digits) // 5))
        value = int(digits) + (step if chance.unit("sign", *words) < 0.5 or step >= int(digits) else -step)
        while (new := f"{value:,}" if "," in old else str(value)) in passage:
            value += 1
        return sentence[: spot.start()] + new + sentence[spot.end() :]
    names = [m for m in WORD.finditer(sentence) if m.start() and m.group()[0].isupper() and len(m.group()) > 1]
    strangers = [n for n in NAMES if n not in passage]
    stranger = chance.pick(strangers or NAMES, "stranger", *words)
    if names:
        spot = chance.pick(names, "spot", *words)
        return sentence[: spot.start()] + stranger + sentence[spot.end() :]
    return sentence.rstrip(".!? ") + f" near {stranger}."
