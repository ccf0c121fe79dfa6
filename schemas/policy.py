"""What a run's ledger says of repairs and of policies that it did not follow (`gleaner policy`)."""

from msgspec import Struct

from schemas.recovery import FailureMode, RepairKind


class Interval(Struct, frozen=True):
    """A figure with its 95% interval; None where the log does not tell."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class RepairValue(Struct, frozen=True):
    """One repair after one diagnosis, over every turn: what came of the attempts that a gate judged."""

    mode: FailureMode
    repair: RepairKind
    tried: int
    accepted: int
    chance: Interval
    """accepted / tried, Wilson."""
    tokens: float
    """Of an attempt, generator and gates, on average."""
    per_1000: Interval
    """Accepted samples per 1,000 tokens: `chance` over `tokens`."""


class PolicyValue(Struct, frozen=True):
    """What a policy comes to by decision, over the rejections that the log holds."""

    policy: str
    basis: str
    """`logged`: it was followed; `known`: it spends nothing; `estimated`: from the log's probabilities; `unknown`: the
    log holds too little of what it would do."""
    accepted: Interval
    """Accepted samples of 100 decisions."""
    tokens: Interval
    """Of one decision."""
    per_1000: Interval
    """Accepted samples per 1,000 tokens spent on repairs."""
    effective: float
    """Decisions that the estimate is worth: (Σw)² / Σw²."""
    covered: float
    """Mean weight: about 1 where the log could have done all that the policy does."""


class PolicyReport(Struct, frozen=True):
    """Everything `gleaner policy` shows."""

    policies: tuple[str, ...]
    """Those that made the logged decisions."""
    decisions: int
    """Rejections at which a policy could go on or stop, and whose outcome is known."""
    orders: int
    forced: int
    """Ends because attempts were spent: no decision, in no figure."""
    unknown: int
    """Decisions whose attempt errored, or has not ended."""
    fresh_per_1000: Interval
    """Accepted samples per 1,000 tokens of clean orders' first attempts."""
    repairs: tuple[RepairValue, ...]
    values: tuple[PolicyValue, ...]
