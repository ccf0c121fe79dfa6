"""An injector whose flaws no gate was trained on (plan 2). Its factory: `studies.provenance.unseen:unseen`.

Law: nothing of what makes training data (`almanac.flaws`, `almanac.claims`) is used; what it spoils is bad for certain.
Its flaws: a neighbouring value, what another passage says of a namesake, two questions in one or a question that is
none, two values for one.
"""

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice

from actors.corpus.reader import read
from actors.protocols import AskModel
from schemas.config import Corpus
from schemas.corpus import Document, Passage
from schemas.flaws import FlawKind, Worth
from schemas.ids import derived_seed
from schemas.orders import Lease
from schemas.samples import Draft, answered
from studies.almanac import lexicon
from studies.almanac.injector import KNOWN_DOCUMENTS
from studies.almanac.prose import ask_about
from studies.almanac.truth import facts_of, understood
from studies.almanac.world import Fact
from studies.provenance.world import is_good

ORDERED: Mapping[str, Sequence[str]] = {
    "year": lexicon.YEARS, "count": lexicon.COUNTS, "person": lexicon.LAST_NAMES, "place": lexicon.PLACES,
    "river": lexicon.RIVERS, "star": lexicon.STARS, "good": lexicon.GOODS, "material": lexicon.MATERIALS,
    "emblem": lexicon.ANIMALS,
}  # fmt: skip
"""The words of a type, in an order in which each has neighbours."""
ALWAYS = frozenset({FlawKind.CONTRADICTS_SOURCE, FlawKind.INSTRUCTION_QUALITY, FlawKind.RESPONSE_QUALITY})


class UnseenInjector:
    """`elsewhere`: facts of the corpus."""

    def __init__(self, elsewhere: Sequence[Fact], *, seed: int) -> None:
        self._seed = seed
        self._facts = lru_cache(maxsize=4096)(facts_of)
        self._by_word: dict[tuple[str, str], list[Fact]] = {}
        for fact in elsewhere:
            for word in (fact.entity.modifier, fact.entity.noun):
                self._by_word.setdefault((fact.attribute.key, word), []).append(fact)

    def kinds(self, passage: Passage) -> frozenset[FlawKind]:
        """A namesake must be told of elsewhere, for its value to be taken."""
        facts = self._facts(passage.text)
        if not facts:
            return frozenset()
        return ALWAYS | ({FlawKind.CROSS_PASSAGE} if any(map(self._of_namesakes, facts)) else frozenset())

    async def spoil(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Draft | None:
        """The spoilt sample: about what the generator asked, where that is a fact of the passage."""
        facts = self._facts(lease.passage.text)
        dice = random.Random(derived_seed("unseen", self._seed, lease.order.id, kind.value))
        fact = next((one for one in facts if _asks(draft, one)), None) or dice.choice(facts)
        question = draft.question if _asks(draft, fact) else ask_about(fact.entity, fact.attribute, dice)
        match kind:
            case FlawKind.CONTRADICTS_SOURCE:
                return answered(question, neighbour(fact, dice))
            case FlawKind.CROSS_PASSAGE:
                told = [(one, value) for one in facts for value in self._of_namesakes(one)]
                if not told:
                    return None
                fact, value = dice.choice(told)
                return answered(ask_about(fact.entity, fact.attribute, dice), value)
            case FlawKind.INSTRUCTION_QUALITY:
                other = dice.choice(facts)
                two = f"{question[:-1]}, and {ask_about(other.entity, other.attribute, dice)}"
                return answered(dice.choice((two, f"Tell me that {fact.entity.name} has {fact.value}.")), fact.value)
            case FlawKind.RESPONSE_QUALITY:
                both = f"{fact.value} or {neighbour(fact, dice)}"
                return answered(question, dice.choice((both, f"{fact.value}, as far as I can tell")))
            case _:
                return None

    async def worth(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Worth:
        """By the world's facts. Costs nothing."""
        return Worth.GOOD if is_good(lease.passage.text, draft) else Worth.BAD

    def _of_namesakes(self, fact: Fact) -> list[str]:
        """Other values that are told of the same attribute of others who share a word of the name."""
        words = (fact.entity.modifier, fact.entity.noun)
        found = [one for word in words for one in self._by_word.get((fact.attribute.key, word), ())]
        return [one.value for one in found if one.entity != fact.entity and one.value != fact.value]


def neighbour(fact: Fact, dice: random.Random) -> str:
    """One of the two."""
    return dice.choice(neighbours(fact))


def neighbours(fact: Fact) -> tuple[str, str]:
    """The values whose last word (of a count: the number) is the last and the next one in its list."""
    words = fact.value.split()
    at = 0 if fact.attribute.type == "count" else len(words) - 1
    ordered = ORDERED[fact.attribute.type]
    places = (ordered.index(words[at]) + step for step in (-1, 1))
    before, after = (" ".join((*words[:at], ordered[place % len(ordered)], *words[at + 1 :])) for place in places)
    return before, after


def unseen(corpus: Corpus, seed: int) -> UnseenInjector:
    """The factory that a configuration names. Raises CorpusError when the corpus cannot be opened."""
    documents = (found for found in read(corpus) if isinstance(found, Document))
    facts = [fact for document in islice(documents, KNOWN_DOCUMENTS) for fact in facts_of(document.text)]
    return UnseenInjector(facts, seed=seed)


def _asks(draft: Draft, fact: Fact) -> bool:
    asked = understood(draft.question)
    return asked is not None and (asked.entity, asked.attribute) == (fact.entity, fact.attribute)
