"""Two runs side by side: the same measures of each, and the keys of their configurations that differ."""

from msgspec import Struct

from schemas.gate_audit import Rate


class ComparedRate(Struct, frozen=True):
    """One rate of both runs. `subject`: `orders`, `recovery` or `gates`; `name`: a failure mode's, a gate's."""

    subject: str
    name: str
    left: Rate
    right: Rate

    @property
    def apart(self) -> bool:
        """Whether the intervals do not touch, so that the difference is hardly chance."""
        ends = (self.left.low, self.left.high, self.right.low, self.right.high)
        low_left, high_left, low_right, high_right = ends
        if low_left is None or high_left is None or low_right is None or high_right is None:
            return False
        return high_left < low_right or high_right < low_left


class ComparedNumber(Struct, frozen=True):
    """One number of both runs; None where a run has none yet, or was not told (a price)."""

    subject: str
    name: str
    left: float | None
    right: float | None


class KeyDifference(Struct, frozen=True):
    """A key of the configurations that differs, with its values as they are written; `absent` where there is none."""

    path: str
    left: str
    right: str


class ComparedFolder(Struct, frozen=True):
    """A run's folder. A run that is not finished may still change."""

    folder: str
    finished: bool


class ComparedRuns(Struct, frozen=True):
    """`differences`: None if one folder has no run.yaml."""

    left: ComparedFolder
    right: ComparedFolder
    rates: tuple[ComparedRate, ...]
    numbers: tuple[ComparedNumber, ...]
    differences: tuple[KeyDifference, ...] | None
