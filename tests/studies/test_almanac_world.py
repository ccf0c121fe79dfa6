"""The almanac's world: the same seed gives the same world, and its editions differ exactly where they should."""

import random
from pathlib import Path

import pytest

from studies.almanac import lexicon
from studies.almanac.corpus import DOCUMENTS, write
from studies.almanac.data import World
from studies.almanac.exam import auroc, exam
from studies.almanac.phrases import ATTRIBUTES, KINDS, OF_KIND
from studies.almanac.world import any_entity, canon, is_held_out, revised

EXAMPLES = Path(__file__).parents[2] / "examples" / "almanac"


def test_a_seed_fixes_the_world() -> None:
    """Two people who build the canon from one seed argue about the same facts."""
    assert canon(3, entities=40) == canon(3, entities=40)
    assert canon(3, entities=40) != canon(4, entities=40)
    assert [t.passage.text for t in exam(10, seed=5)] == [t.passage.text for t in exam(10, seed=5)]


def test_a_revised_edition_differs_in_about_the_stated_share() -> None:
    """A model that answers from memory is wrong in that share of the facts, and nowhere else."""
    first = canon(3, entities=200)
    second = revised(first, share=0.4, seed=1)
    pairs = [(first[e][key], second[e][key]) for e in first for key in first[e]]
    changed = sum(old != new for old, new in pairs) / len(pairs)
    assert first.keys() == second.keys()
    assert abs(changed - 0.4) < 0.05
    assert revised(first, share=0.0, seed=1) == first


def test_training_never_names_a_held_out_entity() -> None:
    """Figures on held-out entities mean something only if no training passage ever named one."""
    rng = random.Random(0)
    edition = canon(7, entities=60)
    assert not any(is_held_out(entity) for entity in edition)
    told = [World(edition, rng).told() for _ in range(300)]
    assert not any(is_held_out(fact.entity) for one in told for fact in one.passage.facts)
    assert all(is_held_out(any_entity(rng, held_out=True)) for _ in range(50))
    assert all(is_held_out(fact.entity) for one in exam(20, seed=1)[::2] for fact in one.passage.facts)


def test_a_passage_tells_five_to_seven_facts_and_a_neighbours() -> None:
    """What a judge has to read: enough facts to mix up, one or two of them another entity's."""
    for one in exam(100, seed=2):
        main = [fact for fact in one.passage.facts if fact.entity == one.passage.main]
        assert 5 <= len(main) <= 7
        assert 1 <= len(one.passage.facts) - len(main) <= 2
        assert one.passage.facts[0].entity == one.passage.main


def test_the_tables_are_whole() -> None:
    """Every kind has its attributes, every attribute several wordings, and a name's second word tells its kind."""
    nouns = [noun for kind in KINDS for noun in lexicon.NOUNS[kind]]
    assert len(nouns) == len(set(nouns))
    assert all(len(OF_KIND[kind]) == 7 for kind in KINDS)
    assert all(len(a.sentences) >= 3 and len(a.questions) >= 3 for a in ATTRIBUTES)
    assert all("{v}" in sentence for a in ATTRIBUTES for sentence in a.sentences)
    assert all("{n}" in question for a in ATTRIBUTES for question in a.questions)


def test_the_shipped_corpus_is_the_generators(tmp_path: Path) -> None:
    """The quickstart's corpus can be made again, byte for byte."""
    write(tmp_path)
    for name in ("corpus.jsonl", "truth.jsonl"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()
    assert len((EXAMPLES / "corpus.jsonl").read_text().splitlines()) == DOCUMENTS


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([0.1, 0.9], [False, True], 1.0),
        ([0.9, 0.1], [False, True], 0.0),
        ([0.5, 0.5], [False, True], 0.5),
        ([0.3], [True], 0.5),
    ],
)
def test_auroc(scores: list[float], labels: list[bool], expected: float) -> None:
    """Perfect, reversed, tied and one-sided scores."""
    assert auroc(scores, labels) == expected
