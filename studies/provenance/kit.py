"""What a run is made with: its passages, its judge, who spoils drafts; of the first study, and of plan 2."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from studies.almanac.data import Told
from studies.almanac.exam import exam, plain_exam

MODELS = Path(__file__).parents[2] / "examples" / "almanac" / "models"
THRESHOLD = 0.5
"""Of a judge, where nothing else is said, and of the reward model."""
Papers = Callable[[int, int], list[Told]]
"""So many passages of a seed."""


@dataclass(frozen=True)
class Kit:
    """`injector`: its factory, as a configuration names it."""

    papers: Papers
    judge: Path
    threshold: float
    injector: str


def _first(count: int, seed: int) -> list[Told]:
    return exam(count, seed=7000 + seed)  # seeds of other uses of the exam are small numbers


def plain(count: int, seed: int) -> list[Told]:
    """Passages of which none contradicts another."""
    return plain_exam(count, seed=seed)


def editions(count: int, seed: int) -> list[Told]:
    """Passages of which every second one tells an edition that others contradict, as in the first study."""
    return exam(count, seed=seed)


FIRST = Kit(_first, MODELS / "judge-strong", THRESHOLD, "studies.almanac.injector:almanac")
UNSEEN = "studies.provenance.unseen:unseen"
"""The injector on whose flaws no gate was trained."""
