"""How much plan 2 has of everything: the plan's own numbers, and the smallest with which every part still runs."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers that are the same for all bases and settings. `tries`: of the grid, from its first on."""

    problems: int
    """Of the arms; `curve` has the others."""
    curve: Mapping[str, int]
    """SFT's other sizes, by arm."""
    lesson: int
    """Steps of the setting's lesson, at most."""
    draws: int
    """Solutions of each problem by the SFT policy; `many` for the arm with more data."""
    many: int
    kept: int
    """Different right ones that are learnt from, at most, of each problem."""
    kept_many: int
    kept_wrong: int
    """Different wrong ones that are credited, at most, of each problem."""
    development: int
    test: int
    fresh: int
    """Wrong solutions that are credited and restarted; `pits`: those whose first pit is looked for."""
    pits: int
    moved: int
    """Wrong solutions of test problems in which likelihoods are compared."""
    tries: int = 3
    rows: int = 32
    """Solutions in a step, on average over the teacher's; all arms' steps see as many tokens."""
    passes: int = 8
    """Over what SFT and RFT learn from."""
    passes_after: int = 3
    """Over the credited wrong solutions: so many tokens the arms after RFT see, whatever they learn from."""
    least: int = 32
    """Steps, however little there is."""
    truth: int = 256
    """Rollouts of each prefix that count as the truth; `seen`: others, which the ways to find a pit see."""
    seen: int = 64
    redraws: int = 4
    """Draws of each way of recovery."""


FULL = Sizes(
    problems=512, curve={"sft_128": 128, "sft_1024": 1024, "sft_4096": 4096}, lesson=10_000, draws=16, many=64, kept=4,
    kept_many=16, kept_wrong=4, development=400, test=2000, fresh=250, pits=125, moved=200,
)  # fmt: skip
TINY = Sizes(
    problems=16, curve={"sft_128": 8, "sft_1024": 20, "sft_4096": 24}, lesson=1, draws=6, many=8, kept=2, kept_many=4,
    kept_wrong=1, development=12, test=16, fresh=6, pits=2, moved=4, tries=2, rows=8, passes=1, passes_after=1,
    least=2, truth=8, redraws=2,
)  # fmt: skip
