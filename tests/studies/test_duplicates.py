"""The study of near-duplicates, but for the model: its pairs, its choice of a threshold, what the page says of it."""

from pathlib import Path

import msgspec
import pytest

from studies.duplicates.likeness import RESULTS, Compared, Results, measured, pairs, rules, threshold_of
from tests.needs import MODELS, needs_model

PAGE = Path(__file__).parents[2] / "docs" / "gates.md"


def test_half_of_the_pairs_is_kept_for_the_report() -> None:
    """No passage stands in both parts, and each has as many pairs of one fact as of two."""
    found = pairs()
    chosen, held = ({each.passage for each in found if each.part == part} for part in ("choose", "report"))
    assert len(chosen) == len(held) == 4 and not chosen & held
    assert all(len(each.same) == len(each.other) == 4 for each in found)
    assert all(len(set(one)) == 2 for each in found for one in (*each.same, *each.other))


def test_the_threshold_is_chosen_without_the_part_that_is_reported() -> None:
    """The lowest above every pair of two facts of the one part; the other part may be refused wrongly."""
    compared = [
        Compared("choose", same=True, words=0.1, vectors=0.9),
        Compared("choose", same=False, words=0.1, vectors=0.704),
        Compared("report", same=True, words=0.95, vectors=0.5),
        Compared("report", same=False, words=0.1, vectors=0.8),
    ]
    assert threshold_of(compared) == 0.71
    words, vectors, either = rules(compared, 0.71, "report")
    assert [(rule.found.successes, rule.refused.successes) for rule in (words, vectors, either)] == [
        (1, 0),
        (0, 1),
        (1, 1),
    ]


def test_the_page_says_what_the_committed_results_say() -> None:
    """Each rule's shares with their intervals, and the threshold."""
    results = msgspec.json.decode(RESULTS.read_bytes(), type=Results)
    page = PAGE.read_text(encoding="utf-8")
    assert f"threshold ({results.threshold:g})" in page
    for rule in results.rules:
        cells = [
            f"{share.successes} of {share.trials}: {100 * (share.value or 0):.0f}% "
            f"({100 * (share.low or 0):.0f} to {100 * (share.high or 0):.0f})"
            for share in (rule.found, rule.refused)
        ]
        assert f"| {' | '.join(cells)} |" in page
    chosen = {rule.name: rule.found.successes for rule in results.chosen_on}
    assert f"words {chosen['words']} of 16, vectors {chosen['vectors']} of 16" in page


@pytest.mark.slow
@needs_model("minilm")
async def test_a_real_embedder_finds_what_the_results_say() -> None:
    """all-MiniLM-L6-v2 again, through the product's own embedder: the committed figures, to the pair."""
    results = msgspec.json.decode(RESULTS.read_bytes(), type=Results)
    assert await measured(MODELS / "minilm") == results
