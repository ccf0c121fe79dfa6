"""The study of verdicts by computation: its problems and script, what the writer reads, and a set from end to end."""

import sqlite3
from collections.abc import Iterator
from contextlib import aclosing
from random import Random

import pytest
from msgspec.structs import replace

from actors.tasks.code import CodeTask
from actors.tasks.one_call import with_words
from actors.tasks.prompts import PASSAGE_CLOSE
from actors.tasks.sql import SqlTask
from examples.code.exercises import EXERCISES
from schemas.config_tasks import Code, Sql
from schemas.orders import Order
from schemas.queries import ProgramModes
from schemas.recovery import Diagnosis, Modes, Repair, RepairKind, Repairs
from schemas.repairs import RejectedDraft
from schemas.samples import Draft, answered
from schemas.verdicts import GateRequest, Rejected
from studies.executed import plan_1
from studies.executed.arms import RETRY, recoveries, retried
from studies.executed.functions import NUMBERS, function, hidden_tests, specification
from studies.executed.problems import MEANINGS, Half, Problem, State, States
from studies.executed.queries import SUBJECTS, database, hidden_databases, queries
from studies.executed.runs import Bench, Tried, passage_of
from studies.executed.script import OF_FUNCTIONS, RESPONSES, Response, drawn, edited, is_hard, rewritten
from studies.executed.tallies import figures, tallies, within
from studies.executed.truth import is_right_function, is_right_query
from studies.executed.writer import Writer, asked_about
from studies.frame import page
from studies.frame.__main__ import ROOT
from studies.frame.commit import PlanStamp
from studies.frame.given import Found
from studies.frame.plan import read
from studies.frame.results import Results
from studies.frame.runner import PartResult
from studies.frame.statistics import Tally
from tests.deployments.sandbox.rooms import OFFERED
from tests.doubles.passages import lease_of

BAND = function("band", 3, 4)
SCRIPT = database(SUBJECTS[0], Random(0))
SALES = queries(*SUBJECTS[0])
RIGHT, OTHER = MEANINGS


def passes(problem: Problem, state: State, tests: str) -> bool:
    """Whether tests pass with the function of this state."""
    made: dict[str, object] = {}
    exec(problem.texts[Half.ANSWER][state], made)
    try:
        exec(tests.partition("\n")[2], made)
    except AssertionError:
        return False
    return True


def test_a_functions_two_meanings_are_told_apart_by_its_tests_and_by_the_hidden_ones() -> None:
    """Of every function that can be drawn."""
    for form in EXERCISES:
        for low in NUMBERS[0]:
            for more in NUMBERS[1]:
                problem = function(form, low, more)
                tests = problem.texts[Half.PARTNER]
                found = [passes(problem, state, tests[of]) for state in MEANINGS for of in (RIGHT, OTHER)]
                assert (problem.name, *found) == (problem.name, True, False, False, True)
                assert passes(problem, RIGHT, hidden_tests(problem)) and not passes(
                    problem, OTHER, hidden_tests(problem)
                )


def test_a_querys_two_meanings_are_told_apart_by_other_rows() -> None:
    """Where the given rows give both the same, the gate lets a wrong query pass, and the truth does not."""
    for subject in SUBJECTS:
        databases = [sqlite3.connect(":memory:") for _ in range(40)]
        for seed, each in enumerate(databases):
            each.executescript(database(subject, Random(seed)))
        for problem in queries(*subject):
            right, other = (problem.texts[Half.ANSWER][state] for state in MEANINGS)
            assert any(each.execute(right).fetchall() != each.execute(other).fetchall() for each in databases)
            for state in (State.SYNTAX, State.NAME, State.CRASH):
                with pytest.raises(sqlite3.OperationalError):
                    databases[0].execute(problem.texts[Half.ANSWER][state])
            assert databases[0].execute(problem.texts[Half.ANSWER][State.EMPTY]).fetchall() == []
        for each in databases:
            each.close()


def drafts() -> Iterator[tuple[str, Problem, States, Draft]]:
    """Every draft that the script can write of a function and of a query: passage, problem, states."""
    for text, problem, field in ((specification_with_band(), BAND, "tests"), (SCRIPT, SALES[3], "")):
        for answer, code in problem.texts[Half.ANSWER].items():
            for partner, told in problem.texts[Half.PARTNER].items():
                fields = {"question": problem.question, "answer": code, field: told}
                draft = Draft(fields) if field else answered(told, code)
                yield text, problem, {Half.ANSWER: answer, Half.PARTNER: partner}, draft


def specification_with_band() -> str:
    return f'def {BAND.name}(points):\n    """{BAND.question}"""\n\n\n{specification(Random(0))}'


KINDS = {
    Repairs.EDIT_CODE: Half.ANSWER, Repairs.EDIT_TESTS: Half.PARTNER, Repairs.EDIT_QUERY: Half.ANSWER,
    Repairs.EDIT_QUESTION: Half.PARTNER, RepairKind(RETRY): None,
}  # fmt: skip


