"""What to expect of a repair from experience: the chance that its attempt is accepted, and its cost.

Few attempts fall into one cell (mode, repair, turn). So each cell leans on a wider one: the turn on its mode, and the
mode on the repair over all modes and on the table of `repairs`. A parent's mean counts as `WEIGHT` attempts of its
child (empirical Bayes; Gelman et al., Bayesian Data Analysis, section 5.1), so a cell's own attempts soon weigh more.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from actors.recovery.repairs import REPAIRS
from schemas.recovery import FORM_REPAIRS, KNOWN_REPAIRS, Experience, FailureMode, RepairCount, RepairKind, RepairTurn

WEIGHT = 8.0
"""A wider cell's mean counts as so many attempts. A mode begins with the others' results, and a dozen of its own
attempts outweigh them."""
TABLE_WEIGHT = 1.0
"""The table counts as so many attempts."""
BEFORE = 0.4
"""The chance of a repair that was never tried."""
LISTED = 0.5
"""The chance of a repair that the mode's table lists."""
BEFORE_TOKENS = 200.0
"""The cost of an attempt before there was one. Its scale does not matter: only ratios of costs do."""


class Expected(Struct, frozen=True):
    """`alpha` and `beta`: the Beta distribution of acceptance. `tokens`: the mean of an attempt."""

    alpha: float
    beta: float
    tokens: float

    @property
    def chance(self) -> float:
        """The mean of the Beta distribution."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def value(self) -> float:
        """Accepted samples per token, from the means."""
        return self.chance / self.tokens


class Sums(Struct, frozen=True):
    """Attempts, acceptances and tokens of several cells together."""

    tried: int = 0
    accepted: int = 0
    tokens: int = 0

    @staticmethod
    def of(cells: Sequence[RepairCount]) -> "Sums":
        """The sums over these cells."""
        return Sums(
            sum(cell.tried for cell in cells), sum(cell.accepted for cell in cells), sum(cell.tokens for cell in cells)
        )


def expected(experience: Experience, mode: FailureMode, repair: RepairKind, turn: RepairTurn) -> Expected:
    """The expectation for one repair of a rejected order."""

    def sums(wanted: Callable[[RepairCount], bool]) -> Sums:
        return Sums.of([cell for cell in experience.repairs if cell.repair == repair and wanted(cell)])

    anywhere = sums(lambda _: True)
    in_mode = sums(lambda cell: cell.mode == mode)
    here = sums(lambda cell: cell.mode == mode and cell.turn is turn)
    overall = (anywhere.accepted + WEIGHT * BEFORE) / (anywhere.tried + WEIGHT)
    # a gate's mode lists all of its repairs, and a configured repair is tried only where it is listed
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
    """The mean tokens of all attempts; at least 1."""
    cells = Sums.of(experience.repairs)
    tried, spent = cells.tried + experience.fresh_tried, cells.tokens + experience.fresh_tokens
    return max(1.0, (spent + BEFORE_TOKENS) / (tried + 1))


def fresh_value(experience: Experience) -> float:
    """Accepted samples per token among first attempts; 0 before there is one."""
    return experience.fresh_accepted / experience.fresh_tokens if experience.fresh_tokens else 0.0


def _cost(sums: Sums, before: float) -> float:
    return max(1.0, (sums.tokens + WEIGHT * before) / (sums.tried + WEIGHT))
