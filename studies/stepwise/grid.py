"""The one grid of plan 2: three tries for every arm that is trained, control or not, and the rule that chooses.

Law: the grid stood here before any tuning. The rule looks at development problems alone: the lowest mean of both
errors, by likeliest and by sampled solutions; of equal ones the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from studies.stepwise.preferences import PLAIN, Pull


@dataclass(frozen=True)
class Recipe:
    """How fast an arm learns, and what else is tried of it. `kl`: towards the base; `sharpness`: advantages are
    divided by it before they become weights."""

    rate: float
    pull: Pull = PLAIN
    kl: float = 0.0
    sharpness: float = 1.0


SFT, LOW, RFT, MANY, ADVANTAGE = "sft", "sft_low", "rft", "rft_many", "advantage"
LONGER, MORE, COMPLETED, CHOSEN = "sft_longer", "rft_more", "rft_completed", "chosen_only"
WHOLE, PIT, CRITICAL, RANDOM = "dpo_whole", "first_pit", "critical_steps", "random_steps"
CURVE = ("sft_128", "sft_1024", "sft_4096")
PAIRED = (WHOLE, PIT, CRITICAL, RANDOM)
AFTER_RFT = (MORE, COMPLETED, CHOSEN, *PAIRED)

_FROM_BASE = (Recipe(1e-3), Recipe(5e-4), Recipe(2e-3))
_LOW = (Recipe(3e-4, kl=0.3), Recipe(3e-4, kl=1.0), Recipe(1e-4, kl=0.3))
_ON = (Recipe(3e-4), Recipe(1e-4), Recipe(1e-3))
_HELD = Pull(beta=1.0, likelihood=0.3)
_PAIRS = (Recipe(1e-4, _HELD), Recipe(3e-4, _HELD), Recipe(1e-4, PLAIN))
_WEIGHTED = (Recipe(3e-4, sharpness=0.25), Recipe(1e-3, sharpness=0.25), Recipe(3e-4, sharpness=1.0))

GRID: dict[str, tuple[Recipe, ...]] = {
    **dict.fromkeys((SFT, *CURVE, RFT, MANY, LONGER), _FROM_BASE),
    LOW: _LOW,
    **dict.fromkeys((MORE, COMPLETED, CHOSEN), _ON),
    **dict.fromkeys(PAIRED, _PAIRS),
    ADVANTAGE: _WEIGHTED,
}
"""Every arm that is trained, each after those whose choice it begins from or whose draws it learns from."""


def chosen(errors: Sequence[tuple[float, float]]) -> int:
    """Which try the rule takes. `errors`: of each, by likeliest and by sampled solutions."""
    return min(range(len(errors)), key=lambda number: sum(errors[number]))
