"""A conductor whose pools fail as a whole: what is waited for, what is done without, and what ends a run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random

import pytest
from msgspec.structs import replace

from actors.calls.health import HealthLimits
from actors.calls.retry import RetryLimits
from actors.conductor import Conductor, ConductorSettings, Gating, Toolbox
from actors.gates.own import FunctionGate, OwnSettings
from actors.protocols import AskModel
from actors.recovery.policies import build_recovery
from schemas.config import Recovery
from schemas.errors import EngineError, ErrorKind, HopError, JudgeError, NoPoolError, PoolAwayError
from schemas.ids import PoolName
from schemas.orders import Accept, DeadLetter, EndReason, Lease
from schemas.recovery import Repair, Repairs
from schemas.samples import Completion, GenerationRequest, Made, Prompt, Sampling
from schemas.stages import Pause, PauseKind
from schemas.verdicts import DIVERSITY, FAITHFULNESS, PROVENANCE, REWARD, GateRequest, Rejected, Verdict
from tests.doubles.conductors import GENERATOR, AskAndRead, Book, Model, Says, lease, passed, rejected
from tests.doubles.leaping_loop import leaping, now

STRONG = PoolName("strong")
LIMITS = RetryLimits(retries=2, timeout_s=5)
GONE = EngineError(ErrorKind.RETRYABLE, "127.0.0.1:8123 refuses connections")
EPOCH = 1_700_000_000.0
ESCALATE = Repair(Repairs.ESCALATE, 0.5, pool=STRONG)


class Answers(Model):
    """Answers in 0.1 s, but for what `fails` says of the request at that moment."""

    def __init__(self, fails: Callable[[GenerationRequest], HopError | None] = lambda request: None) -> None:
        super().__init__()
        self._fails = fails
        self.asked_at: list[float] = []

    async def generate(self, request: GenerationRequest) -> Completion:
        self.asked_at.append(now())
        await asyncio.sleep(0.1)
        error = self._fails(request)
        if error is not None:
            raise error
        return await super().generate(request)


class Judges(Says):
    """Passes what it is shown, and fails between two moments."""

    def __init__(self, error: HopError, since: float, until: float) -> None:
        super().__init__(passed(FAITHFULNESS))
        self._error, self._since, self._until = error, since, until

    async def check(self, request: GateRequest) -> Verdict:
        await asyncio.sleep(0.1)
        if self._since <= now() < self._until:
            raise self._error
        return await super().check(request)


class Slots(AskAndRead):
    """A prompt of its own for each slot."""

    def prompt(self, lease: Lease) -> Prompt:
        prompt = super().prompt(lease)
        (message,) = prompt.messages
        return replace(prompt, messages=(replace(message, content=f"{message.content} {lease.order.slot}"),))


def conducting(
    book: Book,
    model: Model,
    judge: Says | None = None,
    *,
    strong: Model | None = None,
    outage_s: float = 600.0,
    wall: Callable[[], float] = lambda: EPOCH + now(),
) -> Conductor:
    return over(tools_of(book, model, judge, strong), outage_s=outage_s, wall=wall)


def stepping(book: Book, strong: Model, *, named: str = STRONG, outage_s: float = 600.0) -> Conductor:
    """Of a task whose calls name a pool."""
    tools = tools_of(book, Answers(), None, strong)
    return over(replace(tools, task=AsksPool(named), needed_pools=frozenset({STRONG})), outage_s=outage_s)


def tools_of(book: Book, model: Model, judge: Says | None, strong: Model | None) -> Toolbox:
    pools = {GENERATOR: model} | ({} if strong is None else {STRONG: strong})
    gates = Gating(
        provenance=Says(passed(PROVENANCE)),
        scored={
            FAITHFULNESS: judge or Says(passed(FAITHFULNESS)),
            REWARD: Says(passed(REWARD)),
        },
        short_circuit=False,
        duplicate=lambda found: Rejected(gate=DIVERSITY, score=0.0, threshold=0.1),
    )
    recovery = Recovery(policy="rules", max_attempts=2, escalate_to=STRONG)
    return Toolbox(
        orders=book,
        task=Slots(),
        pools=pools,
        gates=gates,
        recovery=build_recovery(recovery),
        unescalated=build_recovery(replace(recovery, escalate_to=None)),
    )


def over(tools: Toolbox, *, outage_s: float, wall: Callable[[], float] = lambda: EPOCH + now()) -> Conductor:
    settings = ConductorSettings("c", 8, LIMITS, GENERATOR, HealthLimits(outage_s=outage_s))
    return Conductor(tools, settings, clock=wall, monotonic=now, sleep=asyncio.sleep, random=Random(0))


class AsksPool(Slots):
    """Every call names a pool, as a step's may."""

    def __init__(self, pool: str) -> None:
        self._pool = PoolName(pool)

    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        completion = await ask(self.prompt(lease), pool=self._pool)
        yield Made(lease.order.id, self.read(lease, completion.text, completion.finish))


