"""The flat example is run as it stands: what a newcomer reads first must work."""

import pytest

from examples.one_sample import TEXT, live

pytestmark = pytest.mark.slow


async def test_the_flat_loop_accepts_what_the_passage_states() -> None:
    """Several seeds: what is accepted is mostly stated by the passage; what is rejected is diagnosed and repaired."""
    said: list[str] = []
    ends = [await live(TEXT, seed=seed, say=said.append) for seed in range(8)]
    accepted = [candidate for candidate in ends if candidate is not None]
    assert len(accepted) >= 4
    stated = [one for one in accepted if one.draft is not None and one.draft.answer.strip(".") in TEXT]
    assert len(stated) >= len(accepted) * 0.7
    assert any("diagnosed as" in line for line in said)
