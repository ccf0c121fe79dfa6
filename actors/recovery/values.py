"""The value of each repair, and the estimated value of other policies, from one run's decisions alone.

The estimate is the self-normalised inverse propensity score (Swaminathan and Joachims 2015): each decision is weighted
by how much likelier the other policy makes it than the logged one. It is for one decision at a time: the other policy's
*later* decisions on the same order are assumed to be the logged ones. A stop needs no estimate: it yields nothing and
costs nothing. An error is assumed equally likely after each repair of a mode. So repairs with a known outcome also
stand for those of their mode without one, and stops, which never err, keep their share of the decisions. Intervals are
percentiles of a bootstrap over orders, because the decisions of one order depend on each other.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from actors.counts.rates import share, wilson
from actors.recovery.adaptive import Arm
from actors.recovery.decisions import Decision
from actors.recovery.posterior import expected, fresh_value
from schemas.ids import derived_seed
from schemas.policy import Interval, PolicyValue, RepairValue
from schemas.recovery import Experience, FailureMode, RepairCount, RepairKind, Repairs, RepairTurn

RESAMPLES = 400
LEAST_EFFECTIVE = 10.0
LEAST_COVERED = 0.5
"""Below either, the log says too little about the policy to give a figure."""
Target = Callable[[Decision], Arm | None]
"""The choice of a deterministic policy; None for stop."""


class _Weighed(Struct, frozen=True):
    """A decision as another policy would have made it, with its weight and outcome."""

    order_id: str
    stands_for: float
    """How many logged decisions it stands for: itself, and its part of those without an outcome."""
    weight: float
    accepted: float
    tokens: float


def repair_values(experience: Experience) -> tuple[RepairValue, ...]:
    """Each repair by mode: the most tried mode first, and in it the best repair first."""

    def mode(cell: RepairCount) -> str:
        return cell.mode

    found: list[list[RepairValue]] = []
    for _, in_mode in groupby(sorted(experience.repairs, key=mode), key=mode):
        cells = sorted(in_mode, key=lambda cell: cell.repair)
        values = [_value(list(turns)) for _, turns in groupby(cells, key=lambda cell: cell.repair)]
        found.append(sorted(values, key=lambda each: -(each.per_1000.value or 0.0)))
    found.sort(key=lambda values: -sum(each.tried for each in values))
    return tuple(each for values in found for each in values)


def fresh_per_1000(experience: Experience) -> Interval:
    """Accepted samples per 1000 tokens of first attempts."""
    tried, spent = experience.fresh_tried, experience.fresh_tokens
    return _per_1000(rate_of(experience.fresh_accepted, tried), share(spent, tried) or 0.0)


def rate_of(successes: int, trials: int) -> Interval:
    """A rate with its Wilson interval."""
    low, high = wilson(successes, trials) or (None, None)
    return Interval(share(successes, trials), low, high)


def _value(cells: Sequence[RepairCount]) -> RepairValue:
    tried, accepted = sum(cell.tried for cell in cells), sum(cell.accepted for cell in cells)
    tokens = sum(cell.tokens for cell in cells) / tried
    chance = rate_of(accepted, tried)
    return RepairValue(cells[0].mode, cells[0].repair, tried, accepted, chance, tokens, _per_1000(chance, tokens))


def _per_1000(chance: Interval, tokens: float) -> Interval:
    """The chance's interval divided by the mean cost, whose own spread is small in comparison."""
    if not tokens or chance.value is None or chance.low is None or chance.high is None:
        return Interval()
    return Interval(1000 * chance.value / tokens, 1000 * chance.low / tokens, 1000 * chance.high / tokens)


def policy_values(
    decisions: Sequence[Decision],
    experience: Experience,
    *,
    stop_below: float,
    seed: int,
    lost: Mapping[FailureMode, int] = {},
) -> tuple[PolicyValue, ...]:
    """The logged policy's values, then the estimates for other policies. `experience` is the run's. `lost`: repairs
    by mode without a known outcome, which are not among the decisions."""
    if not decisions:
        return ()
    nothing = Interval(0.0, 0.0, 0.0)
    stands_for = _stands_for(decisions, lost)
    logged = _logged(decisions, stands_for, seed=seed)
    others: dict[str, Target] = {
        "naive_resample": lambda each: _option(each, Repairs.RESAMPLE),
        "rules": lambda each: _option(each, each.rules),
        "greedy": greedy(decisions, experience, stop_below),
    }
    return (
        logged,
        PolicyValue("discard", "known", nothing, nothing, Interval(), float(len(decisions)), 1.0),
        *(
            _estimated(name, decisions, stands_for, does, seed=seed)
            for name, does in others.items()
            if name != logged.policy
        ),
    )


