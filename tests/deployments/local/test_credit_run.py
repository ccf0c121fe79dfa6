"""Whole math runs with credit in this process: real queue, conductor and verifier, a solver whose true Q is known."""

from pathlib import Path

import msgspec
import pytest

from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.counts.tally import Tally
from actors.dataset.rows import sample_row
from actors.ledger.history import life_of
from actors.ledger.sqlite import MemoryLedger
from actors.tasks import math
from deployments.config.load import load_text, resolve
from schemas.audit import Check
from schemas.config import Math, RunConfig
from schemas.corpus import Passage, Provenance
from schemas.credit import ROLLOUTS, CreditTarget, Stop
from schemas.ids import DocumentId, OrderId
from schemas.ledger import AcceptedEnd, CreditBegun, Credited, Planned, Record, Rolled
from schemas.recovery import Repairs
from tests.doubles.math_runs import run_math
from tests.doubles.step_solver import BAD, StepSolver, StepWorld

CONFIG = """
corpus: {paths: [problems.jsonl], text_field: question, answer_field: answer}
task: {kind: math, samples_per_passage: 4}
pools:
  generator: {engine: {kind: custom, factory: "tests.doubles.engines:instant"}}
gates:
  verifier: {timeout_s: 20, processes: 1}
recovery: {policy: rules, max_attempts: 3}
credit: {token_share: 1.0, max_rollouts: 60}
"""
WORLD = StepWorld(steps=6, breaks=0.15)


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    return resolve(load_text(CONFIG), tmp_path)


def problems(count: int) -> list[Passage]:
    found = []
    for number in range(count):
        text = f"What is {number} times 7?"
        where = Provenance(f"memory://p#record={number}", DocumentId(f"p{number}"), "0" * 64, 0, len(text), "t")
        found.append(Passage.of(text, where, str(7 * number)))
    return found


def solver(world: StepWorld = WORLD) -> StepSolver:
    return StepSolver({passage.text: str(passage.reference) for passage in problems(40)}, world)


async def conducted(config: RunConfig, engine: StepSolver, ledger: MemoryLedger, count: int = 12) -> list[Record]:
    """What a run over so many problems records."""
    await run_math(config, problems(count), engine, ledger)
    return ledger.kept


def is_of(record: Record, order_id: OrderId) -> bool:
    if isinstance(record, Planned):
        return order_id in {order.id for order in record.orders}
    return getattr(record, "order_id", None) == order_id


def true_pit(target: CreditTarget) -> int:
    """Nothing is mended in this world: the first step that went off is fatal."""
    lines = target.solution.splitlines()
    return next(place for place, line in enumerate(lines, 1) if line.endswith(BAD))


async def test_wrong_solutions_are_labelled_and_restarted_where_they_broke(config: RunConfig) -> None:
    """Every label is decided, nearly all name the true step, and restarts go on from the steps before it."""
    records = await conducted(config, solver(), MemoryLedger())
    targets = {(r.order_id, r.target.attempt): r.target for r in records if isinstance(r, CreditBegun)}
    labels = [r.label for r in records if isinstance(r, Credited)]
    assert len(labels) == len(targets) > 15
    assert {label.stopped for label in labels} == {Stop.DECIDED}
    right = [label.first_pit == true_pit(targets[label.order_id, label.attempt]) for label in labels]
    assert sum(right) >= 0.9 * len(right)

    restarted = [
        (r.order_id, r.attempt)
        for r in records
        if isinstance(r, AcceptedEnd) and r.attempt.repair is not None and r.attempt.repair.prefix
    ]
    assert len(restarted) > 5
    for order_id, attempt in restarted:
        assert attempt.repair is not None
        assert attempt.repair.kind == Repairs.RESTART_FROM_PREFIX
        assert attempt.candidate is not None
        assert attempt.candidate.draft is not None
        assert targets[order_id, attempt.repair.origin].solution.startswith(attempt.repair.prefix)
        assert attempt.candidate.draft.answer == attempt.repair.prefix + attempt.candidate.text
        life = life_of(order_id, [r for r in records if is_of(r, order_id)])
        assert [label.attempt for label in life.credits] == list(range(1, attempt.number))
        lineage = sample_row(life, chat=math.MathTask(Math(), longest_answer=100).messages, models={})["lineage"]
        assert lineage["prefix"] == attempt.repair.prefix
        assert lineage["prefix_of_attempt"] == attempt.repair.origin


async def test_rollouts_are_in_no_count_of_samples(config: RunConfig) -> None:
    """Issued, accepted and dead-lettered speak of the problems' solutions alone."""
    records = await conducted(config, solver(), MemoryLedger())
    tally = Tally()
    for record in records:
        tally.apply(record)
    counts = tally.summary().counts
    assert (counts.issued, counts.outstanding) == (48, 0)
    credit = tally.summary().credit
    assert credit.open == 0
    assert credit.rollouts == sum(isinstance(record, Rolled) for record in records) > 100
    assert credit.rollouts == credit.right + credit.wrong + credit.failed
    (role,) = (role for role in tally.summary().roles if role.role == ROLLOUTS)
    assert (role.calls, role.prompt_tokens + role.completion_tokens) == (credit.rollouts, credit.tokens)
    findings = Findings()
    read_book(enumerate(records, 1), findings)
    assert not [found for found in findings.kept if found.check is Check.CONSERVATION]
    accepted = {record.order_id for record in records if isinstance(record, AcceptedEnd)}
    assert accepted.isdisjoint(record.order_id for record in records if isinstance(record, Rolled))


async def test_without_credit_everything_is_as_before(config: RunConfig) -> None:
    """Wrong answers are drawn again, and the ledger knows nothing of rollouts."""
    records = await conducted(msgspec.structs.replace(config, credit=None), solver(), MemoryLedger(), count=4)
    assert not any(isinstance(record, CreditBegun | Rolled | Credited) for record in records)


async def test_a_run_that_was_killed_pays_for_no_draw_twice(config: RunConfig) -> None:
    """The process dies somewhere in the middle; the same command goes on from the ledger."""
    whole = await conducted(config, solver(), MemoryLedger(), count=4)
    for survived in (len(whole) // 4, len(whole) // 2, 3 * len(whole) // 4):
        ledger = MemoryLedger()
        ledger.append(whole[:survived])
        records = await conducted(config, solver(), ledger, count=4)
        drawn = [record.order_id for record in records if isinstance(record, Rolled)]
        assert len(drawn) == len(set(drawn))
        begun = {(r.order_id, r.target.attempt) for r in records if isinstance(r, CreditBegun)}
        labelled = [(r.order_id, r.label.attempt) for r in records if isinstance(r, Credited)]
        assert len(labelled) == len(set(labelled))
        assert set(labelled) == begun
