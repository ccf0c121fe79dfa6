"""The repair that pays: probabilities that are what they say, a memory that is the ledger's, and a bandit that wins."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.recovery.adaptive import USUAL, Arm, Learner, Propensities, Weighing, draw, propensities
from actors.recovery.experience import ExperienceFold
from actors.recovery.policies import build_recovery
from actors.recovery.posterior import expected, fresh_value
from schemas.config import Recovery
from schemas.errors import ErrorKind
from schemas.flaws import Worth
from schemas.ids import OrderId, PoolName
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined, Reopened
from schemas.orders import Attempt, AttemptSummary, DeadLetter, EndReason, Order, OrderKind
from schemas.recovery import (
    KNOWN_MODES,
    KNOWN_REPAIRS,
    Choice,
    Diagnosis,
    Experience,
    FailureMode,
    Modes,
    Repair,
    RepairCount,
    RepairKind,
    Repairs,
    RepairTurn,
)
from schemas.samples import Candidate, Cost, Sampling, answered
from schemas.verdicts import FAITHFULNESS, REWARD, Errored, Rejected
from tests.doubles.passages import lease_of, passage_of
from tests.doubles.probes import ended, facts, issued, rejoined

EDIT, QUOTE, STRICT, AGAIN = (
    Repairs.EDIT_UNSUPPORTED, Repairs.QUOTE_THEN_ANSWER, Repairs.STRICT_GROUNDING, Repairs.RESAMPLE,
)  # fmt: skip
ARMS = tuple(Arm(kind, RepairTurn.FIRST) for kind in (EDIT, QUOTE, STRICT, AGAIN))
MODE = Modes.PARAMETRIC
WRONG = answered("Who founded Amber Heron?", "Jon Berg")
VERDICTS = (Rejected(FAITHFULNESS, 0.1, 0.5),)

counts = st.builds(
    lambda mode, repair, turn, tried, share, tokens: RepairCount(
        mode, repair, turn, tried, int(share * tried), tokens * tried
    ),
    st.sampled_from(KNOWN_MODES), st.sampled_from(KNOWN_REPAIRS), st.sampled_from(RepairTurn),
    st.integers(1, 200), st.floats(0, 1), st.integers(0, 2000),
)  # fmt: skip
experiences = st.builds(
    lambda attempts, repairs, tried, share: Experience(
        attempts, tuple(repairs), tried, int(share * tried), 100 * tried
    ),
    st.integers(0, 10_000),
    st.lists(counts, max_size=8, unique_by=lambda cell: (cell.mode, cell.repair, cell.turn)),
    st.integers(0, 500),
    st.floats(0, 1),
)
arms = st.lists(st.builds(Arm, st.sampled_from(KNOWN_REPAIRS), st.sampled_from(RepairTurn)), min_size=1, unique=True)
weighings = st.builds(Weighing, st.floats(0, 1), st.floats(0.001, 1))


@settings(max_examples=60, deadline=None)
@given(experiences, st.sampled_from(KNOWN_MODES), arms, weighings)
def test_probabilities_add_up_and_none_is_below_the_floor(
    experience: Experience, mode: FailureMode, options: list[Arm], weighing: Weighing
) -> None:
    """Whatever was seen: each repair can be chosen, so every policy can be estimated later."""
    policy = propensities(experience, mode, options, weighing)
    assert sum(policy.probabilities) + policy.stop == pytest.approx(1)
    assert min(policy.probabilities) >= weighing.exploration / len(options) * (1 - 1e-9)
    assert 0 <= policy.stop <= 1 - weighing.exploration + 1e-9
    assert policy == propensities(experience, mode, options, weighing)


def test_what_is_logged_is_how_often_it_is_chosen() -> None:
    """Twenty thousand orders: each choice's share is its logged probability, to within chance."""
    seen = Experience(
        40, tuple(RepairCount(MODE, arm.repair, RepairTurn.FIRST, 10, n, 1000) for n, arm in enumerate(ARMS))
    )
    policy = propensities(seen, MODE, ARMS, USUAL)
    chosen: Counter[Arm | None] = Counter()
    for number in range(20_000):
        arm, probability = draw(policy, Random(number))
        assert probability == (policy.stop if arm is None else policy.probabilities[policy.arms.index(arm)])
        chosen[arm] += 1
    for arm, probability in zip(policy.arms, policy.probabilities, strict=True):
        spread = (probability * (1 - probability) / 20_000) ** 0.5
        assert chosen[arm] / 20_000 == pytest.approx(probability, abs=4 * spread + 1e-9)


