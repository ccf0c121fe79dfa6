"""What becomes of a wrong solution when steps are credited: it waits, is labelled, restarts; nothing waits for it."""

from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace

from actors.credit.desk import CreditDesk
from actors.credit.plan import RolloutOwner
from actors.queue.credits import Credits, CreditTerms
from actors.queue.ends import BUDGET_SPENT
from actors.queue.held import QueueLimits
from actors.queue.machine import RegenerationQueue
from schemas.config_credit import Credit
from schemas.credit import CreditLabel, PolicyVersion, Stop
from schemas.ledger import CreditBegun, Credited, DeadLetteredEnd, Record, Rolled, StaleReport
from schemas.orders import Lease, OrderKind, Outcome
from schemas.recovery import Repairs
from schemas.samples import Cost
from tests.doubles.solutions import TOKENS, given_up, orders, problem, rolled, solution, solved, unanswered, wrong

CONFIG = Credit(token_share=1.0)
WAIT_S, MOST_OPEN = 60.0, 10
GOOD_STEPS = 2
"""Of the wrong solutions here: rollouts from so many steps come out right, later ones never."""


class Run:
    """A queue, and what a ledger would hold."""

    def __init__(
        self,
        config: Credit = CONFIG,
        *,
        restart: bool = True,
        tokens: int | None = None,
        most_open: int = MOST_OPEN,
    ) -> None:
        limits = QueueLimits(3, lease_s=600.0, fresh_share=0.25, tokens=tokens, rollout_share=0.25)
        self.desk = CreditDesk(config, RolloutOwner(PolicyVersion("double"), seed=7))
        credits = Credits(self.desk, CreditTerms(config, 0.7, restart=restart, most_open=most_open, wait_s=WAIT_S))
        self.queue = RegenerationQueue(limits, lambda a, b: 0.0, listener=credits)
        self.records: list[Record] = []
        self.now = 0.0

    def plan(self, number: int, slots: int = 1) -> None:
        one = problem(number)
        planned = self.queue.plan(one, orders(one, slots), self.now)
        assert planned is not None
        self.records.append(planned)

    def lease(self, limit: int = 100) -> list[Lease]:
        return self.queue.lease(self.now, "c", limit)

    def settle(self, outcome: Outcome) -> None:
        _, record = self.queue.settle(outcome, self.now)
        self.records += [*([] if record is None else [record]), *self.queue.followed()]
        self.queue.check()

    def roll(self, right: Callable[[int], bool]) -> list[Lease]:
        """Makes rollouts until none is asked for; gives what else was leased meanwhile."""
        others: list[Lease] = []
        while leases := self.lease():
            for lease in leases:
                if lease.order.kind is OrderKind.ROLLOUT:
                    assert lease.repair is not None
                    self.settle(rolled(lease, right=right(lease.repair.prefix.count("\n"))))
                else:
                    others.append(lease)
        return others

    @property
    def labels(self) -> list[CreditLabel]:
        return [record.label for record in self.records if isinstance(record, Credited)]

    @property
    def rollouts(self) -> list[Rolled]:
        return [record for record in self.records if isinstance(record, Rolled)]


def good(steps: int) -> bool:
    return steps <= GOOD_STEPS


def test_a_wrong_solution_restarts_behind_its_last_good_step() -> None:
    """Step 3 of 5 is the mistake: the next attempt goes on from the first two."""
    run = Run()
    run.plan(1)
    (lease,) = run.lease()
    run.settle(wrong(lease, solution(5)))
    (again,) = run.roll(good)

    (label,) = run.labels
    assert (label.first_pit, label.stopped) == (GOOD_STEPS + 1, Stop.DECIDED)
    assert label.probability >= CONFIG.confidence
    assert again.attempt == 2
    assert again.repair is not None
    assert (again.repair.kind, again.repair.origin) == (Repairs.RESTART_FROM_PREFIX, 1)
    assert again.repair.prefix == "Step 1 of way 0.\nStep 2 of way 0.\n"
    run.settle(solved(again, again.repair.prefix + "#### 2"))
    assert (run.queue.accepted, run.queue.outstanding, run.queue.issued) == (1, 0, 1)
    assert run.queue.idle


def test_a_label_says_what_it_rests_on() -> None:
    """n, k, interval, policy version and seed; the problem's own solve rate from the first attempts of its other
    orders: the wrong solution itself is there because it is wrong."""
    run = Run()
    run.plan(1, slots=3)
    first, second, third = run.lease()
    run.settle(solved(first))
    run.settle(solved(second))
    run.settle(wrong(third, solution(4)))
    run.roll(good)
    (label,) = run.labels
    labelled = next(place for place, record in enumerate(run.records) if isinstance(record, Credited))
    before = [record for record in run.records[:labelled] if isinstance(record, Rolled)]
    assert (label.policy, label.seed, label.steps) == ("double", 7, 4)
    assert (label.values[0].n, label.values[0].k) == (2, 2)
    assert label.values[-1].q == 0.0
    for value in label.values[1:-1]:
        made = [roll.right for roll in before if roll.prefix == solution(4)[: value.end]]
        assert (value.n, value.k) == (len(made), made.count(True))
        assert value.q is not None
        assert 0 <= value.low <= value.q <= value.high <= 1
    drop = label.advantage(3)
    assert drop is not None
    assert drop < 0
    assert label.asked == len(before)
    assert label.cost.tokens == TOKENS * len(before)


