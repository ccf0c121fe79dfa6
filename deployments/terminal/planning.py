"""`gleaner plan`: what a run will take, before anything is spent. Nothing is asked and nothing is written."""

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from deployments.config.load import load
from deployments.local.forecast import forecast
from deployments.terminal.corpus_words import skipped_words, unusable
from deployments.terminal.parts import BAD, DIM, WARN, columns, facts
from deployments.terminal.reading import as_builtins, put_json
from deployments.terminal.screen import Screen
from deployments.terminal.words import number, plural, spoken
from schemas.forecast import Amounts, RunForecast, SpendForecast

VALUES_SHOWN = 6
"""Of one variable; --json has all."""


def show_plan(path: Path, like: Path | None, *, json: bool) -> None:
    """Makes and shows the plan of a configuration."""
    config = load(path)
    errors = Screen(stderr=True)
    with errors.status("reading the corpus", spinner="dots"):
        plan = asyncio.run(forecast(config, like=like, clock=time.monotonic, tell=partial(errors.print, style=DIM)))
    if json:
        put_json({**as_builtins(plan), **_costs(plan)})
    else:
        Screen().print(plan_view(plan, path))


def plan_view(plan: RunForecast, path: Path) -> RenderableType:
    """The plan on a screen."""
    head = Text.assemble(("gleaner plan ", "bold"), (str(path), "bold cyan"))
    parts: list[RenderableType] = [head, Text(), facts(*_corpus(plan), *_orders(plan))]
    for spend, bound in _spends(plan):
        parts += [Text(), _title(plan, spend, bound), _table(spend, bound)]
    parts += [Text(), facts(*_counted(plan)), *_notes(plan)]
    return Padding(Group(*parts), (1, 1))


def _corpus(plan: RunForecast) -> Iterator[tuple[str, Text | str]]:
    corpus = plan.corpus
    read = f" · read in {spoken(corpus.seconds)}" + ("" if corpus.read_whole else ", as far as stop.orders wants")
    yield "corpus", f"{plural(corpus.documents, 'document')}, {plural(corpus.passages, 'passage')}{read}"
    for line in unusable(corpus.refusals):
        yield "", Text(f"unusable: {line}", style=WARN)
    if corpus.skipped:
        yield "", Text(f"{plural(sum(corpus.skipped.values()), 'file')} {skipped_words(corpus.skipped)}", style=WARN)


def _orders(plan: RunForecast) -> Iterator[tuple[str, Text | str]]:
    orders = plan.orders
    together = f", {orders.per_call} in one call" if orders.per_call > 1 else ""
    bound = "" if plan.most_orders is None else f" · stop.orders: at most {plan.most_orders:,}"
    yield "orders", f"{orders.issued:,}: {orders.per_passage} of each passage{together}{bound}"
    for name, counts in orders.vary.items():
        shown = list(counts.items())[:VALUES_SHOWN]
        more = f" and {plural(len(counts) - len(shown), 'other value')}" if len(counts) > len(shown) else ""
        yield name, ", ".join(f"{value} {count:,}" for value, count in shown) + more
    for gate, judged in orders.judged.items():
        yield gate, f"judges {plural(judged, 'order')}"
    if plan.accepted is not None:
        yield "samples", f"{plan.accepted:,} (stop); how many orders that takes depends on the gates"


def _spends(plan: RunForecast) -> Iterator[tuple[SpendForecast, str]]:
    yield plan.at_once, "lower bound"
    if plan.as_there is not None:
        yield plan.as_there, "as there"
    yield plan.at_most, "upper bound"


def _title(plan: RunForecast, spend: SpendForecast, bound: str) -> RenderableType:
    orders = f"{_whole(spend.orders)} orders"
    if bound == "as there" and plan.like is not None:
        like, share = plan.like, plan.like.share
        measured = f"{100 * share.least:.1f}–{100 * share.most:.1f}% of {like.ended:,} orders were accepted there"
        samples = f"{_whole(spend.accepted)} samples"
        style = BAD if spend.orders.most > plan.orders.issued else ""
        return Group(
            Text.assemble((bound, "bold"), f"  {spend.assumes}: ", (orders, style), f", {samples}"),
            Text(f"{measured}; intervals of 95%", style=DIM),
        )
    return Text.assemble((bound, "bold"), f"  {spend.assumes}: {orders}")


def _table(spend: SpendForecast, bound: str) -> RenderableType:
    priced = spend.cost is not None
    table = columns("model", "calls", "tokens in", "tokens out", *(["cost"] if priced else []))
    for role in spend.roles:
        cost = [] if not priced else ["–" if role.cost is None else _between(role.cost)]
        figures = (role.calls, role.prompt_tokens, role.completion_tokens)
        table.add_row(role.role, *map(_whole, figures), *cost)
    if spend.cost is not None and len(spend.roles) > 1:
        table.add_row("together", "", "", "", _between(spend.cost))
    return table


def _between(amounts: Amounts) -> str:
    """Both bounds, or one figure where they are shown alike."""
    least, most = number(amounts.least), number(amounts.most)
    return least if least == most else f"{least}–{most}"


def _whole(amounts: Amounts) -> str:
    return _between(Amounts(round(amounts.least), round(amounts.most)))


def _counted(plan: RunForecast) -> Iterator[tuple[str, Text | str]]:
    ways: dict[str, list[str]] = {}
    for count in plan.counted:
        ways.setdefault(count.by, []).append(count.role)
    yield "prompts", f"written for {plan.sampled:,} of {plural(plan.corpus.passages, 'passage')}, at random"
    for by, roles in ways.items():
        yield "tokens", f"{', '.join(roles)}: by {by}"


def _notes(plan: RunForecast) -> Iterator[Text]:
    return (Text(note, style=DIM) for note in plan.notes)


def _costs(plan: RunForecast) -> dict[str, object]:
    """The sums that are in no field."""
    costs = {name: spend.cost for spend, name in _spends(plan) if spend.cost is not None}
    return {"cost": {name.replace(" ", "_"): as_builtins(cost) for name, cost in costs.items()}} if costs else {}