def test_rounding_cannot_choose_what_has_no_probability() -> None:
    """A sum a hair below 1 ends with the last repair where stopping was not possible."""
    policy = Propensities(ARMS[:2], (0.5, 0.5 - 1e-12), 0.0)

    class Nearly(Random):
        def random(self) -> float:
            return 1 - 1e-13

    assert draw(policy, Nearly())[0] == ARMS[1]


def simulated(policy: str, *, orders: int, seed: int, chances: dict[RepairKind, float]) -> tuple[int, int]:
    """Accepted samples and tokens of a world in which repairs of one mode succeed by these chances."""
    random, fold = Random(seed), Experience()
    learner = Learner(USUAL)
    cells: dict[tuple[RepairKind, RepairTurn], RepairCount] = {}
    fresh, accepted, spent = 0, 0, 0
    for number in range(orders):
        fresh, spent = fresh + 1, spent + 100
        if random.random() < 0.5:
            accepted += 1
            continue
        tried: set[RepairKind] = set()
        for turn in range(3):
            options = [
                Arm(kind, RepairTurn.FIRST if turn == 0 else RepairTurn.AGAIN if kind in tried else RepairTurn.LATER)
                for kind in chances
            ]
            arm: Arm | None = next(arm for arm in options if arm.repair == AGAIN)
            if policy == "adaptive":
                arm, _ = draw(learner.propensities(MODE, options), Random(seed * 100_000 + number * 10 + turn))
            if arm is None:
                break
            tried.add(arm.repair)
            good = random.random() < chances[arm.repair]
            spent, accepted = spent + 100, accepted + good
            key = (arm.repair, arm.turn)
            old = cells.get(key) or RepairCount(MODE, *key, tried=0, accepted=0, tokens=0)
            cells[key] = replace(old, tried=old.tried + 1, accepted=old.accepted + good, tokens=old.tokens + 100)
            if good:
                break
        if number % 16 == 0:
            fold = Experience(number + 1, tuple(cells.values()), fresh, fresh // 2, 100 * fresh)
            learner.learn(fold)
    return accepted, spent


def test_the_bandit_finds_the_best_repair_and_beats_naive_resampling() -> None:
    """In a world where one repair of four works well: more samples for the same tokens, in each of five worlds."""
    chances = {EDIT: 0.15, QUOTE: 0.7, STRICT: 0.3, AGAIN: 0.2}
    for seed in range(5):
        accepted, spent = simulated("adaptive", orders=600, seed=seed, chances=chances)
        naive, paid = simulated("naive", orders=600, seed=seed, chances=chances)
        assert accepted / spent > 1.15 * naive / paid


def test_it_stops_where_nothing_is_worth_its_tokens() -> None:
    """Thirty failures of everything beside first attempts that pass: only the floor still tries."""
    hopeless = tuple(RepairCount(MODE, arm.repair, RepairTurn.FIRST, 30, 0, 3000) for arm in ARMS)
    seen = Experience(220, hopeless, 100, 75, 10_000)
    assert propensities(seen, MODE, ARMS, USUAL).stop > 0.85
    assert propensities(seen, MODE, ARMS, Weighing(stop_below=0, exploration=0.05)).stop == 0
    assert propensities(Experience(), MODE, ARMS, USUAL).stop == 0


def test_a_repair_at_twice_the_price_must_be_twice_as_good() -> None:
    """Value is by token, not by attempt."""
    seen = Experience(
        400,
        (
            RepairCount(MODE, EDIT, RepairTurn.FIRST, 200, 120, 20_000),
            RepairCount(MODE, QUOTE, RepairTurn.FIRST, 200, 140, 60_000),
        ),
    )
    assert expected(seen, MODE, QUOTE, RepairTurn.FIRST).chance > expected(seen, MODE, EDIT, RepairTurn.FIRST).chance
    policy = propensities(seen, MODE, ARMS[:2], USUAL)
    assert policy.probabilities[0] > 0.95


def test_a_mode_seen_for_the_first_time_leans_on_the_others() -> None:
    """What works everywhere is tried first; a few attempts of its own mode outweigh it."""
    elsewhere = (
        RepairCount(Modes.UNKNOWN, AGAIN, RepairTurn.FIRST, 50, 45, 5000),
        RepairCount(Modes.UNKNOWN, STRICT, RepairTurn.FIRST, 50, 5, 5000),
    )
    seen = Experience(100, elsewhere)
    assert (
        expected(seen, MODE, AGAIN, RepairTurn.FIRST).chance
        > 0.6
        > expected(seen, MODE, STRICT, RepairTurn.FIRST).chance
    )
    own = Experience(112, (*elsewhere, RepairCount(MODE, AGAIN, RepairTurn.FIRST, 12, 0, 1200)))
    assert expected(own, MODE, AGAIN, RepairTurn.FIRST).chance < 0.15


def told(attempt: Attempt, order: str = "a" * 32, *, end: str = "rejoined") -> Record:
    order_id = OrderId(order)
    match end:
        case "rejoined":
            return Rejoined(1.0, order_id, attempt)
        case "accepted":
            return AcceptedEnd(1.0, order_id, attempt)
        case _:
            return DeadLetteredEnd(1.0, order_id, attempt, DeadLetter(EndReason.REJECTED))


def attempt_of(
    number: int,
    *,
    under: RepairKind | None = None,
    then: RepairKind | None = None,
    mode: FailureMode = MODE,
    errored: bool = False,
) -> Attempt:
    said = Candidate(PoolName("generator"), (), Sampling(0.7), "text", WRONG, Cost(60, 40))
    verdict = Errored(REWARD, ErrorKind.PERMANENT, "") if errored else Rejected(REWARD, 0.1, 0.5)
    return Attempt(
        number=number,
        repair=None if under is None else Repair(under, 0.3),
        candidate=said,
        verdicts=(verdict,),
        diagnosis=Diagnosis(mode, 0.5),
        choice=None if then is None else Choice("test", Repair(then, 0.3)),
    )


def folded(*records: Record) -> Experience:
    fold = ExperienceFold()
    for record in records:
        fold.apply(record)
    return fold.experience()


def test_an_order_teaches_its_repairs_in_turn() -> None:
    """Edited in vain, quoted in vain, edited again and accepted: three cells, each with its own tokens."""
    seen = folded(
        told(attempt_of(1, then=EDIT)),
        told(attempt_of(2, under=EDIT, then=QUOTE, mode=Modes.MARGINAL)),
        told(attempt_of(3, under=QUOTE, then=EDIT)),
        told(attempt_of(4, under=EDIT), end="accepted"),
    )
    assert seen == Experience(
        4,
        (
            RepairCount(Modes.MARGINAL, QUOTE, RepairTurn.LATER, 1, 0, 100),
            RepairCount(MODE, EDIT, RepairTurn.AGAIN, 1, 1, 100),
            RepairCount(MODE, EDIT, RepairTurn.FIRST, 1, 0, 100),
        ),
        fresh_tried=1, fresh_accepted=0, fresh_tokens=100,
    )  # fmt: skip
    assert fresh_value(seen) == 0


def test_who_is_not_counted() -> None:
    """Errors say nothing of a repair, orders of other kinds nothing of first attempts; a probe teaches nothing at all,
    neither by its first attempt nor by its repair."""
    bad = facts(1, Worth.BAD)
    rollout = replace(Order.fresh(passage_of("x").id, "math", 0), kind=OrderKind.ROLLOUT)
    seen = folded(
        Planned(0.0, passage_of("x"), (rollout,)),
        told(attempt_of(1), rollout.id, end="accepted"),
        issued(1, Worth.BAD),
        rejoined(1, attempt_of(1, then=EDIT), bad),
        ended(1, attempt_of(2, under=EDIT), bad),
        told(attempt_of(1, then=EDIT)),
        told(attempt_of(2, under=EDIT), end="accepted"),
        told(attempt_of(1, then=EDIT), "b" * 32),
        told(attempt_of(2, under=EDIT, errored=True), "b" * 32, end="dead"),
    )
    assert seen.fresh_tried == 2
    assert [(cell.repair, cell.tried, cell.accepted) for cell in seen.repairs] == [(EDIT, 1, 1)]
    assert seen.attempts == 5


def test_a_put_back_order_continues_learning() -> None:
    """Its first attempt after `gleaner replay` is the repair that its last diagnosis chose."""
    history = (AttemptSummary(MODE, None), AttemptSummary(MODE, EDIT))
    order = Order.fresh(passage_of("x").id, "grounded_answer", 0)
    back = Reopened(
        0.0, order, passage_of("x"), 1, DeadLetter(EndReason.REJECTED), True, history, repair=Repair(EDIT, 0.3)
    )
    seen = folded(back, told(attempt_of(3, under=EDIT), order.id, end="accepted"))
    assert seen.repairs == (RepairCount(MODE, EDIT, RepairTurn.AGAIN, 1, 1, 100),)


steps = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([EDIT, QUOTE, STRICT]), st.sampled_from(["rejoined", "accepted"])),
    max_size=30,
)


