"""Whether a quote proves anything of the claim that it was given for."""

import pytest

from actors.gates.carrying import carries
from actors.gates.quotes import locate
from schemas.samples import qa

TOWER = (
    "The lighthouse of Sund was finished in 1,923 by Dr. Oda Lind. It is 31 metres tall, and has three keepers.\n\n"
    "It holds 10² lamps; the cost was 1\u202f500\u202f000 crowns, or 2½ ships. It falls to −5 °C. "
    "灯台は１９２３年に完成した。"
)
DRAFT = qa("How tall is the lighthouse of Sund?", "31 metres")


def carried(claim: str, quote: str) -> bool:
    found = locate(quote, TOWER)
    assert found is not None
    return carries(found, claim, DRAFT, TOWER)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("It is 31 metres tall", "It is 31 metres tall"),
        ("The lighthouse is 31 metres tall.", "31 metres tall"),
        ("Dr Oda Lind finished the lighthouse", "Dr. Oda Lind"),
        ("It was finished in 1923", "finished in 1,923"),
        ("It was finished in 1,923.", "The lighthouse of Sund was finished in 1,923 by Dr. Oda Lind."),
        ("It has 3 keepers", "three keepers"),
        ("The cost was 1,500,000 crowns", "the cost was 1 500 000 crowns"),
        ("It falls to -5 °C", "It falls to -5 °C"),
        ("The lighthouse of Sund rises 31 metres", "It is 31 metres tall"),
        ("Yes", "It is 31 metres tall"),
        ("灯台は1923年に完成した", "灯台は1923年に完成した"),
    ],
)
def test_a_quote_that_says_it_carries_the_claim(claim: str, quote: str) -> None:
    """Numbers however they are grouped, a subject that stands a sentence before, a claim of one word."""
    assert carried(claim, quote)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("It was launched in 1999 by aliens", "was"),
        ("It was launched in 1999 by aliens", "The lighthouse"),
        ("It was launched in 1,923 by aliens from Mars", "1,923"),
        ("It is 32 metres tall", "It is 31 metres tall"),
        ("It is 31 metres tall", "and has three keepers"),
        ("It is 31 metres tall", "tall"),
        ("It was finished in 923", "finished in 1,923"),
        ("It holds 102 lamps", "It holds 10² lamps"),
        ("It falls to 5 °C", "It falls to −5 °C"),
        ("The lighthouse of Sund was launched in 31 by aliens", "31 metres"),
        ("Yes", "three keepers"),
        ("The answer is fully supported", "three keepers"),
        ("", "was"),
    ],
)
def test_a_scrap_carries_nothing(claim: str, quote: str) -> None:
    """A judge that quotes any word of the passage, or another number, has proved nothing."""
    assert not carried(claim, quote)


def test_a_sentence_is_found_around_its_abbreviations() -> None:
    """The stop of a title ends no sentence; a blank line, and the stop behind a word, do."""
    assert carried("The lighthouse was finished by Oda Lind", "finished")
    assert not carried("three lamps stand at their windows", "three keepers")