def test_the_writer_knows_from_a_prompt_what_it_is_shown_and_what_it_is_to_write() -> None:
    """By the product's own prompts, for every fault and every repair that shows a draft."""
    for text, problem, states, draft in drafts():
        task = CodeTask(Code(), cases=3) if problem.question else SqlTask(Sql())
        words = retried(RejectedDraft(text, draft, 1, 0.7, Diagnosis(Modes.UNKNOWN, 1.0)))
        for kind, half in KINDS.items():
            if kind not in (*task.repairs, RETRY):
                continue
            lease = lease_of(text, repair=Repair(kind, 0.35, previous=draft, words=words if half is None else "so"))
            prompt = with_words(task.prompt(lease), lease).messages[-1].content
            found = asked_about(text, prompt.partition(PASSAGE_CLOSE)[2])
            assert (found.problem, found.half, found.shown) == (problem, half, states)


def test_a_first_draft_is_about_what_the_order_asks_for() -> None:
    """A function of the passage, a shape of query."""
    for slot in range(8):
        lease = lease_of(SCRIPT)
        lease = replace(lease, order=Order.fresh(lease.passage.id, "sql", slot))
        asked = SqlTask(Sql()).prompt(lease).messages[-1].content.partition(PASSAGE_CLOSE)[2]
        assert asked_about(SCRIPT, asked) == type(asked_about(SCRIPT, asked))(SALES[slot], None, None)


ALWAYS, NEVER = Response(mends=1.0, bends=1.0, spots=1.0), Response(mends=0.0, bends=0.0, spots=0.0)
EASY = next(problem for problem in (function("band", low, 4) for low in NUMBERS[0]) if not is_hard(problem))


def states(answer: State, partner: State = RIGHT) -> States:
    return {Half.ANSWER: answer, Half.PARTNER: partner}


@pytest.mark.parametrize(
    ("half", "shown", "always", "never"),
    [
        (Half.ANSWER, states(State.NAME), states(RIGHT), states(State.NAME)),
        (Half.PARTNER, states(RIGHT, State.WEAK), states(RIGHT), states(RIGHT, State.WEAK)),
        (Half.ANSWER, states(RIGHT, OTHER), states(OTHER, OTHER), states(RIGHT, OTHER)),
        (Half.PARTNER, states(State.NAME), states(State.NAME), states(State.NAME)),
    ],
)
def test_an_edit_mends_its_half_or_bends_it(half: Half, shown: States, always: States, never: States) -> None:
    """A function that is made to fit wrong tests passes the gate, and is wrong."""
    assert edited(half, EASY, shown, ALWAYS, Random(0)) == always
    assert edited(half, EASY, shown, NEVER, Random(0)) == never


def test_a_query_and_its_question_need_only_agree() -> None:
    """Either may be written again for the other; a message talks one out of a sound half."""
    query = next(problem for problem in SALES if not is_hard(problem))
    assert edited(Half.ANSWER, query, states(RIGHT, OTHER), ALWAYS, Random(0)) == states(OTHER, OTHER)
    assert edited(Half.PARTNER, query, states(RIGHT, OTHER), ALWAYS, Random(0)) == states(RIGHT)
    assert edited(Half.ANSWER, query, states(RIGHT), ALWAYS, Random(0)) == states(OTHER)


def test_a_retry_works_at_one_half_and_copies_the_other() -> None:
    assert rewritten(EASY, states(State.CRASH), ALWAYS, Random(0)) == states(RIGHT)
    assert rewritten(EASY, states(State.CRASH), NEVER, Random(0)) == states(State.CRASH)


def test_faults_come_at_their_rates_and_more_of_them_where_it_is_hard_and_hot() -> None:
    """Half of all first drafts are right, over hard and easy problems."""

    def right(problem: Problem, temperature: float) -> float:
        random = Random(0)
        return sum(drawn(OF_FUNCTIONS, problem, temperature, random) == states(RIGHT) for _ in range(2000)) / 2000

    hard = next(problem for problem in (function("band", low, 4) for low in NUMBERS[0]) if is_hard(problem))
    assert right(hard, 0.7) == pytest.approx(0.3, abs=0.04) and right(EASY, 0.7) == pytest.approx(0.7, abs=0.04)
    assert right(hard, 0.35) == pytest.approx(1 - 0.7 * 0.75, abs=0.04)


MODES = {
    RIGHT: None, State.SYNTAX: ProgramModes.SYNTAX_ERROR,
    State.NAME: ProgramModes.WRONG_NAME, State.CRASH: ProgramModes.RUNTIME_ERROR, State.ENDLESS: ProgramModes.TIMEOUT,
    State.OTHER: ProgramModes.TEST_FAILED,
}  # fmt: skip


