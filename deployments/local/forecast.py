"""The plan of a run: its corpus read, its orders counted, the prompts of a sample of its passages written.

Law: two cases bound a run, and both are named: every order accepted at its first attempt, and every attempt rejected.
Nothing is said of acceptance between them but by a finished folder's counts.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from actors.counts.bill import prices_of, tokens_cost
from actors.counts.rates import Z_95
from deployments.build.wiring import passage_orders
from deployments.local.asked import Loads, PromptWriter, notes_of
from deployments.local.census import Census, Told, take_census
from deployments.local.likeness import Earlier, as_there, earlier_run
from deployments.local.overheard import Load
from schemas.config import RunConfig
from schemas.config_deployed import Price
from schemas.errors import CorpusError
from schemas.forecast import Amounts, OrdersForecast, RoleForecast, RunForecast, SpendForecast
from schemas.until_dry import UntilDry
from schemas.vectors import EMBEDDER

SAMPLED = 200
"""Passages whose prompts are written: the mean of their tokens is within about 3% of the corpus's for texts whose
lengths differ as much as their mean over 5."""
REPAIRED = 40
"""Of these, passages whose repairs' prompts are written too: each has one for every repair."""


class _Sizes(Struct, frozen=True):
    """What each sampled passage asks, at first attempts of all its orders and at a repaired attempt of one order."""

    first: Sequence[Loads]
    again: Sequence[Loads]


async def forecast(
    config: RunConfig, *, like: Path | None, clock: Callable[[], float], tell: Told = lambda line: None
) -> RunForecast:
    """The plan of a configuration. `like`: a folder by whose acceptance and tokens the run is reckoned too. `clock`: in
    seconds. Raises UserError for a configuration, corpus, tokenizer or folder that cannot be used."""
    earlier = None if like is None else earlier_run(like)
    writer = PromptWriter(config)
    census = take_census(config, sample=SAMPLED, clock=clock, tell=tell)
    if not census.sample:
        where = ", ".join(config.corpus.paths)
        raise CorpusError(f"{where}: no passage can be read there, or stop.orders is less than a passage's orders")
    sizes = await _sizes(writer, census)
    prices, accepted = prices_of(config), config.stop.samples
    issued = census.orders.issued
    needed = issued if accepted is None else min(accepted, issued)
    return RunForecast(
        census.corpus,
        census.orders,
        len(census.sample),
        writer.counted,
        accepted,
        config.stop.orders,
        _at_once(needed, sizes, census, prices),
        _at_most(config, sizes, census, prices),
        None if earlier is None else earlier.like,
        None if earlier is None else as_there(earlier, issued, accepted, prices),
        tuple(_notes(config, census, earlier, prices)),
    )


async def _sizes(writer: PromptWriter, census: Census) -> _Sizes:
    shown = [each.passage for each in census.sample]
    step = math.ceil(len(census.sample) / REPAIRED)
    return _Sizes(
        [await writer.first(each, shown) for each in census.sample],
        [await writer.again(each, shown) for each in census.sample[::step]],
    )


def _at_once(orders: int, sizes: _Sizes, census: Census, prices: Mapping[str, Price]) -> SpendForecast:
    passages = orders / census.orders.per_passage
    loads = {role: _total(sizes.first, role, passages, census) for role in _roles(sizes.first)}
    return _spend("every order is accepted at its first attempt", orders, orders, loads, prices)


def _at_most(config: RunConfig, sizes: _Sizes, census: Census, prices: Mapping[str, Price]) -> SpendForecast:
    issued, recovery = census.orders.issued, config.recovery
    attempts = 1 if recovery.policy == "discard" else recovery.max_attempts
    loads = {role: _total(sizes.first, role, census.corpus.passages, census) for role in _roles(sizes.first)}
    for role in _roles(sizes.again) if attempts > 1 else ():
        last_alone = role == recovery.escalate_to and recovery.policy == "rules" and role not in loads
        repaired = issued * (1 if last_alone else attempts - 1)
        loads[role] = loads.get(role, Load()) + _total(sizes.again, role, repaired, census)
    times = f"all {attempts} attempts of every order are rejected" if attempts > 1 else "every order is rejected"
    bounds = {role: load.bound for role, load in loads.items()}
    return _spend(f"{times}, each completion as long as it may be", issued, 0, bounds, prices)


