"""Makes samples of the almanac bad on purpose, and knows that they are: `truth` checks every one.

For a run's `probes: {injector: {factory: "studies.almanac.injector:almanac"}}`. Law: what it spoils is
bad by construction (a hot draw, which the run makes, may come out good, and is then said to be); only `truth` decides.
"""

import random
from collections.abc import Sequence
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
from studies.almanac.flaws import Poor, near_miss, poor_wording
from studies.almanac.phrases import KINDS, OF_KIND
from studies.almanac.prose import ask_about
from studies.almanac.truth import Faithful, check_facts, facts_of, understood, well_worded
from studies.almanac.world import (
    CANON_ENTITIES,
    CANON_SEED,
    Fact,
    any_entity,
    any_value,
    canon,
)

KNOWN_DOCUMENTS = 5_000
"""Documents whose facts may be put to other passages."""
_POOR_QUESTIONS = (Poor.VAGUE_QUESTION, Poor.CUT_QUESTION)
_POOR_ANSWERS = (Poor.HEDGED, Poor.CUT_ANSWER, Poor.VAGUE_ANSWER, Poor.WRONG_TYPE)


class AlmanacInjector:
    """`elsewhere`: facts of the corpus, to be put to passages that do not state them."""

    def __init__(self, elsewhere: Sequence[Fact], *, seed: int) -> None:
        self._elsewhere = elsewhere
        self._seed = seed
        self._canon = canon(CANON_SEED, entities=CANON_ENTITIES)
        self._facts = lru_cache(maxsize=4096)(facts_of)

    def kinds(self, passage: Passage) -> frozenset[FlawKind]:
        """All that this passage allows: memory must differ from it, another passage must tell of its like."""
        facts = self._facts(passage.text)
        if not facts:
            return frozenset()
        impossible: set[FlawKind] = set()
        if not self._revised(facts):
            impossible.add(FlawKind.PARAMETRIC)
        if not self._foreign(facts):
            impossible.add(FlawKind.CROSS_PASSAGE)
        return frozenset(FlawKind) - impossible

    async def spoil(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Draft | None:
        """The spoilt sample: about what the generator asked, where that can be spoilt in this way."""
        facts = self._facts(lease.passage.text)
        rng = random.Random(derived_seed("almanac", self._seed, lease.order.id, kind.value))
        match kind:
            case FlawKind.HIGH_TEMPERATURE:
                return draft
            case FlawKind.CONTRADICTS_SOURCE:
                fact = _asked(facts, draft) or rng.choice(facts)
                return answered(_question(fact, draft, rng), near_miss(fact, rng))
            case FlawKind.PARAMETRIC:
                revised = self._revised(facts)
                asked = _asked(tuple(revised), draft)
                fact = asked or rng.choice(list(revised))
                return answered(_question(fact, draft, rng), revised[fact])
            case FlawKind.CROSS_PASSAGE:
                return _stated(rng.choice(self._foreign(facts)), rng)
            case FlawKind.DOMAIN_MISMATCH:
                entity = any_entity(rng, held_out=True, kind=rng.choice(_other_kinds(facts)))
                attribute = rng.choice(OF_KIND[entity.kind])
                return _stated(Fact(entity, attribute, any_value(attribute, rng)), rng)
            case FlawKind.INSTRUCTION_QUALITY:
                return _poor(_asked(facts, draft) or rng.choice(facts), rng.choice(_POOR_QUESTIONS), rng)
            case FlawKind.RESPONSE_QUALITY:
                return _poor(_asked(facts, draft) or rng.choice(facts), rng.choice(_POOR_ANSWERS), rng)

    async def worth(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Worth:
        """Good when the passage states the whole answer and both are well worded; else bad. Costs nothing."""
        truth = check_facts(self._facts(lease.passage.text), question=draft.question, answer=draft.answer)
        faithful = isinstance(truth, Faithful) and truth.complete
        good = faithful and well_worded(draft.question, draft.answer)
        return Worth.GOOD if good else Worth.BAD

    def _revised(self, facts: Sequence[Fact]) -> dict[Fact, str]:
        """Facts that memory has otherwise, with what it says."""
        remembered = {fact: self._canon.get(fact.entity, {}).get(fact.attribute.key) for fact in facts}
        return {fact: value for fact, value in remembered.items() if value is not None and value != fact.value}

    def _foreign(self, facts: Sequence[Fact]) -> list[Fact]:
        """Facts of other passages, of the main entity's kind but of none that this passage tells of."""
        here = {fact.entity for fact in facts}
        kind = facts[0].entity.kind
        return [fact for fact in self._elsewhere if fact.entity.kind == kind and fact.entity not in here]


def almanac(corpus: Corpus, seed: int) -> AlmanacInjector:
    """The factory that a configuration names. Raises CorpusError when the corpus cannot be opened."""
    documents = (found for found in read(corpus) if isinstance(found, Document))
    facts = [fact for document in islice(documents, KNOWN_DOCUMENTS) for fact in facts_of(document.text)]
    return AlmanacInjector(facts, seed=seed)


def _asked(facts: Sequence[Fact], draft: Draft) -> Fact | None:
    """The fact that the draft's question asks for, by name."""
    asked = understood(draft.question)
    if asked is None:
        return None
    return next((fact for fact in facts if fact.entity == asked.entity and fact.attribute == asked.attribute), None)


def _question(fact: Fact, draft: Draft, rng: random.Random) -> str:
    """The draft's question where it asks for the fact, else one of the fact's own."""
    if _asked((fact,), draft) is not None:
        return draft.question
    return ask_about(fact.entity, fact.attribute, rng)


def _stated(fact: Fact, rng: random.Random) -> Draft:
    return answered(ask_about(fact.entity, fact.attribute, rng), fact.value)


def _poor(fact: Fact, kind: Poor, rng: random.Random) -> Draft:
    return answered(*poor_wording(fact, fact.value, kind, rng))


def _other_kinds(facts: Sequence[Fact]) -> list[str]:
    here = {fact.entity.kind for fact in facts}
    return [kind for kind in KINDS if kind not in here]
