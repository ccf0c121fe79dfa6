"""Near-duplicate samples of one passage, by words.

Law: `similarity` is symmetric, in [0, 1], and 1 only for questions that are equal up to case, white space and the form
of their characters.

Two signs count. Questions that share most of their words, as often as each stands there: numbers and the order of names
always tell them apart. And questions that have the same answer and ask it of the same thing in the same way ("In which
year was Velmora founded?", "When was Velmora first settled?", both 1508): within one passage they state one fact. The
same way: another word in common, or the same kind of question (who, where, when). An answer that says little (yes, a
small number) is common to many questions: there only a word in common counts.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from actors.words import FUNCTION_WORDS, content_words, signs, stem, words
from schemas.orders import Duplicate
from schemas.samples import Draft
from schemas.verdicts import Evidence, GateName, Rejected

NOT_EQUAL = 0.99
"""The most that questions reach which are not equal: a threshold of 1 refuses equal ones only."""
SAME_FACT = 0.9
"""The least that two samples reach which give the same answer about the same thing."""
RELATED = 0.5
"""Share of content words that questions without a name must have in common to be about the same thing."""
TELLING_DIGITS = 4
"""A number of so many digits (a year, a height) rarely answers two questions about one thing; a shorter one does."""
_KINDS_OF_QUESTION = {"which": "what", "whom": "who", "whose": "who"}
_KINDS = frozenset({"who", "when", "where", "how", "why"})
"""What a question asks for, where its first words tell: `what` and `which` do not."""


def similarity(a: Draft, b: Draft) -> float:
    """How alike two samples of one passage are. 1: the same question; `SAME_FACT` or more: the same fact again."""
    if _plain(a.question) == _plain(b.question):
        return 1.0
    tokens_a, tokens_b = _tokens(a.question), _tokens(b.question)
    numbers = _jaccard(_numbers(tokens_a), _numbers(tokens_b), empty=1.0)
    same_answer = _said(a.answer) == _said(b.answer)
    likeness = min(_jaccard(Counter(tokens_a), Counter(tokens_b)), numbers, NOT_EQUAL)
    if not same_answer and _swaps_names(a.question, b.question):
        likeness = min(likeness, numbers, RELATED)
    if same_answer and numbers == 1 and _about_the_same(a, b):
        return SAME_FACT + (NOT_EQUAL - SAME_FACT) * likeness
    return likeness


def never_similar(a: Draft, b: Draft) -> float:
    """For tasks whose question is the corpus's: asked again on purpose, it is no duplicate."""
    return 0.0


def duplicate_verdict(found: Duplicate) -> Rejected:
    """The queue's refusal of a near-duplicate as a gate's verdict. The score is 1 - similarity."""
    return Rejected(
        gate=GateName.DIVERSITY,
        score=1 - found.similarity,
        threshold=1 - found.threshold,
        evidence=Evidence(note=f"order {found.of} asks nearly the same: {found.question}"),
    )


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _tokens(text: str) -> list[str]:
    return [_KINDS_OF_QUESTION.get(word, word) for word in words(text)] + signs(text)


def _numbers(tokens: Sequence[str]) -> Counter[str]:
    """What has a digit or is a sign (`+`, `%`, `☀`): a question with another one is another question."""
    return Counter(token for token in tokens if not token[0].isalpha() or any(map(str.isdigit, token)))


def _jaccard(a: Counter[str], b: Counter[str], *, empty: float = 0.0) -> float:
    either = (a | b).total()
    return (a & b).total() / either if either else empty


def _said(answer: str) -> tuple[str, ...]:
    """What an answer gives, without articles and prepositions around it; all of it where nothing else is in it."""
    return tuple(content_words(answer)) + tuple(signs(answer)) or tuple(words(answer))


def _about_the_same(a: Draft, b: Draft) -> bool:
    """Whether both questions ask the same way of the same thing: of the same names or, without a name, with half of
    their content in common."""
    names_a, names_b = _names(a.question), _names(b.question)
    stems_a, stems_b = _stems(a.question), _stems(b.question)
    if names_a or names_b:
        about = names_a <= stems_a & stems_b >= names_b
    else:
        about = len(stems_a & stems_b) >= RELATED * len(stems_a | stems_b) > 0
    if not about or (stems_a & stems_b) - names_a - names_b:
        return about
    return _is_telling(a.answer) and not _kinds(a.question).isdisjoint(_kinds(b.question))


def _kinds(question: str) -> frozenset[str]:
    """What is asked for, by its question words; a year is a time."""
    tokens = _tokens(question)
    return frozenset({"when"}) if "year" in tokens else _KINDS.intersection(tokens)


def _is_telling(answer: str) -> bool:
    content = content_words(answer)
    digits = sum(map(str.isdigit, answer))
    return any(word.isalpha() for word in content) if digits < TELLING_DIGITS else bool(content)


def _names(question: str) -> frozenset[str]:
    return frozenset(_order_of_names(question))


def _swaps_names(a: str, b: str) -> bool:
    """Whether the names that both have come in another order: who is larger than whom."""
    in_a, in_b = _order_of_names(a), _order_of_names(b)
    return [name for name in in_a if name in in_b] != [name for name in in_b if name in in_a]


def _order_of_names(question: str) -> list[str]:
    """Stems of the words inside the question that begin with a capital."""
    inside = [word for word in question.split()[1:] if word.lstrip("\"'“‘(«")[:1].isupper()]
    return [stem(word) for word in words(" ".join(inside)) if word not in FUNCTION_WORDS]


def _stems(question: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content_words(question))
