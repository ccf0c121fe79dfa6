"""A whole run that learns, in one process: scripted models, the real conductor, queue and ledger."""

import asyncio
from random import Random

from actors.calls.retry import RetryLimits
from actors.conductor import Conductor, ConductorSettings, Gating, Toolbox
from actors.gates.diversity import duplicate_verdict, likeness
from actors.ledger.sqlite import MemoryLedger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.news import TOLD_EVERY, LeaseNews
from actors.queue.service import QueueService, ServiceSettings
from actors.recovery.adaptive import USUAL, propensities
from actors.recovery.decisions import Decision, DecisionLog
from actors.recovery.experience import ExperienceFold
from actors.recovery.policies import build_bar, build_recovery
from actors.recovery.report import policy_report
from actors.tasks.grounded_answer import GroundedAnswerTask
from deployments.local.loop import InProcessOrders
from schemas.config import GroundedAnswer, Recovery
from schemas.ids import PoolName
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Rejoined
from schemas.orders import Attempt
from schemas.recovery import Experience, Repairs
from schemas.samples import Completion, FinishReason, GenerationRequest, texts_of
from schemas.verdicts import FAITHFULNESS, PROVENANCE, GateRequest, Passed, Rejected, Verdict
from schemas.wire import LEASES
from tests.doubles.passages import HERON, passage_of

CONFIG = Recovery("adaptive", max_attempts=3)
PASSAGES = [passage_of(f"{HERON} It has {number} households.") for number in range(120)]


class Careful:
    """A generator that is right only when it is asked to quote first."""

    async def generate(self, request: GenerationRequest) -> Completion:
        quoting = "quote" in request.messages[-1].content.lower()
        said = f"Question: Who founded entry {request.id}?\nAnswer: {'Oda Lind' if quoting else 'Vela Marr'}"
        text = f"Quote: Its founder was Oda Lind.\n{said}" if quoting else said
        return Completion(request.id, text, FinishReason.STOP, prompt_tokens=60, completion_tokens=20)


class Founder:
    """A gate that knows the founder."""

    async def check(self, request: GateRequest) -> Verdict:
        if request.draft.answer == "Oda Lind":
            return Passed(FAITHFULNESS, 0.9, 0.5)
        return Rejected(FAITHFULNESS, 0.1, 0.5)


class Anything:
    """A gate that passes everything."""

    async def check(self, request: GateRequest) -> Verdict:
        return Passed(PROVENANCE, 1.0, 1.0)


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


def service_over(ledger: MemoryLedger) -> QueueService:
    limits = QueueLimits(max_attempts=CONFIG.max_attempts, lease_s=60, fresh_share=0.25)
    settings = ServiceSettings(task="grounded_answer", samples_per_passage=1, capacity=1000)
    queue = RegenerationQueue(limits, likeness(texts_of))
    return QueueService(queue, ledger, settings, now=lambda: 100.0, news=LeaseNews(ExperienceFold()))


async def conducted(seed: int = 0) -> MemoryLedger:
    """A run to its end."""
    ledger = MemoryLedger()
    service = service_over(ledger)
    await service.offer(PASSAGES)
    await service.corpus_ended(len(PASSAGES), len(PASSAGES))
    tools = Toolbox(
        orders=InProcessOrders(service),
        task=GroundedAnswerTask(GroundedAnswer(prompts="embedded")),
        pools={PoolName("generator"): Careful()},
        gates=Gating(Anything(), {FAITHFULNESS: Founder()}, False, duplicate_verdict, build_bar(CONFIG)),
        recovery=build_recovery(CONFIG),
    )
    settings = ConductorSettings("c", concurrency=4, limits=RetryLimits(), fresh_pool=PoolName("generator"), seed=seed)
    await Conductor(tools, settings, clock=lambda: 100.0, sleep=no_wait, random=Random(0)).run()
    await service.close()
    return ledger