def leases(number: int) -> list[Lease]:
    return [lease(slot) for slot in range(number)]


@pytest.mark.parametrize("kind", [ErrorKind.REFUSED, ErrorKind.PERMANENT])
def test_one_bad_prompt_among_two_hundred_orders_is_one_dead_letter(kind: ErrorKind) -> None:
    """One passage is moderated: 199 orders are accepted, one ends as engine_error; the pool is never paused."""

    async def main() -> None:
        refused = EngineError(kind, "HTTP 400: content policy")
        book = Book(*leases(200))
        model = Answers(lambda request: refused if request.messages[0].content.endswith(" 17") else None)
        conductor = conducting(book, model)
        paused: list[Pause] = []
        running = asyncio.ensure_future(conductor.run())
        while not running.done():
            paused += conductor.status().paused
            await asyncio.sleep(0.05)
        await running
        decisions = [outcome.decision for outcome in book.outcomes]
        assert decisions.count(Accept()) == 199
        (end,) = [decision for decision in decisions if decision != Accept()]
        assert end == DeadLetter(EndReason.ENGINE_ERROR, "HTTP 400: content policy", error=kind)
        assert paused == []

    leaping(main())


def test_a_key_that_is_refused_from_the_fourth_call_on_costs_no_order() -> None:
    """The key expires, the pool is shown as refusing with how many orders wait, the key is renewed: all are accepted at
    their first attempt."""

    async def main() -> None:
        begun = 0

        def refuses(request: GenerationRequest) -> HopError | None:
            nonlocal begun
            begun += 1
            late = begun > 3 and now() < 100
            return EngineError(ErrorKind.REFUSED, "http://x/v1: HTTP 401; the key is refused") if late else None

        book = Book(*leases(100))
        conductor = conducting(book, Answers(refuses))
        running = asyncio.ensure_future(conductor.run())
        await asyncio.sleep(50)
        (pause,) = conductor.status().paused
        assert (pause.name, pause.kind, pause.waiting) == ("generator", PauseKind.REFUSED, 8)
        assert pause.since == pytest.approx(EPOCH, abs=2)
        assert pause.until == pytest.approx(pause.since + 600)
        assert "the key is refused" in pause.why
        await running
        assert [outcome.decision for outcome in book.outcomes] == [Accept()] * 100
        assert {outcome.attempt.number for outcome in book.outcomes} == {1}

    leaping(main())


@pytest.mark.parametrize(
    "error",
    [
        GONE,
        EngineError(ErrorKind.REFUSED, "HTTP 404; no such model"),
        EngineError(ErrorKind.PERMANENT, "this template knows no role 'system'"),
        EngineError(ErrorKind.OVERLOADED, "HTTP 429; insufficient_quota"),
    ],
)
def test_a_generator_that_answers_nothing_ends_the_conductor_and_no_order(error: HopError) -> None:
    """The model server is gone for good: after `outage_s` the conductor ends with that pool, its error and since when;
    no order was reported."""

    async def main() -> None:
        book = Book(*leases(50))
        with pytest.raises(PoolAwayError) as raised:
            await conducting(book, Answers(lambda request: error), outage_s=300).run()
        assert (raised.value.pool, raised.value.since) == ("generator", pytest.approx(EPOCH, abs=1))
        assert error.detail in str(raised.value)
        assert book.outcomes == []
        assert 300 <= now() <= 305

    leaping(main())


