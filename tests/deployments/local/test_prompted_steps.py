"""A task of several calls in the whole loop in one process, which dies at each of them."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.ledger.sqlite import MemoryLedger
from deployments.config.load import load_text, to_yaml
from deployments.folder.exports import exported
from deployments.local.loop import conduct_in_process
from deployments.local.roles import look_at
from schemas.config import CustomEngine, Pool, Recovery, RunConfig
from schemas.config_gates import RuleGate
from schemas.config_tasks import Prompted
from schemas.errors import UserError
from schemas.exports import ExportFormat, ExportRequest, View
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Rejoined
from schemas.orders import Attempt, calls_of
from schemas.samples import GenerationRequest
from tests.deployments.config.test_load import WHOLE
from tests.doubles.passages import passage_of
from tests.doubles.steps import STEPS, Journal, Writer

PASSAGES = tuple(passage_of(f"Town {number} was founded in 1{number:03d}.") for number in range(2))
JOURNALS: list[Journal] = []
"""Of every process so far; the last one lives. (A configuration's engine is made by a function without arguments.)"""


def writer() -> Writer:
    return Writer(JOURNALS[-1])


def config_of(task: Prompted = STEPS) -> RunConfig:
    """Two samples of a passage by two pools; a rule rejects some."""
    engine = CustomEngine(factory=f"{__name__}:writer")
    return replace(
        load_text(WHOLE),
        task=replace(task, samples_per_passage=2),
        pools={"generator": Pool(engine=engine), "strong": Pool(engine=engine)},
        gates={"low": RuleGate(check="matches(answer, '^[0-8]')")},
        recovery=Recovery(max_attempts=3),
    )


async def life(ledger: MemoryLedger, config: RunConfig, journal: Journal) -> list[GenerationRequest]:
    """A process that works on the passages until they are done or it dies; what it asked."""
    JOURNALS.append(journal)
    run = asyncio.ensure_future(conduct_in_process(config, PASSAGES, ledger))
    death = asyncio.ensure_future(journal.died.wait())
    await asyncio.wait((run, death), return_when=asyncio.FIRST_COMPLETED)
    death.cancel()
    if journal.died.is_set():
        run.cancel()
        await asyncio.wait((run,))
    else:
        run.result()
    return journal.asked


def attempts(ledger: MemoryLedger) -> list[Attempt]:
    kept = [record for record in ledger.kept if isinstance(record, AcceptedEnd | Rejoined | DeadLetteredEnd)]
    return [record.attempt for record in kept if record.attempt is not None]


def ends(ledger: MemoryLedger) -> list[tuple[object, ...]]:
    """How each order ended, and with which fields."""
    return sorted(
        (record.order_id, type(record).__name__, *(candidate.draft.fields.values() if candidate.draft else ()))
        for record in ledger.kept
        if isinstance(record, AcceptedEnd | DeadLetteredEnd)
        and record.attempt is not None
        and (candidate := record.attempt.candidate) is not None
    )


async def test_each_call_of_an_attempt_is_recorded() -> None:
    """With its pool and its cost; a repair makes all of them again."""
    ledger = MemoryLedger()
    asked = await life(ledger, config_of(), Journal())
    made = attempts(ledger)
    assert len(made) > 4 and len(asked) == 2 * len(made)
    for attempt in made:
        assert [call.pool for call in calls_of(attempt)] == ["generator", "strong"]
        assert [call.cost.tokens for call in calls_of(attempt)] == [15, 15]
        assert attempt.candidate is not None and attempt.candidate.draft is not None
        assert list(attempt.candidate.draft.fields) == ["level", "who", "question", "answer", "why"]


async def test_each_pool_is_shown_with_the_step_that_goes_there() -> None:
    """By `gleaner models`: all steps are asked of one pool at a time, to have a draft."""
    JOURNALS.append(Journal())
    cards = [card async for card in look_at(config_of(), PASSAGES, None, clock=lambda: 0.0)]
    shown = {card.role: card.sample.asked[-1].content.rpartition("\n")[2] for card in cards if card.sample is not None}
    assert shown == {"generator": "Write question:", "strong": "Write answer:why:"}


def test_a_sample_of_several_prompts_is_exported_as_an_answer_alone(tmp_path: Path) -> None:
    """Its last step's prompt holds what other steps of that attempt wrote: no pair fits."""
    (tmp_path / "run.yaml").write_text(to_yaml(config_of()))
    with pytest.raises(UserError, match="a sample of several steps was written at no one prompt"):
        exported(tmp_path, ExportRequest(format=ExportFormat.DPO, view=View.SAMPLE), tmp_path / "dpo", at=0.0)


async def test_variables_are_drawn_by_the_orders_numbers() -> None:
    """Each value has its share of the orders that were issued; the draw is kept with the order, its draft and rows."""
    ledger = MemoryLedger()
    await life(ledger, config_of(), Journal())
    orders = [order for record in ledger.kept if isinstance(record, Planned) for order in record.orders]
    assert [Counter(order.vary[name] for order in orders) for name in ("level", "who")] == [
        {"easy": 1, "hard": 3},
        {"a pilot": 2, "a cook": 2},
    ]
    drawn = {order.id: order.vary for order in orders}
    kept = [record for record in ledger.kept if isinstance(record, AcceptedEnd | Rejoined | DeadLetteredEnd)]
    for record in kept:
        assert record.attempt is not None and record.attempt.candidate is not None
        assert record.attempt.candidate.draft is not None
        assert record.attempt.candidate.draft.fields.items() >= drawn[record.order_id].items()


async def test_killed_at_any_call_it_makes_the_same() -> None:
    """Only the attempts under way are made again, with the same prompts and seeds; each order ends once."""
    undisturbed = MemoryLedger()
    asked = await life(undisturbed, config_of(), Journal())
    known = {request.id: request for request in asked}
    for death in range(1, len(asked) + 1):
        ledger = MemoryLedger()
        first = await life(ledger, config_of(), Journal(death))
        settled = len(attempts(ledger))
        second = await life(ledger, config_of(), Journal())
        assert ends(ledger) == ends(undisturbed)
        assert all(known[request.id] == request for request in (*first, *second))
        assert len(second) == 2 * (len(attempts(ledger)) - settled)
