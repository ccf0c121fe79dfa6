"""Credit: the value of each step of a solution, and the step where a wrong solution broke (Setlur et al. 2024, arXiv
2406.14532).

Law: steps are counted from 1. A value belongs to a *prefix*: prefix i holds the steps 1 to i, and prefix 0 is the
problem alone. Q of a prefix is the chance that one more draw of the policy from there ends in the right answer. Every
value comes with the numbers that it was estimated from.
"""

from enum import Enum
from typing import Annotated, NewType

from msgspec import Struct

from schemas.ids import OrderId, PassageId, content_id
from schemas.measures import Exposed, Total
from schemas.samples import Cost

PolicyVersion = NewType("PolicyVersion", str)
"""The policy that continues prefixes: pool, model and sampling. Values of different versions are never mixed."""
PrefixId = NewType("PrefixId", str)
RolloutId = NewType("RolloutId", str)
StrategyName = NewType("StrategyName", str)
"""How a label's rollouts were chosen (`actors.credit.strategies`)."""


ROLLOUTS = "rollouts"
"""The role to which rollouts are charged, with their verdicts."""


class PitRule(Enum):
    """The rule that finds the first pit."""

    ZERO = "zero"
    """The first step with Q = 0, that is, at most `tolerance`. The paper's other rule takes the first step with the
    lowest Q. For a wrong solution, whose own Q is 0, both give the same step."""


class Stop(Enum):
    """Why no more rollouts were asked for."""

    DECIDED = "decided"
    BUDGET = "budget"


class CreditTarget(Struct, frozen=True):
    """A solution to credit. `ends[i - 1]` is where step i ends, in characters; the last is the solution's end.

    `wrong`: its final answer is not the reference answer, so the Q of the whole solution is 0 and is not estimated.
    """

    passage_id: PassageId
    order_id: OrderId
    attempt: int
    solution: str
    ends: tuple[int, ...]
    wrong: bool = True

    @property
    def steps(self) -> int:
        return len(self.ends)

    def prefix(self, steps: int) -> str:
        """The solution's text up to the end of step `steps`; "" for 0."""
        return self.solution[: self.ends[steps - 1]] if steps else ""


class Ask(Struct, frozen=True):
    """One rollout from the prefix of `steps` steps. `draw` counts the draws from that prefix, from 0."""

    steps: int
    draw: int


class RolloutTally(Struct, frozen=True):
    """Rollouts from one prefix: `n` tried, `k` of them right."""

    n: int = 0
    k: int = 0

    def plus(self, *, right: bool) -> "RolloutTally":
        return RolloutTally(self.n + 1, self.k + right)


class KnownDraws(Struct, frozen=True):
    """The results of the draws from one prefix, by number: right, wrong, or None for a draw that failed."""

    prefix: PrefixId
    draws: dict[int, bool | None]


class KnownStart(Struct, frozen=True):
    """An order's first attempt, as a draw from the problem itself: was its answer right?"""

    order_id: OrderId
    right: bool


class PrefixValue(Struct, frozen=True, omit_defaults=True):
    """The estimate of Q for one prefix."""

    steps: int
    end: int
    """`solution[:end]` is the prefix."""
    n: int = 0
    """Rollouts tried from it."""
    k: int = 0
    """How many of them were right."""
    q: float | None = None
    """Posterior mean of Q; None if no rollout was tried; 0 for a whole wrong solution, which needs no rollouts."""
    low: float = 0.0
    """Q is at least this, and at most `high`, with the probability `CreditLabel.confidence`."""
    high: float = 1.0


class CreditLabel(Struct, frozen=True, omit_defaults=True):
    """The values of a solution's steps, and how they were estimated."""

    order_id: OrderId
    attempt: int
    """The attempt whose draft's answer is the solution."""
    values: tuple[PrefixValue, ...]
    """Values of the prefixes 0, 1, … in order, one more than steps; the first is the problem's own solve rate."""
    first_pit: int | None
    """The step, from 1, that is most probably the first pit; `first_pit - 1` steps before it are good. None: no pit."""
    probability: float
    """The probability that this is the first pit, given the rollouts."""
    rule: PitRule
    tolerance: float
    strategy: StrategyName
    stopped: Stop
    confidence: float
    """The confidence asked for; if `stopped` is DECIDED, `probability` is at least this."""
    policy: PolicyVersion
    seed: int
    """The run's; each rollout's seed derives from it and its id."""
    asked: int = 0
    """Rollouts that were asked for this label and came back in time; others of shared prefixes were known already."""
    cost: Cost = Cost()
    """The cost of the rollouts that were charged to this label."""

    @property
    def steps(self) -> int:
        return len(self.values) - 1

    @property
    def rollouts(self) -> int:
        """All rollouts that the label was estimated from."""
        return sum(value.n for value in self.values)

    def advantage(self, step: int) -> float | None:
        """A_i = Q_i - Q_(i-1) of step i, from 1 (section 5); None if one of the two is unknown."""
        before, after = self.values[step - 1].q, self.values[step].q
        return None if before is None or after is None else after - before

    @property
    def advantages(self) -> tuple[float | None, ...]:
        """The advantage of every step, in order."""
        return tuple(self.advantage(step) for step in range(1, self.steps + 1))


def prefix_id(passage_id: PassageId, prefix: str, policy: PolicyVersion) -> PrefixId:
    """The id of a prefix: the same for every solution of the problem that begins with it, under one policy."""
    return PrefixId(content_id("prefix", passage_id, prefix, policy))


def rollout_id(prefix: PrefixId, draw: int) -> RolloutId:
    """The id of one draw from a prefix, so that each draw is made once."""
    return RolloutId(content_id("rollout", prefix, draw))


_ROLLOUTS = Exposed("gleaner_rollouts_total", "Rollouts by what their answer was.", column="answer")


class CreditCount(Struct, frozen=True, kw_only=True):
    """Rejected solutions that were credited. Laws: begun = labelled + open; rollouts = right + wrong + failed."""

    begun: Annotated[
        Total, Exposed("gleaner_credits_begun_total", "Wrong solutions of which rollouts were asked for.")
    ] = 0
    labelled: Total = 0
    decided: Total = 0
    """Labelled solutions whose first pit is as sure as asked."""
    restartable: Annotated[
        Total, Exposed("gleaner_credits_restartable_total", "Labelled solutions with a good step before the first pit.")
    ] = 0
    steps: Annotated[
        Total,
        Exposed("gleaner_credit_steps_total", "Steps of labelled solutions: rollouts for each are what a label costs."),
    ] = 0
    """Steps of labelled solutions from which rollouts can start: all but the last step of each."""
    rollouts: Total = 0
    """Includes rollouts of open credits, and late ones."""
    right: Annotated[Total, _ROLLOUTS] = 0
    wrong: Annotated[Total, _ROLLOUTS] = 0
    failed: Annotated[Total, _ROLLOUTS] = 0
    """Rollouts without an answer that could be compared."""
    tokens: Total = 0

    @property
    def open(self) -> int:
        """Solutions that are being credited."""
        return self.begun - self.labelled

    @property
    def per_step(self) -> float:
        """Rollouts for each labelled step; 0 when there is none."""
        return self.rollouts / self.steps if self.steps else 0.0


FIXED = 16
"""Rollouts of each step if their number were fixed: the cost is compared with that."""