def _roles(sampled: Sequence[Loads]) -> list[str]:
    return list(dict.fromkeys(role for loads in sampled for role in loads))


def _total(sampled: Sequence[Loads], role: str, times: float, census: Census) -> Load:
    """What the role takes for so many passages (or orders), by the mean of the sampled ones and its 95% interval."""
    each = [loads.get(role, Load()) for loads in sampled]
    judged = _judged(census.orders, role)
    of_all = len(sampled) / census.corpus.passages

    def total(part: Callable[[Load], Amounts]) -> Amounts:
        least = _mean([part(load).least for load in each], of_all)
        most = _mean([part(load).most for load in each], of_all)
        return Amounts(least.least, most.most).times(times * judged)

    return Load(total(lambda load: load.calls), total(lambda load: load.prompt), total(lambda load: load.completion))


def _judged(orders: OrdersForecast, role: str) -> float:
    return orders.judged[role] / orders.issued if role in orders.judged else 1.0


def _mean(values: Sequence[float], of_all: float) -> Amounts:
    """The mean of all, from values of a share of them: known, where they are all."""
    mean = sum(values) / len(values)
    if of_all >= 1 or len(values) < 2:
        return Amounts(mean, mean)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    spread = Z_95 * math.sqrt(variance / len(values) * (1 - of_all))
    return Amounts(max(0.0, mean - spread), mean + spread)


def _spend(assumes: str, orders: int, accepted: int, loads: Loads, prices: Mapping[str, Price]) -> SpendForecast:
    roles = tuple(
        RoleForecast(
            role, load.calls, load.prompt, load.completion, _cost(load.prompt, load.completion, prices.get(role))
        )
        for role, load in loads.items()
    )
    return SpendForecast(assumes, Amounts(orders, orders), Amounts(accepted, accepted), roles)


def _cost(prompt: Amounts, completion: Amounts, price: Price | None) -> Amounts | None:
    """What tokens cost by a price; None without one."""
    if price is None:
        return None
    return Amounts(tokens_cost(price, prompt.least, completion.least), tokens_cost(price, prompt.most, completion.most))


def _notes(config: RunConfig, census: Census, earlier: Earlier | None, prices: Mapping[str, Price]) -> Iterator[str]:
    yield from _short_of(config, census.orders)
    rule = passage_orders(config)
    if isinstance(rule, UntilDry):
        yield f"samples_per_passage: a passage that is dry before has fewer orders, from {rule.at_first} on"
    if config.budget.tokens is not None:
        yield f"budget.tokens: no attempt starts beyond {config.budget.tokens:,} tokens"
    if config.budget.cost is not None:
        yield f"budget.cost: no attempt starts beyond {config.budget.cost:g}"
    if any(price.accelerator_hour for price in prices.values()):
        yield "price.accelerator_hour: hours depend on the models' speed; the cost is of tokens alone"
    if earlier is not None:
        asked = {*config.pools, *config.gates, EMBEDDER}
        strange = [role for role in earlier.roles if role not in asked]
        if strange:
            yield f"--like: that run asked {', '.join(strange)}, which this one does not have"
    yield from notes_of(config)


def _short_of(config: RunConfig, orders: OrdersForecast) -> Iterator[str]:
    """Samples that the run is to end with and cannot have."""
    accepted, quotas = config.stop.accepted, config.stop.quotas
    there = {} if quotas is None else orders.vary[quotas.axis]
    for value, most in ({} if quotas is None else quotas.each).items():
        if most > there.get(value, 0):
            yield f"stop.accepted_of: {most:,} samples of {value} cannot come of {there.get(value, 0):,} orders"
    if accepted is not None and accepted > orders.issued:
        yield f"stop.accepted: {accepted:,} samples cannot come of {orders.issued:,} orders"
