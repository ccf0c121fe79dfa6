"""A sample without an exact place to point to never passes."""

import pytest
from msgspec.structs import replace

from actors.gates.provenance import ProvenanceGate
from schemas.corpus import Passage
from schemas.ids import PassageId
from schemas.verdicts import Passed, Rejected
from tests.doubles.passages import HERON, asked_of_gate, passage_of

GOOD = passage_of(HERON)
WHERE = GOOD.provenance
BROKEN = {
    "changed text, same span": replace(GOOD, text=HERON.replace("1623", "1723")),
    "text cut": replace(GOOD, text=HERON[:-1]),
    "span moved": replace(GOOD, provenance=replace(WHERE, start=1, end=WHERE.end + 1)),
    "span before the document": Passage.of(HERON, replace(WHERE, start=-1, end=WHERE.end - 1)),
    "another document's hash": replace(GOOD, provenance=replace(WHERE, document_sha256="f" * 64)),
    "span longer than the text": Passage.of(HERON, replace(WHERE, end=WHERE.end + 1)),
    "another's id": replace(GOOD, id=PassageId("0" * 32)),
    "blank": passage_of("  \n "),
    "empty": passage_of(""),
    "no uri": Passage.of(HERON, replace(WHERE, uri="")),
    "no hash": Passage.of(HERON, replace(WHERE, document_sha256="")),
    "no chunker": Passage.of(HERON, replace(WHERE, chunker="")),
}


async def test_an_exact_passage_passes() -> None:
    """The usual case costs no model."""
    verdict = await ProvenanceGate().check(asked_of_gate("Who?", "Oda Lind"))
    assert isinstance(verdict, Passed)
    assert (verdict.score, verdict.cost.tokens) == (1.0, 0)


@pytest.mark.parametrize("passage", BROKEN.values(), ids=BROKEN.keys())
async def test_anything_else_is_rejected(passage: Passage) -> None:
    """A passage changed on its way, or one that does not say where it is from, is rejected with what is wrong."""
    verdict = await ProvenanceGate().check(replace(asked_of_gate("Who?", "Oda"), passage=passage))
    assert isinstance(verdict, Rejected)
    assert verdict.evidence.note


async def test_a_quote_must_stand_in_the_passage() -> None:
    """A generator asked to quote made its quote up: rejected, and the located one is kept as evidence otherwise."""
    good = await ProvenanceGate().check(asked_of_gate("Who?", "Oda", quote="Its founder was Oda Lind."))
    made_up = await ProvenanceGate().check(asked_of_gate("Who?", "Oda", quote="Its founder was Oda Berg."))
    assert isinstance(good, Passed) and isinstance(made_up, Rejected)
    quote = good.evidence.claims[0].quote
    assert quote is not None and HERON[quote.start : quote.end] == "Its founder was Oda Lind."
    assert made_up.evidence.note == "the quote is not in the passage"
    assert made_up.evidence.claims[0].discounted == "not in the passage"
