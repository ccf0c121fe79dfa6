"""A pool that fails as a whole is doubted, tried one call at a time, closed while it is away, and opened again."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.calls.health import Failed, Fault, HealthLimits, PoolHealth, PoolState, Started, Trial
from schemas.errors import EngineError, ErrorKind, HopError
from schemas.stages import PauseKind

LIMITS = HealthLimits(window=8, failures=3, share=0.5, trial_s=2.0, outage_s=30.0)
FAULT = EngineError(ErrorKind.RETRYABLE, "503")
REFUSED = EngineError(ErrorKind.REFUSED, "401")
BUSY = EngineError(ErrorKind.OVERLOADED, "429")


def health() -> PoolHealth[str]:
    return PoolHealth("generator", LIMITS)


def failing(pool: PoolHealth[str], calls: int, error: HopError = FAULT, now: float = 0.0) -> list[Failed]:
    """That many calls that go out and fail, of one prompt each."""
    return [pool.failed(error, pool.start(now), number, now) for number in range(calls)]


def answering(pool: PoolHealth[str], call: str = "good", now: float = 0.0) -> None:
    pool.answered(call, pool.start(now), now)


def trying(pool: PoolHealth[str], error: HopError | None, now: float) -> Trial:
    """A trial that is due, made and ended."""
    trial = pool.trial_due(now)
    assert trial is not None
    pool.tried(trial, error, pool.start(now), now)
    return trial


def test_some_failures_are_no_reason_to_doubt() -> None:
    """Two in a row after a start, or a few among many answers: calls go on."""
    pool = health()
    failing(pool, 2)
    for number in range(20):
        answering(pool, str(number))
    failing(pool, 3)
    assert pool.is_open
    assert pool.known_good == "19"


def test_bad_requests_pause_nobody() -> None:
    """Only bad requests are left at a run's end: what was answered before is answered again, at once; no outage."""
    pool = health()
    answering(pool)
    failed = failing(pool, 3)
    assert pool.state is PoolState.DOUBT
    assert {pool.fault(each) for each in failed} == {Fault.UNKNOWN}
    assert pool.pause(0.0) is None
    assert trying(pool, None, 0.0) is Trial.QUICK
    assert {pool.fault(each) for each in failed} == {Fault.REQUEST}
    assert (pool.is_open, pool.outages) == (True, 0)


def test_an_outage_pauses_and_the_first_answer_opens() -> None:
    """A server is gone for ten seconds: one trial every two seconds, and then all go, uncharged."""
    pool = health()
    answering(pool)
    failed = failing(pool, 3, now=1.0)
    trials = [now / 10 for now in range(10, 110) if pool.trial_due(now / 10) and trying(pool, FAULT, now / 10)]
    assert trials == [1.0, 3.0, 5.0, 7.0, 9.0]
    pause = pool.pause(10.9)
    assert pause is not None
    assert (pause.kind, pause.since, pause.until) == (PauseKind.AWAY, 1.0, 31.0)
    assert pause.why == "3 of the last 4 calls failed (503)"
    trying(pool, None, 11.0)
    assert (pool.pause(11.0), pool.outages, pool.is_open) == (None, 1, True)
    assert {pool.fault(each) for each in failed} == {Fault.POOL}


def test_a_call_that_was_answered_before_its_neighbours_refusal_proves_nothing() -> None:
    """The key expires while two calls are under way: the answer of the one that began before says nothing."""
    pool = health()
    early, late = pool.start(0.0), pool.start(0.0)
    refused = pool.failed(REFUSED, late, "prompt", 0.0)
    pool.answered("early", early, 1.0)
    assert pool.fault(refused) is Fault.UNKNOWN
    answering(pool, now=1.0)
    assert pool.fault(refused) is Fault.REQUEST


def test_a_refusal_leaves_the_pool_open_and_asks_for_the_whole_call() -> None:
    """One order is refused: the others go on, and what was answered last is asked again, unchanged."""
    pool = health()
    answering(pool)
    (refused,) = failing(pool, 1, REFUSED)
    assert pool.is_open
    assert trying(pool, REFUSED, 0.0) is Trial.WHOLE
    assert (pool.state, pool.fault(refused)) == (PoolState.REFUSES, Fault.POOL)
    assert pool.pause(0.0) is not None


def test_three_prompts_and_a_fixed_line_convict_a_pool_that_never_answered() -> None:
    """Two prompts and the fixed line do not, unless the line is refused again; one prompt of many orders is one."""
    pool = health()
    failing(pool, 2, REFUSED)
    assert trying(pool, REFUSED, 0.0) is Trial.FIXED
    assert pool.is_open
    assert pool.trial_due(1.0) is None
    pool.failed(REFUSED, pool.start(1.0), 1, 1.0)
    trying(pool, REFUSED, 2.0)
    assert pool.state is PoolState.REFUSES
    pool = health()
    failing(pool, 3, REFUSED)
    assert pool.state is PoolState.DOUBT
    trying(pool, REFUSED, 0.0)
    assert pool.state is PoolState.REFUSES


def test_a_late_failure_of_an_outage_is_no_news() -> None:
    """A call that began before the outage ends after it, as failed: it is charged to nobody and doubts nothing."""
    pool = health()
    answering(pool)
    begun = [pool.start(0.0) for _ in range(6)]
    failing(pool, 3)
    trying(pool, FAULT, 0.0)
    trying(pool, None, 2.0)
    late = [pool.failed(FAULT, started, "late", 3.0) for started in begun]
    assert pool.is_open
    assert {pool.fault(each) for each in late} == {Fault.POOL}