def test_a_judge_that_goes_away_ends_the_conductor_too() -> None:
    """No order can do without a gate: those that were judged are accepted, the rest is left to the next run."""

    async def main() -> None:
        book = Book(*leases(50))
        judge = Judges(JudgeError(ErrorKind.RETRYABLE, "no route to host"), since=0.5, until=1e9)
        with pytest.raises(PoolAwayError, match=r"faithfulness does not answer.*no route to host"):
            await conducting(book, Answers(), judge, outage_s=60).run()
        assert [outcome.decision for outcome in book.outcomes] == [Accept()] * len(book.outcomes)
        assert 0 < len(book.outcomes) < 50
        assert now() < 70

    leaping(main())


def test_a_short_outage_of_a_judge_costs_its_own_length() -> None:
    """Twelve seconds without the judge: every order is accepted at its first attempt, two seconds later at most."""

    async def main() -> None:
        book = Book(*leases(50))
        judge = Judges(JudgeError(ErrorKind.RETRYABLE, "no route to host"), since=0.5, until=12.5)
        await conducting(book, Answers(), judge).run()
        assert [outcome.decision for outcome in book.outcomes] == [Accept()] * 50
        assert now() < 12 + 2 + 50 / 8 * 0.25 + 1

    leaping(main())


def test_the_pool_that_a_step_names_is_waited_for_and_no_other_stands_in() -> None:
    """A step's model is loaded anew for a minute and a half: its orders wait, and the generator writes nothing."""

    async def main() -> None:
        book = Book(*leases(8))
        await stepping(book, Answers(lambda request: GONE if now() < 90 else None)).run()
        assert [outcome.decision for outcome in book.outcomes] == [Accept()] * 8 and now() > 90
        assert {outcome.attempt.candidate.pool for outcome in book.outcomes if outcome.attempt.candidate} == {STRONG}

    leaping(main())


def test_a_step_whose_pool_is_given_up_ends_the_run_and_no_order() -> None:
    """As for the generator: the same command goes on when the pool is back."""

    async def main() -> None:
        book = Book(*leases(8))
        with pytest.raises(PoolAwayError, match="strong does not answer"):
            await stepping(book, Answers(lambda request: GONE), outage_s=60.0).run()
        assert book.outcomes == [] and 60 <= now() < 70

    leaping(main())


@pytest.mark.parametrize("back_s", [60, None])
def test_the_pool_that_a_gate_asks_is_waited_for(back_s: int | None) -> None:
    """The judges' server is started anew: verdicts wait, and no order ends for want of one. If it stays away, the run
    ends with its orders outstanding."""

    async def check(request: GateRequest, ask: AskModel) -> bool:
        return bool(await ask(Prompt((), Sampling()), pool=STRONG))

    async def main() -> None:
        book, strong = Book(*leases(8)), Answers(lambda request: GONE if back_s is None or now() < back_s else None)
        tools = tools_of(book, Answers(), None, strong)
        judge = FunctionGate(OwnSettings(FAITHFULNESS, 0.5, ()), check, {})
        gates = replace(tools.gates, scored={FAITHFULNESS: judge})
        running = over(replace(tools, gates=gates, needed_pools=frozenset({STRONG})), outage_s=120.0).run()
        if back_s is None:
            with pytest.raises(PoolAwayError, match="does not answer"):
                await running
            assert book.outcomes == []
        else:
            await running
            assert [outcome.decision for outcome in book.outcomes] == [Accept()] * 8

    leaping(main())


def test_a_task_that_asks_a_pool_that_there_is_not_is_one_error_and_ends_no_order() -> None:
    """A misspelt name in the user's code, met at the first call; the line names the nearest pool."""

    async def main() -> None:
        book = Book(*leases(8))
        with pytest.raises(NoPoolError) as raised:
            await stepping(book, Answers(), named="stron").run()
        assert str(raised.value) == "task: it asks the pool 'stron', and there is none; did you mean 'strong'?"
        assert book.outcomes == []

    leaping(main())


