"""What an experience lets one expect of a repair: how likely its attempt is accepted, and what it costs.

Few attempts fall on any one (mode, repair, turn), so each cell leans on a wider one: the turn on its mode, the mode on
the repair over all modes and on the table of `repairs`. A parent's mean counts as `WEIGHT` attempts of its child
(empirical Bayes; Gelman et al., Bayesian Data Analysis, section 5.1), so own attempts soon speak louder.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from actors.recovery.repairs import REPAIRS
from schemas.recovery import FORM_REPAIRS, KNOWN_REPAIRS, Experience, FailureMode, RepairCount, RepairKind, RepairTurn

WEIGHT = 8.0
"""Attempts that a wider cell's mean counts for: a mode begins with what the others have shown, and a dozen of its own
attempts outweigh it."""
TABLE_WEIGHT = 1.0
"""Attempts that the table counts for."""
BEFORE = 0.4
"""Chance of a repair that nobody ever tried."""
LISTED = 0.5
"""Of one that the mode's table lists."""
BEFORE_TOKENS = 200.0
"""Of an attempt, before any was made. Scale does not matter: only ratios of costs do."""


class Expected(Struct, frozen=True):
    """`alpha` and `beta` of the acceptance's Beta distribution; `tokens` of an attempt, as a mean."""

    alpha: float
    beta: float
    tokens: float

    @property
    def chance(self) -> float:
        """Mean of the Beta distribution."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def value(self) -> float:
        """Accepted samples per token, by the means."""
        return self.chance / self.tokens


class Sums(Struct, frozen=True):
    """Attempts, acceptances and tokens of several cells together."""

    tried: int = 0
    accepted: int = 0
    tokens: int = 0

    @staticmethod
    def of(cells: Sequence[RepairCount]) -> "Sums":
        """Summed."""
        return Sums(
            sum(cell.tried for cell in cells), sum(cell.accepted for cell in cells), sum(cell.tokens for cell in cells)
        )


def expected(experience: Experience, mode: FailureMode, repair: RepairKind, turn: RepairTurn) -> Expected:
    """Of one repair of a rejected order."""

    def sums(wanted: Callable[[RepairCount], bool]) -> Sums:
        return Sums.of([cell for cell in experience.repairs if cell.repair == repair and wanted(cell)])

    anywhere = sums(lambda _: True)
    in_mode = sums(lambda cell: cell.mode == mode)
    here = sums(lambda cell: cell.mode == mode and cell.turn is turn)
    overall = (anywhere.accepted + WEIGHT * BEFORE) / (anywhere.tried + WEIGHT)
    # a mode that a gate brings lists all of its repairs; a repair of the configuration's is tried where it is listed
    is_listed = repair in REPAIRS.get(mode, (repair,)) or repair not in KNOWN_REPAIRS or repair in FORM_REPAIRS
    listed = LISTED if is_listed else BEFORE
    before = WEIGHT * overall + TABLE_WEIGHT * listed
    by_mode = (in_mode.accepted + before) / (in_mode.tried + WEIGHT + TABLE_WEIGHT)
    cost = _cost(in_mode, _cost(anywhere, mean_tokens(experience)))
    return Expected(
        alpha=here.accepted + WEIGHT * by_mode,
        beta=here.tried - here.accepted + WEIGHT * (1 - by_mode),
        tokens=_cost(here, cost),
    )


def mean_tokens(experience: Experience) -> float:
    """Of one attempt, whatever it was; at least 1."""
    cells = Sums.of(experience.repairs)
    tried, spent = cells.tried + experience.fresh_tried, cells.tokens + experience.fresh_tokens
    return max(1.0, (spent + BEFORE_TOKENS) / (tried + 1))


def fresh_value(experience: Experience) -> float:
    """Accepted samples per token of first attempts; 0 before there is one."""
    return experience.fresh_accepted / experience.fresh_tokens if experience.fresh_tokens else 0.0


def _cost(sums: Sums, before: float) -> float:
    return max(1.0, (sums.tokens + WEIGHT * before) / (sums.tried + WEIGHT))
