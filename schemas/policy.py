"""The values of repairs, and of policies that a run did not follow, from its ledger (`gleaner policy`)."""

from msgspec import Struct

from schemas.recovery import FailureMode, RepairKind


class Interval(Struct, frozen=True):
    """A figure with its 95% interval; None if the ledger does not say."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class RepairValue(Struct, frozen=True):
    """One repair after one diagnosis, at any turn: the results of attempts that a gate judged."""

    mode: FailureMode
    repair: RepairKind
    tried: int
    accepted: int
    chance: Interval
    """accepted / tried, with the Wilson interval."""
    tokens: float
    """Mean tokens of an attempt, generator and gates."""
    per_1000: Interval
    """Accepted samples per 1,000 tokens: `chance` over `tokens`."""


class PolicyValue(Struct, frozen=True):
    """The value of a policy for each decision, over the rejections in the ledger."""

    policy: str
    basis: str
    """`logged`: it was followed; `known`: it spends nothing; `estimated`: from the recorded probabilities; `unknown`:
    the ledger has too few decisions like its own."""
    accepted: Interval
    """Accepted samples in 100 decisions."""
    tokens: Interval
    """Tokens of one decision."""
    per_1000: Interval
    """Accepted samples per 1,000 tokens spent on repairs."""
    effective: float
    """Effective sample size, in decisions: (Σw)² / Σw²."""
    covered: float
    """Mean weight: about 1 if the logged policy could have made every decision of this one."""


class PolicyReport(Struct, frozen=True):
    """Everything `gleaner policy` shows."""

    policies: tuple[str, ...]
    """The policies that made the recorded decisions."""
    decisions: int
    """Rejections at which a policy could go on or stop, and whose outcome is known."""
    orders: int
    forced: int
    """Orders that ended because no attempts were left: that is no decision, and in no figure."""
    unknown: int
    """Decisions whose attempt errored or has not ended."""
    fresh_per_1000: Interval
    """Accepted samples per 1,000 tokens of first attempts."""
    repairs: tuple[RepairValue, ...]
    values: tuple[PolicyValue, ...]
