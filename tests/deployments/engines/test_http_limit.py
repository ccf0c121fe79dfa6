"""The limit towards one server under any schedule of calls, ends and time."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.calls.tuned_limit import ServerLoad, TunedLimit
from deployments.engines.http_limit import (
    BUSY_IN_A_ROW,
    LONGEST_HOLD_S,
    TRIAL_WAIT_S,
    CallEnd,
    Full,
    HeldBack,
    Sent,
    ServerLimit,
)

CONCURRENCY = 8
MOST = 4096


def sent(limit: ServerLimit, now: float) -> Sent:
    """A call that is let through."""
    call = limit.admit(now)
    assert isinstance(call, Sent)
    return call


def test_holds_grow_to_a_minute_with_one_trial_each() -> None:
    """A server says 429 for minutes and not for how long: half a second, one, two, … a minute; one call in between."""
    limit, now, holds = ServerLimit(CONCURRENCY), 0.0, []
    for _ in range(10):
        limit.settle(sent(limit, now), CallEnd.LIMITED, now)
        held = limit.admit(now)
        assert isinstance(held, HeldBack)
        holds.append(held.retry_after_s)
        now += held.retry_after_s
    assert holds == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    sent(limit, now)
    assert limit.admit(now) == HeldBack(TRIAL_WAIT_S)


def test_what_the_server_asks_for_is_kept() -> None:
    """Retry-After: 7 holds for seven seconds, whatever happened before; an hour is tried after a minute."""
    limit = ServerLimit(CONCURRENCY)
    limit.settle(sent(limit, 0.0), CallEnd.LIMITED, 0.0, 7.0)
    assert limit.admit(3.0) == HeldBack(4.0)
    limit.settle(sent(limit, 7.0), CallEnd.LIMITED, 7.0, 3_600.0)
    assert limit.admit(7.0) == HeldBack(60.0)


def test_calls_sent_before_the_hold_tell_nothing_new() -> None:
    """Fifty calls are refused at the same moment: that is one refusal, not fifty."""
    limit = ServerLimit(CONCURRENCY)
    calls = [sent(limit, 0.0) for _ in range(CONCURRENCY)]
    for call in calls[:4]:
        limit.settle(call, CallEnd.LIMITED, 1.0)
    trial = sent(limit, 1.5)
    for call in calls[4:]:
        limit.settle(call, CallEnd.LIMITED, 1.6)
    limit.settle(trial, CallEnd.ANSWERED, 2.0)
    assert isinstance(limit.admit(2.0), Sent)


def test_it_grows_again_after_a_closed_time() -> None:
    """The trial was refused at first: after that one call at once, two, four …, all of them in the end."""
    limit = ServerLimit(CONCURRENCY)
    limit.settle(sent(limit, 0.0), CallEnd.LIMITED, 0.0)
    limit.settle(sent(limit, 0.5), CallEnd.LIMITED, 0.5)
    limit.settle(sent(limit, 1.5), CallEnd.ANSWERED, 1.5)
    at_once = []
    for _ in range(20):
        calls = []
        while isinstance(call := limit.admit(2.0), Sent):
            calls.append(call)
        assert call == Full()
        for each in calls:
            limit.settle(each, CallEnd.ANSWERED, 2.0)
        at_once.append(len(calls))
    assert at_once[:3] == [1, 2, 4]
    assert at_once == sorted(at_once)
    assert at_once[-1] == CONCURRENCY


def test_some_busy_answers_among_others_hold_nobody() -> None:
    """A server has no room for three calls in ten: those wait, the others go on; only when nothing is answered any
    more is it held back from, and for two seconds at most."""
    limit = ServerLimit(CONCURRENCY)
    for _ in range(20):
        for end in (CallEnd.BUSY, CallEnd.BUSY, CallEnd.ANSWERED, CallEnd.BUSY, CallEnd.ANSWERED):
            limit.settle(sent(limit, 0.0), end, 0.0)
    for _ in range(BUSY_IN_A_ROW):
        limit.settle(sent(limit, 0.0), CallEnd.BUSY, 0.0)
    now = 0.0
    for hold in (0.5, 1.0, 2.0, 2.0):
        assert limit.admit(now) == HeldBack(hold)
        now += hold
        limit.settle(sent(limit, now), CallEnd.BUSY, now, 30.0 if hold == 2.0 else None)


def test_a_trial_without_an_answer_makes_way_for_the_next() -> None:
    """The order of the trial is cancelled: the next call tries, and nobody waits for ever."""
    limit = ServerLimit(CONCURRENCY)
    limit.settle(sent(limit, 0.0), CallEnd.LIMITED, 0.0)
    limit.settle(sent(limit, 0.5), CallEnd.UNKNOWN, 0.6)
    assert sent(limit, 0.6).trial


def tuned(first: int = 16) -> ServerLimit:
    """A limit without a configured number."""
    return ServerLimit(MOST, TunedLimit(MOST, first))


def test_a_refusal_among_answers_holds_nobody() -> None:
    """No number is configured and the server has no place for one call more: that one waits, the others go on."""
    limit = tuned()
    calls = [sent(limit, 0.0) for _ in range(16)]
    assert limit.admit(0.0) == Full()
    limit.settle(calls.pop(), CallEnd.LIMITED, 0.1)
    assert limit.slots == 15
    limit.settle(calls.pop(), CallEnd.ANSWERED, 0.2, tokens=10)
    sent(limit, 0.2)


def test_refusals_of_all_calls_hold_them_back() -> None:
    """No number is configured and the server refuses all that it was sent: one trial finds out when that is over."""
    limit = tuned(4)
    calls = [sent(limit, 0.0) for _ in range(4)]
    for call in calls:
        limit.settle(call, CallEnd.LIMITED, 0.1)
    assert limit.admit(0.1) == HeldBack(0.5)
    trial = sent(limit, 0.6)
    assert trial.trial
    limit.settle(trial, CallEnd.ANSWERED, 1.0, tokens=10)
    assert limit.slots == 1


def test_a_delay_that_is_asked_for_is_kept_without_a_number_too() -> None:
    """Retry-After: 7 among answers: nothing is sent for seven seconds, and then as much as before, nearly."""
    limit = tuned()
    calls = [sent(limit, 0.0) for _ in range(16)]
    limit.settle(calls.pop(), CallEnd.LIMITED, 0.1, 7.0)
    assert limit.admit(1.0) == HeldBack(6.1)
    limit.settle(sent(limit, 7.2), CallEnd.ANSWERED, 7.3, tokens=10)
    assert limit.slots == 15


def test_a_configured_number_stays() -> None:
    """Whatever the server says of its load, and however fast it is: the user's number is the user's."""
    limit = ServerLimit(CONCURRENCY)
    for _ in range(200):
        limit.settle(sent(limit, 0.0), CallEnd.ANSWERED, 0.001, tokens=10)
        limit.told(ServerLoad(running=1, waiting=0), 0.001)
    assert limit.slots == CONCURRENCY


class Schedule(RuleBasedStateMachine):
    """Calls are admitted, end in any order and any way, while time goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = ServerLimit(CONCURRENCY)
        self.now = 0.0
        self.under_way: list[Sent] = []

    @rule()
    def call(self) -> None:
        match self.limit.admit(self.now):
            case Sent() as call:
                self.under_way.append(call)
            case HeldBack(wait_s):
                assert 0 < wait_s <= max(LONGEST_HOLD_S.values())
            case Full():
                assert self.under_way

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), end=st.sampled_from(CallEnd), asked=st.none() | st.floats(0, 1e9))
    def end(self, data: st.DataObject, end: CallEnd, asked: float | None) -> None:
        call = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.limit.settle(call, end, self.now, asked)
        if call.trial and end is CallEnd.LIMITED:
            assert isinstance(self.limit.admit(self.now), HeldBack)

    @rule(seconds=st.integers(1, 10))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def bounded(self) -> None:
        """Never more than `concurrency`, but for the trial, and one trial at most."""
        assert len(self.under_way) <= CONCURRENCY + 1
        assert sum(call.trial for call in self.under_way) <= 1

    def teardown(self) -> None:
        """Whatever happened: when every call has ended and time has passed, a call is let through."""
        for call in self.under_way:
            self.limit.settle(call, CallEnd.UNKNOWN, self.now)
        assert isinstance(self.limit.admit(self.now + max(LONGEST_HOLD_S.values())), Sent)


class TunedSchedule(Schedule):
    """The same without a configured number, where a call of the schedule never has another number allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = ServerLimit(CONCURRENCY, TunedLimit(CONCURRENCY))


SETTINGS = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestSchedule, TestTunedSchedule = Schedule.TestCase, TunedSchedule.TestCase
TestSchedule.settings = TestTunedSchedule.settings = SETTINGS
