"""The circuit breaker under any schedule of calls, ends and time."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from deployments.engines.breaker import Admitted, BreakerLimits, CallEnd, CircuitBreaker, Refused

LIMITS = BreakerLimits(failures=3, open_s=5.0)


def test_three_failures_in_a_row_open_it() -> None:
    """Two failures, an answer, two failures: still closed. One more: nothing is sent for five seconds."""
    breaker = CircuitBreaker(LIMITS)
    for end in (CallEnd.FAILED, CallEnd.FAILED, CallEnd.ANSWERED, CallEnd.FAILED, CallEnd.UNKNOWN, CallEnd.FAILED):
        breaker.settle(Admitted(), end, 0.0)
    assert breaker.admit(0.0) == Admitted()
    breaker.settle(Admitted(), CallEnd.FAILED, 1.0)
    assert breaker.admit(2.0) == Refused(4.0)
    assert breaker.admit(6.0) == Admitted(trial=True)


def test_late_ends_change_nothing() -> None:
    """Calls that were sent before it opened may end in any way: the trial alone decides."""
    breaker = CircuitBreaker(LIMITS)
    for _ in range(3):
        breaker.settle(Admitted(), CallEnd.FAILED, 0.0)
    breaker.settle(Admitted(), CallEnd.ANSWERED, 1.0)
    breaker.settle(Admitted(), CallEnd.FAILED, 4.0)
    assert breaker.admit(4.0) == Refused(1.0)


class Schedule(RuleBasedStateMachine):
    """Calls are admitted, end in any order and any way, while time goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CircuitBreaker(LIMITS)
        self.now = 0.0
        self.under_way: list[Admitted] = []
        self.refused_until = 0.0

    @rule()
    def call(self) -> None:
        match self.breaker.admit(self.now):
            case Admitted() as call:
                assert self.now >= self.refused_until or call.trial
                self.under_way.append(call)
            case Refused(wait_s):
                assert 0 < wait_s <= LIMITS.open_s

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), end=st.sampled_from(CallEnd))
    def end(self, data: st.DataObject, end: CallEnd) -> None:
        call = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.breaker.settle(call, end, self.now)
        if call.trial and end is CallEnd.FAILED:
            self.refused_until = self.now + LIMITS.open_s
            assert self.breaker.admit(self.now) == Refused(LIMITS.open_s)
        if call.trial and end is CallEnd.ANSWERED:
            assert self.breaker.admit(self.now) == Admitted()

    @rule(seconds=st.integers(1, 10))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def one_trial_at_most(self) -> None:
        assert sum(call.trial for call in self.under_way) <= 1

    def teardown(self) -> None:
        """Whatever happened: when every call has ended and time has passed, a call is let through."""
        for call in self.under_way:
            self.breaker.settle(call, CallEnd.UNKNOWN, self.now)
        assert isinstance(self.breaker.admit(self.now + LIMITS.open_s), Admitted)


TestSchedule = Schedule.TestCase
TestSchedule.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
