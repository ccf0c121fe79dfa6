"""Labelled rows that are made of real prose by rule: passages and claims, good and spoilt, in fours.

Law: in a four, two passages meet two claims, and each of them occurs once with either label: what is told from one of
the two alone is at chance. A flaw that a wording has hidden is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from random import Random

from msgspec import Struct

from actors.text.words import content_words, stem, stems
from studies.real_text.flaws import FLAWS, Around, figures_in, names_in
from studies.real_text.prose import Text
from studies.real_text.wordings import FACTS, value, worded

QUESTIONS = ("", "", "What does the passage say?", "Summarise the passage.", "What is said here?", "Tell me more.",
             "Is this true?", "What do you know about it?")  # fmt: skip
OTHER_PASSAGE = "other passage"
LONGEST_PASSAGE = 5
"""In sentences."""
NEW_WORDS = 2
"""So many content words that a passage has not make a claim of another passage new to it."""
FEWEST_VALUES = 5
"""A country whose tables say less is left out."""
BESIDE = 0.4
"""So often a claim of another passage stands beside a sentence that both passages have."""


class Four(Struct, frozen=True):
    """Two passages and two claims. `fits`: for each passage the claim that it supports, as they stand."""

    text: str
    flaw: str
    question: str
    passages: tuple[str, str]
    claims: tuple[str, str]
    sentences: int = 1

    def rows(self) -> Iterator["SpoiltRow"]:
        """The four rows."""
        for one, other in product((0, 1), (0, 1)):
            passage, claim = self.passages[one], self.claims[other]
            yield SpoiltRow(self.text, self.flaw, self.question, passage, claim, one == other, self.sentences)


class SpoiltRow(Struct, frozen=True):
    """A passage and a claim about it."""

    text: str
    flaw: str
    question: str
    passage: str
    claim: str
    supported: bool
    sentences: int

    @property
    def hypothesis(self) -> str:
        """The claim as the gate has a model read it: behind its question."""
        return f"{self.question} {self.claim}".strip()


def fours(texts: Sequence[Text], *, of_each: int, seed: int) -> list[Four]:
    """Up to so many fours for each flaw of prose and for the rows of tables, in an order that the seed draws."""
    rng = Random(seed)
    names = _names(texts)
    found: list[Four] = []
    for flaw in (*FLAWS, OTHER_PASSAGE):
        made = _of_prose(flaw, texts, names, rng)
        found += [four for _, four in zip(range(of_each), made, strict=False)]
    found += [four for _, four in zip(range(of_each), _of_tables(texts, rng), strict=False)]
    rng.shuffle(found)
    return found


def _of_prose(flaw: str, texts: Sequence[Text], names: Mapping[str, Sequence[str]], rng: Random) -> Iterator[Four]:
    """One flaw, in sentences drawn without end from texts that are long enough: each sentence is drawn once."""
    places = [(text, paragraph, at) for text in texts for paragraph in text.paragraphs for at in range(len(paragraph))]
    rng.shuffle(places)
    for text, paragraph, at in places:
        made = (
            _other_passage(text, paragraph, at, rng)
            if flaw == OTHER_PASSAGE
            else _spoilt(flaw, text, paragraph, at, names, rng)
        )
        if made is not None:
            yield made


def _spoilt(
    flaw: str, text: Text, paragraph: Sequence[str], at: int, names: Mapping[str, Sequence[str]], rng: Random
) -> Four | None:
    shown, sentence = _around(paragraph, at, rng), paragraph[at]
    passage = " ".join(shown)
    spoilt = FLAWS[flaw](sentence, Around(passage, names), rng)
    if spoilt is None or passage.count(sentence) != 1 or spoilt in passage:
        return None
    more = [each for each in shown if each != sentence and rng.random() < 0.5][: rng.choice((0, 0, 0, 1, 2))]
    state = rng.random()
    claims = [worded(each, Random(state)) for each in (sentence, spoilt)]
    if not _told_apart(claims, (sentence, spoilt)):
        return None
    others = [worded(each, rng) for each in more]
    put = rng.randrange(len(others) + 1)
    whole = [" ".join((*others[:put], claim, *others[put:])) for claim in claims]
    passages = passage, passage.replace(sentence, spoilt)
    return Four(text.name, flaw, rng.choice(QUESTIONS), passages, (whole[0], whole[1]), 1 + len(others))


def _told_apart(claims: Sequence[str], sentences: Sequence[str]) -> bool:
    """Whether the wording has kept the flaw: it shortens both claims, or neither, and what is left differs."""
    said, was = ([len(each.split()) for each in pair] for pair in (claims, sentences))
    return claims[0] != claims[1] and abs((said[0] - said[1]) - (was[0] - was[1])) <= 1


def _other_passage(text: Text, paragraph: Sequence[str], at: int, rng: Random) -> Four | None:
    """The claim of another passage of the same text, which has what this one has not, and the other way about."""
    elsewhere = [
        (each, place) for each in text.paragraphs for place in range(len(each)) if each[place] != paragraph[at]
    ]
    if not elsewhere:
        return None
    other, place = rng.choice(elsewhere)
    passages = " ".join(_around(paragraph, at, rng)), " ".join(_around(other, place, rng))
    said = paragraph[at], other[place]
    if not (_is_new(said[1], passages[0]) and _is_new(said[0], passages[1])):
        return None
    claims = worded(said[0], rng), worded(said[1], rng)
    third = rng.choice(rng.choice(text.paragraphs))
    if rng.random() < BESIDE and not any(third in passage for passage in passages):
        beside = worded(third, rng)
        passages = f"{third} {passages[0]}", f"{third} {passages[1]}"
        claims = f"{beside} {claims[0]}", f"{beside} {claims[1]}"
        return Four(text.name, OTHER_PASSAGE, rng.choice(QUESTIONS), passages, claims, 2)
    return Four(text.name, OTHER_PASSAGE, rng.choice(QUESTIONS), passages, claims)


def _is_new(said: str, passage: str) -> bool:
    """It has a number, a name or some words that the passage has not."""
    there = stems(passage)
    new = [word for word in content_words(said) if stem(word) not in there]
    names = [name for _, name in names_in(said)]
    return (
        bool(figures_in(said) - figures_in(passage))
        or any(name not in passage for name in names)
        or (len(new) >= NEW_WORDS)
    )


def _around(paragraph: Sequence[str], at: int, rng: Random) -> Sequence[str]:
    size = min(rng.randint(1, LONGEST_PASSAGE), len(paragraph))
    start = rng.randint(max(0, at - size + 1), min(at, len(paragraph) - size))
    return paragraph[start : start + size]


def _of_tables(texts: Sequence[Text], rng: Random) -> Iterator[Four]:
    """A country's fields as sentences in one wording, claims in another; the flaw is another country's value. Half of
    the passages tell of that country too."""
    told = {text.name: values for text in texts if len(values := _values(text)) >= FEWEST_VALUES}
    drawn = [(name, field) for name, values in told.items() for field in values]
    rng.shuffle(drawn)
    for name, field in drawn:
        here = told[name]
        fitting = [each for each, values in told.items() if values.get(field, here[field]) != here[field]]
        if not fitting:
            continue
        there = told[other := rng.choice(fitting)]
        fields = [field, *rng.sample([each for each in here if each != field], rng.randint(1, 3))]
        wording, claimed = rng.sample(FACTS[field], 2)
        beside = [(each, here[each], name) for each in fields[1:]]
        if rng.random() < 0.5:
            beside.append((field, there[field], other))
        around = [rng.choice(FACTS[each]).format(c=country, v=said) for each, said, country in beside]
        put = rng.randrange(len(around) + 1)
        passages, claims = [], []
        for said in (here[field], there[field]):
            stated = wording.format(c=name, v=said)
            passages.append(" ".join((*around[:put], stated, *around[put:])))
            claims.append(claimed.format(c=name, v=said))
        question, flaw = rng.choice(QUESTIONS), f"table: {field}"
        yield Four(name, flaw, question, (passages[0], passages[1]), (claims[0], claims[1]))


def _values(text: Text) -> dict[str, str]:
    found = {field: value(field, said) for field, said in text.tables.items()}
    return {field: said for field, said in found.items() if said and len(said) < 60}


def _names(texts: Sequence[Text]) -> dict[str, list[str]]:
    """The names of all texts by the word before them."""
    found: dict[str, set[str]] = {}
    for text in texts:
        for paragraph in text.paragraphs:
            for sentence in paragraph:
                for word, name in names_in(sentence):
                    found.setdefault(word, set()).add(name)
    return {word: sorted(names) for word, names in found.items()}