def attempts(ledger: MemoryLedger) -> list[tuple[str, Attempt]]:
    ends = (Rejoined, AcceptedEnd, DeadLetteredEnd)
    return [
        (record.order_id, record.attempt)
        for record in ledger.kept
        if isinstance(record, ends) and record.attempt is not None
    ]


async def test_a_run_finds_the_repair_that_works() -> None:
    """Only quoting helps: the first choices differ, the last ones agree, and nearly everything is recovered."""
    ledger = await conducted()
    chosen = [
        attempt.choice.repair.kind
        for _, attempt in attempts(ledger)
        if attempt.choice is not None and attempt.choice.repair is not None
    ]
    assert len(set(chosen[:20])) > 2
    assert chosen[-30:].count(Repairs.QUOTE_THEN_ANSWER) >= 24
    assert sum(isinstance(record, AcceptedEnd) for record in ledger.kept) > 90


async def test_every_choice_can_be_worked_out_from_the_ledger() -> None:
    """The experience that a choice names is a prefix of the ledger, and gives the very probability that was logged."""
    ledger = await conducted()
    fold = ExperienceFold()
    known: dict[int, Experience] = {0: Experience()}
    for record in ledger.kept:
        fold.apply(record)
        known[fold.attempts] = fold.experience()
    log = DecisionLog(CONFIG)
    for record in ledger.kept:
        log.apply(record)
    made: dict[tuple[str, float], Decision] = {(each.order_id, each.probability): each for each in log.decisions}
    weighing, checked = USUAL, 0
    for order_id, attempt in attempts(ledger):
        choice = attempt.choice
        decision = None if choice is None else made.get((order_id, choice.probability))
        if choice is None or decision is None or decision.by != "adaptive" or attempt.diagnosis is None:
            continue
        policy = propensities(known[choice.after], decision.mode, decision.options, weighing)
        logged = policy.stop if decision.chosen is None else policy.probabilities[policy.arms.index(decision.chosen)]
        assert logged == choice.probability
        checked += 1
    assert checked > 100
    assert {attempt.choice.after for _, attempt in attempts(ledger) if attempt.choice} > {0}


async def test_a_restarted_queue_has_forgotten_nothing() -> None:
    """The fold over its ledger is what its predecessor knew; a conductor gets it with its first lease, over the
    wire."""
    ledger = await conducted()
    again = service_over(ledger)
    expected = ExperienceFold()
    for record in ledger.kept:
        expected.apply(record)
    await again.offer([passage_of("A new town.")])
    (lease,) = await again.lease("d", 1, 0.0)
    assert LEASES.decode(LEASES.encode([lease]))[0].learnt == expected.experience()
    await again.close()


async def test_conductors_seldom_get_new_experience() -> None:
    """New experience is kept until it is enough attempts; experience that was sent is not sent again."""
    ledger = await conducted()
    del ledger.kept[len(PASSAGES) + TOLD_EVERY // 2 :]
    service = service_over(ledger)
    leases = await service.lease("c", 4, 0.0)
    assert len(leases) == 4
    assert all(lease.learnt is None for lease in leases)
    await service.close()


async def test_the_report_of_a_run() -> None:
    """Quoting is on top of its mode; the log's own value lies between resampling and the best policy's."""
    ledger = await conducted()
    report = policy_report(ledger.kept, CONFIG, seed=0)
    assert report.policies == ("adaptive",)
    assert report.repairs[0].repair == Repairs.QUOTE_THEN_ANSWER
    assert report.repairs[0].chance.value == 1.0
    values = {each.policy: each for each in report.values}
    assert list(values) == ["adaptive", "discard", "naive_resample", "rules", "greedy"]
    assert values["discard"].accepted.value == 0
    assert values["greedy"].basis == "estimated"
    assert (values["greedy"].accepted.value or 0) > (values["adaptive"].accepted.value or 0)
    assert report.decisions + report.forced + report.unknown > 0