def test_an_escalation_pool_that_is_away_only_disables_escalation() -> None:
    """The strong model is down: an order that was to go there is made by the generator, the next rejected order gets
    the repair of its table and says why; when the model is back, escalation goes on."""

    async def main() -> None:
        strong = Answers(lambda request: GONE if now() < 100 else None)
        book = Book(*[lease(slot, attempt=2, repair=ESCALATE) for slot in range(8)])
        conductor = conducting(book, Answers(), Says(rejected(FAITHFULNESS)), strong=strong)
        await conductor.run()
        assert {outcome.attempt.candidate.pool for outcome in book.outcomes if outcome.attempt.candidate} == {GENERATOR}
        assert now() < 20
        (pause,) = conductor.status().paused
        assert (pause.name, pause.kind, pause.waiting) == (STRONG, PauseKind.AWAY, 0)

        book.waiting, book.outcomes = leases(8), []
        await conductor.run()
        choices = [outcome.attempt.choice for outcome in book.outcomes]
        assert {choice.repair.pool for choice in choices if choice and choice.repair} <= {None, STRONG}
        told = [choice.reason for choice in choices if choice and choice.repair and choice.repair.pool is None]
        assert told
        assert all("not escalated: strong is away" in reason for reason in told)

        await asyncio.sleep(100)
        book.waiting, book.outcomes = [lease(slot, attempt=2, repair=ESCALATE) for slot in range(8)], []
        await conductor.run()
        assert {outcome.attempt.candidate.pool for outcome in book.outcomes if outcome.attempt.candidate} == {STRONG}
        assert conductor.status().paused == ()

    leaping(main())


def test_a_pool_that_is_merely_busy_is_shown_after_some_seconds() -> None:
    """429 for a minute: shown as overloaded, with how many orders wait; nothing is lost."""

    async def main() -> None:
        busy = EngineError(ErrorKind.OVERLOADED, "HTTP 429")
        book = Book(*leases(20))
        conductor = conducting(book, Answers(lambda request: busy if now() < 60 else None))
        running = asyncio.ensure_future(conductor.run())
        await asyncio.sleep(20)
        (pause,) = conductor.status().paused
        assert (pause.kind, pause.why) == (PauseKind.OVERLOADED, "HTTP 429")
        assert 7 <= pause.waiting <= 8
        await running
        assert [outcome.decision for outcome in book.outcomes] == [Accept()] * 20

    leaping(main())


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_a_clock_that_is_set_changes_no_wait(jump_s: float) -> None:
    """NTP sets the wall's clock by an hour during an outage of twelve seconds: no pool is given up, nothing waits
    longer, and what is recorded is the wall's time."""

    async def main() -> None:
        def wall() -> float:
            return EPOCH + now() + (jump_s if now() > 5 else 0.0)

        book = Book(*leases(200))
        model = Answers(lambda request: GONE if 1 < now() < 13 else None)
        await conducting(book, model, outage_s=60, wall=wall).run()
        assert [outcome.decision for outcome in book.outcomes] == [Accept()] * 200
        assert now() < 13 + 2 + 200 / 8 * 0.2
        attempts = [outcome.attempt for outcome in book.outcomes]
        assert all(0 <= attempt.seconds < 20 for attempt in attempts)
        assert attempts[0].started_at == pytest.approx(EPOCH, abs=1)
        assert attempts[-1].started_at == pytest.approx(EPOCH + now() + jump_s, abs=1)

    leaping(main())


def test_a_bug_in_a_gate_is_told_with_its_place() -> None:
    """A custom gate has a wrong keyword: the order ends with type, message, file and line, and not with a group."""

    async def main() -> None:
        book = Book(lease())
        await conducting(book, Answers(), Says(TypeError("classify() got an unexpected keyword"))).run()
        (outcome,) = book.outcomes
        assert isinstance(outcome.decision, DeadLetter)
        assert outcome.decision.reason is EndReason.INTERNAL_ERROR
        assert outcome.decision.detail.startswith("TypeError: classify() got an unexpected keyword (conductors.py:")

    leaping(main())


def test_a_fixed_trial_keeps_the_roles() -> None:
    """A server that refuses a role refuses it in the fixed line too: the pool is to blame, and no order pays."""

    async def main() -> None:
        model = Answers(lambda request: EngineError(ErrorKind.REFUSED, "role 'user' is refused"))
        with pytest.raises(PoolAwayError, match="role 'user' is refused"):
            await conducting(Book(*leases(3)), model, outage_s=10).run()

    leaping(main())