def test_it_is_given_up_when_nothing_was_answered_for_the_longest_outage() -> None:
    """Counted from the last answer, or from when the first failing call began; one that answers never is."""
    pool = health()
    answering(pool, now=5.0)
    failing(pool, 3, now=9.0)
    trying(pool, FAULT, 9.0)
    assert [pool.given_up(now) for now in (38.9, 39.0)] == [False, True]
    trying(pool, None, 39.0)
    assert not pool.given_up(1e6)
    for now in range(100, 400):
        failing(pool, 1, BUSY, now=float(now))
        answering(pool, now=now + 0.5)
        assert not pool.given_up(now + 0.9)


@pytest.mark.parametrize("kind", [ErrorKind.NONSENSE, ErrorKind.OVERLOADED])
def test_prose_and_a_full_queue_say_nothing_against_the_pool(kind: ErrorKind) -> None:
    """Judges that write prose, a full queue: no doubt; as a trial's end it says that the pool is well, unless it
    asks to wait."""
    pool = health()
    failing(pool, 20, HopError(kind, "not the pool"))
    assert pool.is_open
    failing(pool, 20)
    trying(pool, HopError(kind, "not the pool"), 0.0)
    assert pool.is_open is (kind is ErrorKind.NONSENSE)
    assert pool.outages == 0


def test_every_failed_call_is_counted_by_kind() -> None:
    """For the metrics: a prompt too long is the request's own fault and counts too, and so does what is not charged."""
    pool = health()
    failing(pool, 1, EngineError(ErrorKind.PERMANENT, "too long"))
    failing(pool, 4)
    assert pool.failures == {ErrorKind.PERMANENT: 1, ErrorKind.RETRYABLE: 4}


class Breaker(RuleBasedStateMachine):
    """Any schedule of calls, trials and ends: no refusal is charged without an answer that began later, none twice
    judged, trials are seldom while the pool is away, and one answer opens it, always."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.pool = health()
        self.calls: list[Started] = []
        self.trial: tuple[Trial, Started] | None = None
        self.failed: dict[int, tuple[Failed, int]] = {}
        self.judged: dict[int, Fault] = {}
        self.answered_from = 0
        self.last_bad_trial = -1e9

    @rule()
    def call(self) -> None:
        if self.pool.is_open:
            self.calls.append(self.pool.start(self.now))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), end=st.sampled_from(["answered", "left", *ErrorKind]))
    def end(self, data: st.DataObject, end: str | ErrorKind) -> None:
        started = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        if isinstance(end, ErrorKind):
            prompt = data.draw(st.integers(0, 4))
            failed = self.pool.failed(HopError(end, "as scripted"), started, prompt, self.now)
            self.failed[failed.number] = (failed, started.number)
        elif end == "answered":
            self.pool.answered("a call", started, self.now)
            self.answered_from = max(self.answered_from, started.number)

    @precondition(lambda self: self.trial is None)
    @rule()
    def begin_trial(self) -> None:
        due = self.pool.trial_due(self.now)
        if due is not None:
            assert self.pool.is_open or self.pool.state is PoolState.DOUBT or self.now - self.last_bad_trial >= 2.0
            self.trial = (due, self.pool.start(self.now))

    @precondition(lambda self: self.trial is not None)
    @rule(end=st.sampled_from(["answered", "left", *ErrorKind]))
    def end_trial(self, end: str | ErrorKind) -> None:
        assert self.trial is not None
        (trial, started), self.trial = self.trial, None
        if end == "left":
            return
        error = HopError(end, "as scripted") if isinstance(end, ErrorKind) else None
        if error is None or error.kind is ErrorKind.NONSENSE:
            self.answered_from = max(self.answered_from, started.number)
        else:
            self.last_bad_trial = self.now
        self.pool.tried(trial, error, started, self.now)

    @rule(seconds=st.floats(0.0, 5.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def a_refusal_is_charged_after_an_answer_alone(self) -> None:
        for number, (failed, _) in self.failed.items():
            fault = self.pool.fault(failed)
            refusal = failed.error.kind in (ErrorKind.REFUSED, ErrorKind.PERMANENT)
            if fault is Fault.REQUEST and refusal:
                assert self.answered_from > number

    @invariant()
    def a_fault_of_the_pool_stays_one(self) -> None:
        for number, (failed, _) in self.failed.items():
            if self.judged.get(number) is Fault.POOL:
                assert self.pool.fault(failed) is Fault.POOL
            self.judged[number] = self.pool.fault(failed)

    @invariant()
    def a_pause_says_until_when(self) -> None:
        pause = self.pool.pause(self.now)
        if self.pool.state in (PoolState.AWAY, PoolState.REFUSES):
            assert pause is not None
        if pause is not None:
            assert pause.since <= self.now
            assert (pause.until is not None and self.now >= pause.until) is self.pool.given_up(self.now)

    def teardown(self) -> None:
        self.now += 60.0
        trial = self.pool.trial_due(self.now)
        if not self.pool.is_open:
            assert trial is not None
        if trial is not None:
            self.pool.tried(trial, None, self.pool.start(self.now), self.now)
        assert self.pool.is_open
        self.pool.answered("a call", self.pool.start(self.now), self.now)
        assert not self.pool.given_up(self.now)
        assert Fault.UNKNOWN not in {self.pool.fault(failed) for failed, _ in self.failed.values()}


Breaker.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBreaker = Breaker.TestCase