def test_rollouts_come_last_but_get_their_share() -> None:
    """A long corpus does not keep a rejected solution waiting for its end, and rollouts do not keep the corpus."""
    run = Run(replace(CONFIG, at_once=4, min_rollouts=4))
    for number in range(1, 10):
        run.plan(number)
    (lease,) = run.lease(1)
    run.settle(wrong(lease, solution(5)))
    kinds = [run.lease(1)[0].order.kind for _ in range(8)]
    assert [kind is OrderKind.ROLLOUT for kind in kinds] == [False, False, False, True] * 2


def test_a_draw_from_a_shared_prefix_is_paid_once() -> None:
    """Two wrong solutions of one problem begin alike: what is known of the common prefix serves both."""
    run = Run(replace(CONFIG, min_rollouts=3))
    run.plan(1, slots=2)
    first, second = run.lease()
    run.settle(given_up(first, solution(5)))
    run.roll(good)
    before = len(run.rollouts)
    run.settle(given_up(second, solution(6)))
    run.roll(good)
    one, two = run.labels
    drawn = [(roll.prefix, roll.draw) for roll in run.rollouts]
    assert len(drawn) == len(set(drawn))
    assert two.asked <= len(run.rollouts) - before < one.asked
    assert all(after.n >= value.n >= 3 for value, after in zip(one.values[1:3], two.values[1:3], strict=True))


def test_an_order_waits_no_longer_than_it_may() -> None:
    """Rollouts that never come back: the order is drawn again from the problem, and the late label is still kept."""
    run = Run()
    run.plan(1)
    (lease,) = run.lease()
    run.settle(wrong(lease, solution(5)))
    rollouts = run.lease()
    assert {lease.order.kind for lease in rollouts} == {OrderKind.ROLLOUT}
    run.now += WAIT_S + 1
    (again,) = run.lease()
    assert again.repair is not None
    assert (again.repair.kind, again.repair.prefix) == (Repairs.RESAMPLE, "")
    run.settle(solved(again))
    for late in rollouts:
        run.settle(rolled(late, right=False))
    run.roll(good)
    assert len(run.labels) == 1
    assert run.queue.idle


def test_a_dead_letter_is_credited_too() -> None:
    """Its solution is a negative to train on; the run is over when its label is there."""
    run = Run()
    run.plan(1)
    (lease,) = run.lease()
    run.settle(given_up(lease, solution(5)))
    assert run.queue.outstanding == 0
    assert not run.queue.idle
    assert run.roll(good) == []
    assert run.labels[0].first_pit == GOOD_STEPS + 1
    assert run.queue.idle


def test_naive_resampling_stays_naive() -> None:
    """The arm to compare with draws again at once; its solutions are credited beside it."""
    run = Run(restart=False)
    run.plan(1)
    (lease,) = run.lease()
    run.settle(wrong(lease, solution(5)))
    (again,) = run.roll(good)
    assert again.repair is not None
    assert again.repair.kind == Repairs.RESAMPLE
    assert len(run.labels) == 1


def test_beyond_its_share_of_tokens_nothing_more_is_credited() -> None:
    """Rollouts would cost more than the samples: the next wrong solution is drawn again, at once."""
    run = Run(replace(CONFIG, token_share=0.2))
    run.plan(1, slots=2)
    first, second = run.lease()
    run.settle(wrong(first, solution(5)))
    run.roll(good)
    run.settle(wrong(second, solution(5, variant=1)))
    again = [lease for lease in run.lease() if lease.order.id == second.order.id]
    assert [lease.repair.kind for lease in again if lease.repair] == [Repairs.RESAMPLE]
    assert sum(isinstance(record, CreditBegun) for record in run.records) == 1


def test_a_spent_budget_ends_every_credit_with_what_is_known() -> None:
    """The label says that it was not decided; the order that waited is dead-lettered like any other."""
    run = Run(tokens=6 * TOKENS)
    run.plan(1)
    (lease,) = run.lease()
    run.settle(wrong(lease, solution(5)))
    while leases := run.lease(1):
        run.settle(rolled(leases[0], right=False))
    run.records += [*run.queue.end_unleased(run.now, BUDGET_SPENT), *run.queue.followed()]
    run.queue.check()
    (label,) = run.labels
    assert label.stopped is Stop.BUDGET
    assert (run.queue.dead_lettered, run.queue.outstanding) == (1, 0)
    assert run.queue.idle