@OFFERED
async def test_each_fault_of_a_function_fails_as_it_is_named_and_truth_knows_what_no_gate_does() -> None:
    """Executed. What misreads the question in function and tests alike passes the gate."""
    bench = Bench("code", [specification_with_band()], 0)
    async with aclosing(bench):
        for answer, partner in OF_FUNCTIONS:
            fields = {"answer": BAND.texts[Half.ANSWER][answer], "tests": BAND.texts[Half.PARTNER][partner]}
            draft = Draft({"question": BAND.question, **fields})
            said = await bench.gate.check(GateRequest("order:1", passage_of("x", 0), draft))
            mode = said.mode if isinstance(said, Rejected) else None
            expected = {State.WEAK: ProgramModes.TESTS_TOO_WEAK, OTHER: ProgramModes.TEST_FAILED}.get(partner)
            assert mode == (None if answer is partner else expected or MODES[answer]), (answer, partner)
            if answer in MEANINGS:
                assert await is_right_function(draft, bench.runner) is (answer is RIGHT)
        assert (
            await is_right_function(Draft({"question": "What?", "answer": "def f():\n    pass"}), bench.runner) is None
        )


@OFFERED
async def test_a_set_of_databases_from_end_to_end() -> None:
    """Six arms of the product's own loop; what they are called is what they do."""
    bench = Bench("sql", plan_1.passages("sql", 1)[:2], 0)
    async with aclosing(bench):
        arms = await bench.arms(Writer("helps"), plan_1.SAMPLING)
        again = await bench.arms(Writer("helps"), plan_1.SAMPLING)
        draft = answered(SALES[0].texts[Half.PARTNER][OTHER], SALES[0].texts[Half.ANSWER][OTHER])
        assert await is_right_query(SCRIPT, draft, bench.runner) is True
        draft = answered(SALES[3].texts[Half.PARTNER][OTHER], SALES[3].texts[Half.ANSWER][RIGHT])
        assert await is_right_query(SCRIPT, draft, bench.runner) is False
        assert await is_right_query(SCRIPT, answered("How many?", "SELECT 1"), bench.runner) is None
    assert arms == again  # no figure depends on how fast the machine was
    repairs = {name: {one.repair for one in tries if one.attempt > 1} for name, tries in arms.items()}
    assert repairs["discard"] == set() and repairs["untyped"] == {RETRY}
    assert repairs["resample"] == {"resample"} and repairs["cool_resample"] == {"lower_temperature"}
    assert {one.repair for one in arms["answer_first"] if one.attempt == 2} == {"edit_query"}
    assert repairs["typed"] >= {"edit_query", "edit_question"}
    spent = within(arms["typed"])
    assert len(spent.first) == 8 and sum(one.tokens for one in spent.later) <= spent.budget
    plan = read(ROOT / "studies" / "executed" / "plan-1.yaml")
    made = list(tallies("sql-helps", "0", arms))
    assert {one.arm for one in made} == {one.name for one in (*plan.arms, *plan.controls)}
    assert {one.measure for one in made} == {one.name for one in plan.measures}
    assert {(arm, claim.measure) for claim in plan.claims for arm in (claim.arm, claim.against) if arm} <= {
        (one.arm, one.measure) for one in made
    }
    assert figures("sql-helps", arms)["sql-helps typed spent"] <= 1


def test_arms_whose_first_attempts_differ_are_not_compared() -> None:
    arms = {name: [Tried(0, 0, 1, 100, accepted=name != "typed")] for name in recoveries("sql")}
    with pytest.raises(ValueError, match="first attempts differ"):
        list(tallies("sql-helps", "0", arms))


def test_other_rows_are_of_the_same_tables() -> None:
    heads = {text.partition("INSERT")[0] for text in (SCRIPT, *hidden_databases(SCRIPT))}
    assert len(heads) == 1 and len({SCRIPT, *hidden_databases(SCRIPT)}) == 4


def test_settings_are_tasks_under_responses() -> None:
    plan = read(ROOT / "studies" / "executed" / "plan-1.yaml")
    every = {f"{kind}-{name}" for kind in ("code", "sql") for name in (*RESPONSES, "smollm2")}
    assert {one.name for one in plan.settings} == every


def test_what_the_page_will_say_names_what_there_is() -> None:
    """Written before the results: a slip in a name would be found when all parts stand."""
    plan = read(ROOT / "studies" / "executed" / "plan-1.yaml")
    made = [
        Tally(setting.name, arm.name, measure.name, unit, 1.0, 2.0)
        for setting in plan.settings
        for arm in (*plan.arms, *plan.controls)
        for measure in plan.measures
        for unit in ("0", "1")
    ]
    part = PartResult("code-0", "", "", 0.0, 1.0, Found(made))
    found = Results("executed", 1, PlanStamp("", ""), [part], [], {})
    assert "hints mislead, 50.0%" in page.page(plan, found, page.prose_of(ROOT, plan))
