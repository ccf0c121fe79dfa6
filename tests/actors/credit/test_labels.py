"""One label for each credited solution: after a spent budget, after a replay, and when it comes late."""

from collections import Counter

from msgspec.structs import replace

from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.queue.ends import BUDGET_SPENT
from tests.actors.queue.test_credits import CONFIG, WAIT_S, Run, good
from tests.doubles.replays import put_back
from tests.doubles.solutions import TOKENS, given_up, rolled, solution, solved, wrong


def test_a_label_of_a_spent_budget_is_given_once() -> None:
    """The budget ends a credit whose rollouts would go on: opened again, the queue knows that it has its label."""
    run = Run(tokens=4 * TOKENS)
    run.plan(1)
    (lease,) = run.lease()
    run.settle(given_up(lease, solution(5)))
    for rollout in run.lease(3):
        run.settle(rolled(rollout, right=True))
    run.records += [*run.queue.end_unleased(run.now, BUDGET_SPENT), *run.queue.followed()]
    assert len(run.labels) == 1
    again = Run(tokens=40 * TOKENS)
    for record in run.records:
        again.queue.replay(record)
    assert again.lease() == [] and again.queue.idle
    assert again.queue.end_unleased(again.now, BUDGET_SPENT) == [] and again.queue.followed() == []


def test_a_replay_pays_for_no_draw_twice() -> None:
    """A dead letter is put back; its next solution begins as its last one did. Every draw in the ledger is known, and
    so are the results of the problem's other orders."""
    run = Run(replace(CONFIG, min_rollouts=3))
    run.plan(1, slots=2)
    first, second = run.lease()
    run.settle(solved(second))
    run.settle(given_up(first, solution(5)))
    run.roll(good)
    before = len(run.rollouts)
    run.records += put_back(run.records, at=run.now)
    again = Run(replace(CONFIG, min_rollouts=3))
    again.records = list(run.records)
    for record in run.records:
        again.queue.replay(record)
    again.queue.check()
    (lease,) = again.lease()
    again.settle(given_up(lease, solution(5)))
    again.roll(good)
    paid = Counter(roll.order_id for roll in again.rollouts)
    assert set(paid.values()) == {1} and len(paid) == before
    one, two = again.labels
    assert all(after.n >= value.n for value, after in zip(one.values, two.values, strict=True))
    assert (two.values[0].n, two.values[0].k) == (1, 1)
    findings = Findings()
    read_book(enumerate(again.records, 1), findings)
    assert findings.kept == []


def test_a_late_label_does_not_keep_an_order_from_its_own() -> None:
    """The first solution's rollouts came back only after the order had made a second wrong attempt. Then the order
    waits for the second solution's label, and restarts as soon as it is there."""
    run = Run()
    run.plan(1)
    (lease,) = run.lease()
    run.settle(wrong(lease, solution(5)))
    first_rollouts = run.lease()
    run.now += WAIT_S + 1
    (again,) = run.lease()
    run.settle(wrong(again, solution(5, variant=1)))
    for rollout in first_rollouts:
        run.settle(rolled(rollout, right=False))
    while [label.attempt for label in run.labels] != [1]:
        (rollout,) = run.lease(1)
        assert rollout.repair is not None
        if rollout.repair.prefix.startswith("Step 1 of way 0."):
            run.settle(rolled(rollout, right=False))
        else:
            run.queue.release("c", run.now)  # of the second solution: not made yet
            run.now += 1
    assert run.queue.depth().waiting == 1
    (restarted,) = run.roll(good)
    assert [label.attempt for label in run.labels] == [1, 2]
    assert restarted.repair is not None
    assert (restarted.attempt, restarted.repair.origin) == (3, 2)


def test_what_is_known_of_a_problem_goes_with_its_last_order_and_credit() -> None:
    """A long run: one problem after the other is solved, given up, or credited after its last order has ended. Nothing
    is kept of those that are done, but of the very last one until the next record comes."""
    run = Run()
    for number in range(1, 7):
        run.plan(number, slots=2)
        first, second = run.lease()
        run.settle(solved(first))
        run.settle(given_up(second, solution(4)) if number % 2 else solved(second))
        run.roll(good)
        assert run.queue.idle
        kept = run.desk._draws.keys() | run.desk._starts.keys() | run.desk._passages.keys()
        assert kept <= {first.passage.id}, "a problem that is done is remembered"
    assert len(run.labels) == 3
