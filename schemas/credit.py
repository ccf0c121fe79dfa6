"""Credit: what each step of a solution is worth, and where a wrong one broke (Setlur et al. 2024, arXiv 2406.14532).

Law: steps are counted from 1; a value is of a *prefix*, and prefix i holds the steps 1 to i (prefix 0: the problem
alone). Q of a prefix is the chance that one more draw of the policy from there ends in the right answer. No value is
without what it was estimated from.
"""

from enum import Enum
from typing import Annotated, NewType

from msgspec import Struct

from schemas.ids import OrderId, PassageId, content_id
from schemas.measures import Exposed, Total
from schemas.samples import Cost

PolicyVersion = NewType("PolicyVersion", str)
"""Who continues prefixes, and how: pool, model and sampling. Values of different versions are never mixed."""
PrefixId = NewType("PrefixId", str)
RolloutId = NewType("RolloutId", str)
StrategyName = NewType("StrategyName", str)
"""How a label's rollouts were chosen (`actors.credit.strategies`)."""


ROLLOUTS = "rollouts"
"""The role under which rollouts are paid for, verdicts included."""


class PitRule(Enum):
    """Which step is the first pit."""

    ZERO = "zero"
    """The first step with Q = 0: at most `tolerance`. The paper's other rule, the first step of the lowest Q, gives the
    same step for every wrong solution, whose own Q is 0."""


class Stop(Enum):
    """Why no more rollouts were asked for."""

    DECIDED = "decided"
    BUDGET = "budget"


class CreditTarget(Struct, frozen=True):
    """A solution to be credited. `ends[i - 1]` is where step i ends, in characters; the last is the solution's end.

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
        """The solution's text up to the end of that step; "" for 0."""
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
    """What is known of the draws from one prefix, by number: right, wrong, or None for one that failed."""

    prefix: PrefixId
    draws: dict[int, bool | None]


class KnownStart(Struct, frozen=True):
    """An order's first attempt as a draw from the problem itself: whether its answer was right."""

    order_id: OrderId
    right: bool


class PrefixValue(Struct, frozen=True, omit_defaults=True):
    """Q of one prefix, as far as it is known."""

    steps: int
    end: int
    """`solution[:end]` is the prefix."""
    n: int = 0
    """Rollouts tried from it."""
    k: int = 0
    """Of them, right."""
    q: float | None = None
    """Posterior mean of Q; None where no rollout was tried; 0 for a whole wrong solution, which needs none."""
    low: float = 0.0
    """Q is at least this, and at most `high`, with the probability `CreditLabel.confidence`."""
    high: float = 1.0


class CreditLabel(Struct, frozen=True, omit_defaults=True):
    """What is known of a solution's steps, and how it came to be known."""

    order_id: OrderId
    attempt: int
    """Whose text the values speak of: the draft's answer of this attempt in the order's story."""
    values: tuple[PrefixValue, ...]
    """Of the prefixes 0, 1, … in order; the first is the problem's own solve rate. One more than there are steps."""
    first_pit: int | None
    """The step, from 1, that is most probably the first pit; `first_pit - 1` steps before it are good. None: none."""
    probability: float
    """That it is the first pit, given the rollouts."""
    rule: PitRule
    tolerance: float
    strategy: StrategyName
    stopped: Stop
    confidence: float
    """Asked for; `probability` is at least this where `stopped` is DECIDED."""
    policy: PolicyVersion
    seed: int
    """The run's; each rollout's seed derives from it and its id."""
    asked: int = 0
    """Rollouts that were asked for it and came back in time; others of shared prefixes were there already."""
    cost: Cost = Cost()
    """Of the rollouts that were paid for this label."""

    @property
    def steps(self) -> int:
        return len(self.values) - 1

    @property
    def rollouts(self) -> int:
        """All that the label rests on."""
        return sum(value.n for value in self.values)

    def advantage(self, step: int) -> float | None:
        """A_i = Q_i - Q_(i-1) of step i, from 1 (section 5); None where one of the two is not known."""
        before, after = self.values[step - 1].q, self.values[step].q
        return None if before is None or after is None else after - before

    @property
    def advantages(self) -> tuple[float | None, ...]:
        """Of every step in order."""
        return tuple(self.advantage(step) for step in range(1, self.steps + 1))


def prefix_id(passage_id: PassageId, prefix: str, policy: PolicyVersion) -> PrefixId:
    """The same prefix of the same problem under the same policy, in whichever solution it stands."""
    return PrefixId(content_id("prefix", passage_id, prefix, policy))


def rollout_id(prefix: PrefixId, draw: int) -> RolloutId:
    """Of one draw from a prefix: asked for once, whoever asks."""
    return RolloutId(content_id("rollout", prefix, draw))


_ROLLOUTS = Exposed("gleaner_rollouts_total", "Rollouts by what their answer was.", column="answer")


class CreditCount(Struct, frozen=True, kw_only=True):
    """Rejected solutions that were credited. Laws: begun = labelled + open; rollouts = right + wrong + failed."""

    begun: Annotated[
        Total, Exposed("gleaner_credits_begun_total", "Wrong solutions of which rollouts were asked for.")
    ] = 0
    labelled: Total = 0
    decided: Total = 0
    """Of the labelled: the first pit was found as surely as asked."""
    restartable: Annotated[
        Total, Exposed("gleaner_credits_restartable_total", "Labelled solutions with a good step before the first pit.")
    ] = 0
    steps: Annotated[
        Total,
        Exposed("gleaner_credit_steps_total", "Steps of labelled solutions: rollouts for each are what a label costs."),
    ] = 0
    """Of the labelled solutions, those that can be drawn from: all but each last one."""
    rollouts: Total = 0
    """Those of open credits, and late ones, included."""
    right: Annotated[Total, _ROLLOUTS] = 0
    wrong: Annotated[Total, _ROLLOUTS] = 0
    failed: Annotated[Total, _ROLLOUTS] = 0
    """No answer could be had."""
    tokens: Total = 0

    @property
    def open(self) -> int:
        """Being credited."""
        return self.begun - self.labelled

    @property
    def per_step(self) -> float:
        """Rollouts for each labelled step; 0 when there is none."""
        return self.rollouts / self.steps if self.steps else 0.0


FIXED = 16
"""Rollouts of each step with a fixed number, what the cost is compared with."""
