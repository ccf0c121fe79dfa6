"""The study of the first paper: its arithmetic, and the whole of it in small."""

import random
from pathlib import Path

import msgspec
import numpy as np
import pytest

from studies.almanac.exam import auroc as plain_auroc
from studies.provenance.__main__ import main
from studies.provenance.bootstrap import Bootstrap, auroc, estimate, ratio
from studies.provenance.findings import Results
from studies.provenance.lessons import ARMS
from studies.provenance.modes import MODES
from studies.provenance.plan import FULL, JUDGES, POLICIES, SCALES, Plan
from studies.provenance.rejected import WHO, who
from studies.provenance.spending import counts, within
from studies.provenance.student import Student, exam
from studies.provenance.tries import Try


def attempt(number: int, *, slot: int = 0, tokens: int = 100, accepted: bool = False, good: bool = False) -> Try:
    return Try(0, slot, number, tokens, accepted, faithful=good, good=good)


def test_a_budget_ends_where_the_next_attempt_would_not_fit() -> None:
    """Half of what first attempts took: two repairs fit, the third does not, however cheap the fourth."""
    plan = Plan(seeds=(0,), slots=3, budget=0.5)
    tries = [attempt(1), attempt(1, slot=1), attempt(1, slot=2), *(attempt(2, slot=s, tokens=70) for s in range(3))]
    arm = within(plan, [*tries, attempt(3, tokens=1)], plan.budget)
    assert (len(arm.first), len(arm.later), arm.budget) == (3, 2, 150.0)
    assert len(within(plan, tries, None).later) == 3


def test_fresh_orders_beyond_the_plan_recover_nothing() -> None:
    """Who discards accepts more, and what was rejected stays rejected."""
    plan = Plan(seeds=(0,), slots=1, budget=1.0)
    arm = within(plan, [attempt(1), attempt(1, slot=1, accepted=True, good=True)], plan.budget)
    total = {name: sum(row.get(name, 0) for _, row in counts(plan, arm)) for name in ("fresh", "recovered", "rejected")}
    assert total == {"fresh": 1, "recovered": 0, "rejected": 1}


def test_the_gates_are_told_apart() -> None:
    """One sample for each of the four ways in which two gates can speak."""
    scores = ((0.1, 0.1), (0.1, 0.9), (0.9, 0.1), (0.9, 0.9))
    samples = [Try(0, 0, 1, 1, False, faithfulness=faith, reward=reward) for faith, reward in scores]
    assert [who(one) for one in samples] == list(WHO)


def test_weighted_auroc_is_the_plain_one_of_the_drawn_samples() -> None:
    """Ties included; a weight of two is the sample twice."""
    rng = random.Random(1)
    scores, labels = [rng.randrange(6) / 6 for _ in range(40)], [rng.random() < 0.4 for _ in range(40)]
    drawn = [rng.randrange(3) for _ in scores]
    twice = [place for place, times in enumerate(drawn) for _ in range(times)]
    weights = np.array([[1.0] * 40, drawn])
    found = auroc(np.array(scores), np.array(labels), weights)
    expected = (plain_auroc(scores, labels), plain_auroc([scores[p] for p in twice], [labels[p] for p in twice]))
    assert found.tolist() == pytest.approx(expected)


def test_an_interval_covers_and_a_paired_difference_is_sharper() -> None:
    """Two arms that differ by a tenth on every passage: the difference is known exactly, each arm is not."""
    clusters = [(seed, passage) for seed in range(5) for passage in range(40)]
    rng = random.Random(2)
    base = {cluster: rng.random() for cluster in clusters}
    bootstrap = Bootstrap(clusters, resamples=200)
    rows = [(cluster, {"a": base[cluster], "b": base[cluster] + 0.1, "n": 1.0}) for cluster in clusters]
    sums = bootstrap.sums(rows, ("a", "b", "n"))
    one = estimate(ratio(sums["a"], sums["n"]))
    gain = estimate(ratio(sums["b"], sums["n"]) - ratio(sums["a"], sums["n"]))
    assert one.low < one.value < one.high
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.1, 0.1, 0.1))


def test_a_student_learns_its_lessons_and_the_exam_asks_in_other_words() -> None:
    """What one passage tells and somebody asked about, in a wording nobody used; a lesson learnt is known again."""
    passage = "Amber Heron was launched in 1623."
    told = {(0, 0): "The Green Trestle's opening was held in 1631. Below the bridge flows the Lyswin.", (0, 1): passage}
    asked = {"In which year was the Green Trestle opened?"}
    questions = exam(told, asked)
    assert [(question.told, question.answer) for question in questions] == [((0, 0), "1631")]
    assert questions[0].text not in asked
    student = Student(seed=0)
    student.learn([(question.text, question.answer) for question in questions], epochs=60)
    assert student.right(questions) == [True] * len(questions)


def test_the_full_study_has_what_was_asked_of_it() -> None:
    """Five seeds, three scales, four policies."""
    assert len(FULL.seeds) >= 5
    assert len(SCALES) == 3
    assert set(POLICIES) >= {"discard", "naive_resample", "rules", "adaptive"}


@pytest.mark.slow
def test_the_whole_study_in_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is measured and told; a second run does nothing again; another plan is refused."""
    arguments = ["--smoke", "--seeds", "0", "--output", str(tmp_path)]
    assert main(arguments) == 0
    found = msgspec.json.decode((tmp_path / "results.json").read_bytes(), type=Results)
    assert [(one.judge, one.mode) for one in found.modes] == [(judge, mode) for judge in JUDGES for mode in MODES]
    assert {(one.policy, one.scale) for one in found.policies} >= {(p, s) for p in POLICIES for s in ("all", *SCALES)}
    assert {(one.arm, one.scale) for one in found.students} == {(arm, scale) for arm in ARMS for scale in SCALES}
    assert found.overlaps[0].samples == sum(one.samples for one in found.overlaps[3:])
    assert found.claims and found.besides and found.curves and found.confusion
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 4 and "<script" not in page

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()}
    assert main(arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()} == before
    assert main(["--smoke", "--seeds", "1", "--output", str(tmp_path)]) == 2
    assert "another plan" in capsys.readouterr().err