def greedy(decisions: Sequence[Decision], experience: Experience, stop_below: float) -> Target:
    """Always chooses the repair with the highest expected value. Each half of the orders uses the experience of the
    other half, so that no order is judged by a choice that it influenced."""
    halves = [[each for each in decisions if _half(each) == side] for side in (0, 1)]
    taught = [learnt(halves[1], experience), learnt(halves[0], experience)]

    def choose(decision: Decision) -> Arm | None:
        experience = taught[_half(decision)]

        def value(arm: Arm) -> float:
            return expected(experience, decision.mode, arm.repair, arm.turn).value

        best = max(decision.options, key=value)
        return best if value(best) >= stop_below * fresh_value(experience) else None

    return choose


def _half(decision: Decision) -> int:
    return derived_seed("half", decision.order_id) % 2


def _option(decision: Decision, kind: RepairKind) -> Arm | None:
    return next((arm for arm in decision.options if arm.repair == kind), None)


def learnt(decisions: Sequence[Decision], experience: Experience) -> Experience:
    """The experience from these decisions alone, with the first attempts of the whole run."""
    cells: dict[tuple[FailureMode, RepairKind, RepairTurn], RepairCount] = {}
    for each in decisions:
        if each.chosen is None:
            continue
        key = (each.mode, each.chosen.repair, each.chosen.turn)
        old = cells.get(key) or RepairCount(*key, tried=0, accepted=0, tokens=0)
        cells[key] = RepairCount(*key, old.tried + 1, old.accepted + each.accepted, old.tokens + each.tokens)
    return replace(experience, repairs=tuple(cells.values()))


def _stands_for(decisions: Sequence[Decision], lost: Mapping[FailureMode, int]) -> list[float]:
    known = Counter(each.mode for each in decisions if each.chosen is not None)
    return [1.0 if each.chosen is None else 1 + lost.get(each.mode, 0) / known[each.mode] for each in decisions]


def _logged(decisions: Sequence[Decision], stands_for: Sequence[float], *, seed: int) -> PolicyValue:
    names = ", ".join(sorted({each.by for each in decisions}))
    pairs = zip(decisions, stands_for, strict=True)
    weighed = [
        _Weighed(each.order_id, count, count, count * each.accepted, count * each.tokens) for each, count in pairs
    ]
    return _summed(names, "logged", weighed, seed=seed)


def _estimated(
    name: str, decisions: Sequence[Decision], stands_for: Sequence[float], target: Target, *, seed: int
) -> PolicyValue:
    pairs = zip(decisions, stands_for, strict=True)
    return _summed(name, "estimated", [_weighed(each, target(each), count) for each, count in pairs], seed=seed)


def _weighed(decision: Decision, wanted: Arm | None, count: float) -> _Weighed:
    """A stop has a known outcome. Any other decision counts where the log made it, weighted by one over its chance."""
    if wanted is None:
        return _Weighed(decision.order_id, count, count, 0.0, 0.0)
    weight = count / decision.probability if wanted == decision.chosen else 0.0
    return _Weighed(decision.order_id, count, weight, weight * decision.accepted, weight * decision.tokens)


def _summed(name: str, basis: str, weighed: Sequence[_Weighed], *, seed: int) -> PolicyValue:
    total, square = sum(each.weight for each in weighed), sum(each.weight**2 for each in weighed)
    effective, covered = (total * total / square if square else 0.0), total / sum(each.stands_for for each in weighed)
    if basis == "estimated" and (effective < LEAST_EFFECTIVE or covered < LEAST_COVERED):
        return PolicyValue(name, "unknown", Interval(), Interval(), Interval(), effective, covered)
    by_order: dict[str, list[float]] = {}
    for each in weighed:
        sums = by_order.setdefault(each.order_id, [0.0, 0.0, 0.0])
        for place, value in enumerate((each.weight, each.accepted, each.tokens)):
            sums[place] += value
    table = np.array(list(by_order.values()))
    drawn = _resampled(table, seed=derived_seed("bootstrap", seed, name))
    sums = table.sum(axis=0)
    return PolicyValue(
        policy=name,
        basis=basis,
        accepted=_ratio(sums, drawn, (1, 0), scale=100.0),
        tokens=_ratio(sums, drawn, (2, 0), scale=1.0),
        per_1000=_ratio(sums, drawn, (1, 2), scale=1000.0),
        effective=effective,
        covered=covered,
    )


def _resampled(table: np.ndarray, *, seed: int) -> np.ndarray:
    """Sums over orders drawn with replacement, one row for each resample."""
    rng, orders = np.random.default_rng(seed), len(table)
    return np.array([table[rng.integers(orders, size=orders)].sum(axis=0) for _ in range(RESAMPLES)])


def _ratio(sums: np.ndarray, drawn: np.ndarray, of: tuple[int, int], *, scale: float) -> Interval:
    part, whole = of
    usable = drawn[drawn[:, whole] > 0]
    if not sums[whole] or not len(usable):
        return Interval()
    low, high = np.quantile(usable[:, part] / usable[:, whole], (0.025, 0.975))
    return Interval(float(scale * sums[part] / sums[whole]), float(scale * low), float(scale * high))