@given(steps, st.integers(0, 30))
def test_a_resume_knows_what_was_known(steps: list[tuple[int, RepairKind, str]], cut: int) -> None:
    """Folding the ledger again gives what was learnt record by record, wherever the process died."""
    records: list[Record] = []
    running: dict[int, tuple[int, RepairKind | None]] = {}
    for order, kind, end in steps:
        number, under = running.get(order, (1, None))
        records.append(told(attempt_of(number, under=under, then=kind), str(order) * 32, end=end))
        running[order] = (number + 1, kind) if end == "rejoined" else (1, None)
    fold = ExperienceFold()
    for record in records[:cut]:
        fold.apply(record)
    before = fold.experience()
    assert before == folded(*records[:cut])
    for record in records[cut:]:
        fold.apply(record)
    assert fold.experience() == folded(*records)


def test_the_same_order_is_repaired_the_same_way() -> None:
    """Two conductors with the same experience choose the same, and the choice names that experience."""
    said = Candidate(PoolName("generator"), (), Sampling(0.7), "text", WRONG, Cost())
    seen = Experience(64, (RepairCount(MODE, QUOTE, RepairTurn.FIRST, 40, 36, 4000),), 40, 30, 4000)
    choices = []
    for _ in range(2):
        recovery = build_recovery(Recovery("adaptive"))
        recovery.learn(seen)
        recovery.learn(Experience(12))  # late news
        choices.append(recovery.decide(lease_of(), said, VERDICTS)[1])
    assert choices[0] == choices[1]
    assert choices[0].after == 64
    assert choices[0].repair is not None
    assert 0 < choices[0].probability <= 1


def test_spent_attempts_end_it() -> None:
    """The bound of attempts holds for every policy; it is no choice of the policy's."""
    said = Candidate(PoolName("generator"), (), Sampling(0.7), "text", WRONG, Cost())
    choice = build_recovery(Recovery("adaptive", max_attempts=2)).decide(lease_of(attempt=2), said, VERDICTS)[1]
    assert (choice.repair, choice.probability) == (None, 1.0)
