"""Near-duplicate samples of one passage, by words.

Law: `similarity` is symmetric, in [0, 1], and 1 only for questions that are equal up to case, white space and the form
of their characters.

Two signs count. First: the questions share most of their words, each as often; other numbers, or another order of
names, always make a difference. Second: the questions have the same answer and ask about the same thing in the same way
("In which year was Velmora founded?", "When was Velmora first settled?", both 1508): in one passage they state one
fact. "The same way" is another word in common, or the same kind of question (who, where, when). Many questions share a
short answer (yes, a small number): then only a word in common counts.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from actors.text.words import FUNCTION_WORDS, content_words, signs, stem, words
from schemas.orders import Duplicate, Likeness
from schemas.samples import Draft, Texts, asked_and_said
from schemas.verdicts import DIVERSITY, Evidence, Rejected

NOT_EQUAL = 0.99
"""The highest similarity of questions that are not equal, so that a threshold of 1 refuses only equal ones."""
SAME_FACT = 0.9
"""The lowest similarity of two samples that give the same answer about the same thing."""
RELATED = 0.5
"""Share of content words that questions without a name must have in common to be about the same thing."""
TELLING_DIGITS = 4
"""A number with this many digits (a year, a height) rarely answers two questions about one thing; a shorter one may."""
_KINDS_OF_QUESTION = {"which": "what", "whom": "who", "whose": "who"}
_KINDS = frozenset({"who", "when", "where", "how", "why"})
"""Question words that say what is asked for; `what` and `which` do not."""


def likeness(key: Callable[[Draft], Texts | None]) -> Callable[[Draft, Draft], float]:
    """The similarity of two samples of one passage by the texts that `key` gives; 0 if it gives None."""

    def alike(a: Draft, b: Draft) -> float:
        one, other = key(a), key(b)
        return 0.0 if one is None or other is None else similarity(one, other)

    return alike


def similarity(a: Texts, b: Texts) -> float:
    """The similarity of two samples of one passage. 1: the same question; `SAME_FACT` or more: the same fact."""
    one, other = _read(*_compared(a)), _read(*_compared(b))
    if one.plain == other.plain:
        return 1.0
    numbers = _jaccard(one.numbers, other.numbers, empty=1.0)
    likeness = min(_jaccard(one.tokens, other.tokens), numbers, NOT_EQUAL)
    if one.said != other.said:
        return min(likeness, RELATED) if _swap_names(one, other) else likeness
    if numbers == 1 and _ask_the_same(one, other):
        return SAME_FACT + (NOT_EQUAL - SAME_FACT) * likeness
    return likeness


def _compared(texts: Texts) -> tuple[str, str]:
    """The question and the answer to compare; a single text is the question."""
    asked, said = asked_and_said(texts)
    return (asked, said) if len(texts) > 1 else (said, "")


def duplicate_verdict(found: Duplicate) -> Rejected:
    """The queue's refusal of a near-duplicate, as a verdict. The score is 1 - similarity."""
    by = f" (by vectors, {found.similarity:.2f})" if found.by is Likeness.VECTORS else ""
    return Rejected(
        gate=DIVERSITY,
        score=1 - found.similarity,
        threshold=1 - found.threshold,
        evidence=Evidence(note=f"order {found.of} asks nearly the same{by}: {found.question}"),
    )


class _Read(Struct, frozen=True):
    """The compared parts of a sample. `names`: stems of the words inside the question that begin with a capital;
    `stems`: of its content words; `kinds`: of question, if its words say so; `said`: the words of the answer."""

    plain: str
    tokens: Counter[str]
    numbers: Counter[str]
    names: tuple[str, ...]
    stems: frozenset[str]
    kinds: frozenset[str]
    said: tuple[str, ...]
    is_telling: bool


@lru_cache(maxsize=4096)
def _read(question: str, answer: str) -> _Read:
    found = words(question)
    tokens = [_KINDS_OF_QUESTION.get(word, word) for word in found] + signs(question)
    given, marks = content_words(answer), tuple(signs(answer))
    return _Read(
        plain=" ".join(unicodedata.normalize("NFKC", question).casefold().split()),
        tokens=Counter(tokens),
        numbers=Counter(token for token in tokens if not token[0].isalpha() or any(map(str.isdigit, token))),
        names=_names(question),
        stems=frozenset(stem(word) for word in found if word not in FUNCTION_WORDS),
        kinds=frozenset({"when"}) if "year" in tokens else _KINDS.intersection(tokens),
        said=(*given, *marks) or tuple(words(answer)),
        is_telling=_is_telling(given, answer),
    )


def _names(question: str) -> tuple[str, ...]:
    inside = [word for word in question.split()[1:] if word.lstrip("\"'“‘(«")[:1].isupper()]
    return tuple(stem(word) for word in words(" ".join(inside)) if word not in FUNCTION_WORDS) if inside else ()


def _is_telling(given: list[str], answer: str) -> bool:
    """Whether few other questions about the same thing have this answer."""
    digits = sum(map(str.isdigit, answer))
    return any(word.isalpha() for word in given) if digits < TELLING_DIGITS else bool(given)


def _jaccard(a: Counter[str], b: Counter[str], *, empty: float = 0.0) -> float:
    shared = sum(min(count, b[token]) for token, count in a.items() if token in b)
    either = a.total() + b.total() - shared
    return shared / either if either else empty


def _swap_names(a: _Read, b: _Read) -> bool:
    """Whether the names that both have are in another order, as in "who is larger than whom"."""
    return [name for name in a.names if name in b.names] != [name for name in b.names if name in a.names]


def _ask_the_same(a: _Read, b: _Read) -> bool:
    """Whether both questions ask in the same way about the same thing: about the same names or, without names, with
    half of their content words in common."""
    shared, names = a.stems & b.stems, frozenset(a.names + b.names)
    about = names <= shared if names else len(shared) >= RELATED * len(a.stems | b.stems) > 0
    if not about or shared - names:
        return about
    return a.is_telling and not a.kinds.isdisjoint(b.kinds)