def test_an_engine_that_fails_ends_credits_with_their_budget() -> None:
    """Failed rollouts say nothing, are asked for no more often than the bound says, and the order goes on."""
    run = Run(replace(CONFIG, max_rollouts=6))
    run.plan(1)
    (lease,) = run.lease()
    run.settle(wrong(lease, solution(5)))
    made = 0
    while (leases := run.lease()) and leases[0].order.kind is OrderKind.ROLLOUT:
        for rollout in leases:
            run.settle(unanswered(rollout))
            made += 1
    assert made == 6
    assert [(roll.right, roll.text) for roll in run.rollouts] == [(None, "")] * 6
    assert [value.n for value in run.labels[0].values] == [0] * 6, "nothing but the wrong solution is known"
    assert leases[0].order.id == lease.order.id


def test_a_crash_pays_for_nothing_twice() -> None:
    """After any record the process dies: what is drawn from there on completes what was, and the pit is the same."""
    whole = Run()
    whole.plan(1)
    (lease,) = whole.lease()
    whole.settle(wrong(lease, solution(5)))
    whole.roll(good)
    begun = 1 + next(place for place, record in enumerate(whole.records) if isinstance(record, CreditBegun))
    for survived in range(begun, len(whole.records)):
        run = Run()
        for record in whole.records[:survived]:
            run.queue.replay(record)
        run.records = [*whole.records[:survived], *run.queue.followed()]
        run.roll(good)
        assert len(run.labels) == 1
        drawn = [(roll.prefix, roll.draw) for roll in run.rollouts]
        assert len(drawn) == len(set(drawn))
        assert run.labels[0].first_pit == whole.labels[0].first_pit


def test_waiting_rollouts_are_seen_by_autoscaling_alone() -> None:
    """They need replicas, and are in no number of orders."""
    run = Run()
    run.plan(1)
    (lease,) = run.lease()
    run.settle(wrong(lease, solution(5)))
    depth = run.queue.depth()
    assert (depth.ready, depth.leased, depth.waiting, depth.rollouts) == (0, 0, 1, CONFIG.at_once)


@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("truth", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_problems_own_solve_rate_is_not_that_of_what_is_wrong(truth: float, slots: int) -> None:
    """Solutions are credited because they are wrong; counting them among the draws would read 0.59 where 0.9 is true.
    k of n agrees with the truth over many problems, and its interval holds it as often as it says."""
    random, labels = Random(1), []
    for _ in range(200):
        run = Run(replace(CONFIG, max_rollouts=1, min_rollouts=0), most_open=slots)
        run.plan(1, slots=slots)
        for lease in run.lease():
            run.settle(solved(lease) if random.random() < truth else given_up(lease, solution(3)))
        while leases := run.lease():
            for lease in leases:
                run.settle(rolled(lease, right=False))
        labels += run.labels
    starts = [label.values[0] for label in labels]
    if slots == 1:
        assert all((start.n, start.q) == (0, None) for start in starts)
        return
    n, k = sum(start.n for start in starts), sum(start.k for start in starts)
    assert abs(k / n - truth) < 4 * (truth * (1 - truth) / (n / slots)) ** 0.5
    whole = [start for start in starts if start.n == slots - 1]
    held = sum(start.low <= truth <= start.high for start in whole)
    assert held / len(whole) >= CONFIG.confidence - 0.03


def test_a_rollout_that_nothing_waits_for_goes_when_its_lease_ends() -> None:
    """The label is decided while a conductor is still at one rollout; the conductor dies. Nobody pays for it again,
    and a budget that ends now ends orders of samples alone: an end of a rollout could never be replayed."""
    run = Run(tokens=30 * TOKENS)
    run.plan(1, slots=2)
    first, second = run.lease()
    run.settle(given_up(first, solution(5)))
    (kept,) = run.queue.lease(run.now, "slow", 1)
    while not run.labels:
        (rollout,) = run.lease(1)
        assert rollout.repair is not None
        steps = rollout.repair.prefix.count("\n")
        run.settle(rolled(rollout, right=good(steps)))
    assert not run.queue.idle
    run.queue.release("slow", run.now)
    run.queue.check()
    assert run.lease() == []
    run.queue.replay(StaleReport(run.now, second.order.id, 1, Cost(prompt_tokens=30 * TOKENS)))
    run.queue.release("c", run.now)
    ends = run.queue.end_unleased(run.now, BUDGET_SPENT)
    assert [end.order_id for end in ends if isinstance(end, DeadLetteredEnd)] == [second.order.id]
    _, late = run.queue.settle(rolled(kept, right=True), run.now)
    assert late is None and run.queue.idle
    again = Run(tokens=30 * TOKENS)
    for record in [*run.records, *ends]:
        again.queue.replay(record)
    again.queue.check()
    assert again.queue.idle and again.queue.followed() == []
