"""What a run has cost, by the prices of its configuration.

Law: nothing is guessed: a role without a price is named, not counted as free. Hours are what replicas held, idle or
not; they are shared out among attempts by the seconds of their calls.
"""

from collections.abc import Mapping, Sequence

from schemas.bill import HOUR_S, Accelerator, Bill, EndBill, HeldTime, RoleBill
from schemas.config import FRESH_POOL, RunConfig, deployed
from schemas.config_deployed import Price
from schemas.config_gates import shared_pools
from schemas.credit import ROLLOUTS
from schemas.distributions import AttemptEnd
from schemas.progress import RoleCost, Spent, Summary

MILLION = 1e6


def prices_of(config: RunConfig) -> dict[str, Price]:
    """The prices of a run by role. A gate that shares a pool, and rollouts, have the price of the pool."""
    own = {each.role: each.part.price for each in deployed(config) if each.part.price is not None}
    shared = {str(gate): own[pool] for gate, pool in shared_pools(config.gates).items() if pool in own}
    rollouts = {ROLLOUTS: own[FRESH_POOL]} if FRESH_POOL in own else {}
    return own | shared | rollouts


def bill_of(summary: Summary, prices: Mapping[str, Price]) -> Bill | None:
    """The bill; None without any price. `prices`: by role, also of roles that use another's model."""
    if not prices:
        return None
    asked = {role.role: role for role in summary.roles}
    names = sorted({*asked, *(held.role for held in summary.held)} & prices.keys())
    roles = tuple(
        RoleBill(name, _tokens(asked.get(name), prices), _hours(name, summary.held, prices)) for name in names
    )
    total = sum(role.cost for role in roles)
    accepted = summary.counts.accepted
    return Bill(
        roles=roles,
        ends=_ends(summary, {role.role: role for role in roles}, prices),
        accepted=total / accepted if accepted else None,
        unpriced=tuple(sorted(asked.keys() - prices.keys())) if any(map(_by_tokens, prices.values())) else (),
    )


def is_spent(config: RunConfig, summary: Summary) -> bool:
    """Whether the run has cost what its budget allows, as far as it is recorded."""
    if config.budget.cost is None:
        return False
    bill = bill_of(summary, prices_of(config))
    return bill is not None and bill.cost >= config.budget.cost


def per_accelerator_hour(summary: Summary) -> tuple[Accelerator, float, float] | None:
    """Accepted samples and tokens for each hour of an accelerator that was held; None where nothing was metered."""
    held = sum(row.held_s for row in summary.held)
    if not held:
        return None
    hours = held / HOUR_S
    return summary.held[0].accelerator, summary.counts.accepted / hours, summary.tokens / hours


def tokens_cost(price: Price, prompt_tokens: float, completion_tokens: float, cached_tokens: float = 0) -> float:
    """What so many tokens cost. `cached_tokens`: of those of prompts."""
    cached_price = price.prompt_tokens if price.cached_tokens is None else price.cached_tokens
    prompts = (prompt_tokens - cached_tokens) * price.prompt_tokens + cached_tokens * cached_price
    return (prompts + completion_tokens * price.completion_tokens) / MILLION


def _by_tokens(price: Price) -> bool:
    return bool(price.prompt_tokens or price.completion_tokens)


def _tokens(cost: RoleCost | Spent | None, prices: Mapping[str, Price]) -> float:
    if cost is None:
        return 0.0
    return tokens_cost(prices[cost.role], cost.prompt_tokens, cost.completion_tokens, cost.cached_tokens)


def _hours(role: str, held: Sequence[HeldTime], prices: Mapping[str, Price]) -> float:
    return sum(row.held_s for row in held if row.role == role) / HOUR_S * prices[role].accelerator_hour


def _ends(summary: Summary, bills: Mapping[str, RoleBill], prices: Mapping[str, Price]) -> tuple[EndBill, ...]:
    """By how attempts ended: their tokens, and of the hours as much as of the seconds of the role's calls."""
    seconds = {role.role: role.seconds for role in summary.roles}
    costs = dict.fromkeys(AttemptEnd, 0.0)
    for spent in summary.spent:
        if spent.role in prices:
            waited = seconds[spent.role]
            share = spent.seconds / waited if waited else 0.0
            costs[spent.end] += _tokens(spent, prices) + share * bills[spent.role].hours
    return tuple(EndBill(end, cost) for end, cost in costs.items() if cost)
