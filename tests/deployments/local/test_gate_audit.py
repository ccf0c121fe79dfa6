"""`gleaner audit`: a run's own gate on labelled rows; errors apart from rejections, every figure with its interval."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actors.probes.agreement import Measured, agreement
from actors.probes.labelled import distinct, labelled_rows
from deployments.cli import app
from deployments.config.load import load
from schemas.errors import ErrorKind
from schemas.gate_audit import GateAudit
from schemas.verdicts import REWARD, VERIFIER, Errored, Passed, Rejected, Verdict
from studies.almanac.phrases import ATTRIBUTES
from tests.doubles.gsm8k import solutions_file

MATH = Path(__file__).parents[3] / "examples" / "math.yaml"
LEAST_AGREEMENT = 0.998

SOLVED = [
    {"question": "6*7?", "ground_truth": "A: 42", "solution": "6*7=42\nA: 42", "is_correct": True},
    {"question": "6*7?", "ground_truth": "A: 42", "solution": "6*7=43\nA: 43", "is_correct": False},
    {"question": "6*7?", "reference": "42", "solution": "so \\boxed{41}", "label": 1},
    {"question": "6*7?", "answer": 42, "solution": "#### " + "4" * 2_000, "label": 0},
]


def gleaner(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def lines_of(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def audited(path: Path, rows: Sequence[object], *, config: Path = MATH, gate: str = "verifier") -> dict:
    result = gleaner("audit", config, "--gate", gate, "--labelled", lines_of(path, rows), "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def mistake(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.strip().splitlines()[-1:]
    return line.removeprefix("gleaner: error: ")


def test_the_verifier_is_measured_on_labelled_solutions(tmp_path: Path) -> None:
    """Two rows as labelled, one right answer it does not see, one that it cannot compare: all told apart."""
    audit = audited(tmp_path / "rows.jsonl", SOLVED)
    assert (audit["rows"], audit["judged"], audit["errors"]) == (4, 3, 1)
    assert [audit[key] for key in ("good_passed", "good_rejected", "bad_passed", "bad_rejected")] == [1, 1, 0, 1]
    assert audit["agreement"]["successes"] == 2
    assert audit["passing"]["precision"]["value"] == 1.0
    assert audit["passing"]["recall"]["value"] == 0.5
    low, high = audit["passing"]["f1_interval"]
    assert 0 <= low < audit["passing"]["f1"] < high <= 1
    assert audit["rejecting"]["precision"]["value"] == 0.5
    (wrong,) = audit["disagreements"]
    assert (wrong["line"], wrong["note"]) == (3, "final answer '41' (boxed), reference '42'")
    assert [(row["line"], row["error"]) for row in audit["not_judged"]] == [(4, "permanent")]
    assert audit["auroc"] is None


def test_a_person_sees_the_figures_and_where_gate_and_labels_differ(tmp_path: Path) -> None:
    """The same without --json."""
    shown = gleaner("audit", MATH, "--gate", "verifier", "--labelled", lines_of(tmp_path / "rows.jsonl", SOLVED))
    assert shown.exit_code == 0
    told = " ".join(shown.stdout.split())
    assert "66.67% (20.77% to 93.85%; 2 of 3)" in told
    assert "line 3: rejected, labelled good" in told
    assert "line 4: permanent" in told


@pytest.mark.parametrize("gate", ["faithfulness", "reward"])
def test_gates_with_a_model_are_measured_with_their_scores(tmp_path: Path, gate: str) -> None:
    """A classifier's scores rank the rows: AUROC, threshold and cost of a wrong label."""
    engine = '{kind: custom, factory: "tests.doubles.engines:instant", options: {rejected: 0.5}}'
    judge = f"{{form: classifier, engine: {engine}}}"
    config = tmp_path / "run.yaml"
    config.write_text(
        "corpus: {paths: [./docs]}\n"
        "task: {kind: grounded_answer}\n"
        f"pools: {{generator: {{engine: {engine}}}}}\n"
        f"gates: {{faithfulness: {judge}, reward: {judge}}}\n"
    )
    rows = [
        {"passage": f"Fact {n}.", "question": f"What is {n}?", "answer": str(n), "label": n % 2 == 0} for n in range(40)
    ]
    audit = audited(tmp_path / "rows.jsonl", rows, config=config, gate=gate)
    assert (audit["gate"], audit["judged"], audit["threshold"]) == (gate, 40, 0.5)
    low, high = audit["auroc_interval"]
    assert 0 < low < audit["auroc"] < high < 1
    assert 0 < audit["agreement"]["low"] < audit["agreement"]["value"] < audit["agreement"]["high"] < 1
    assert len(audit["disagreements"]) == 40 - audit["agreement"]["successes"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"question": "a", "ground_truth": "1", "is_correct": True}, "line 2: no field 'solution'; it has: question"),
        ({"question": "a", "solution": "1", "is_correct": True}, "no field 'ground_truth' or 'reference' or 'answer'"),
        ({"question": "a", "solution": "1", "answer": 1, "label": "yes"}, "the label must be true or false, not 'yes'"),
        ({"question": None, "solution": "1", "answer": 1, "label": 1}, "'question' is NoneType, neither text nor"),
        ([1], "line 2 is not a JSON object"),
    ],
)
def test_a_bad_row_is_one_clear_line(tmp_path: Path, row: object, says: str) -> None:
    """A file of another form: the line, what is missing, what is there."""
    path = lines_of(tmp_path / "rows.jsonl", [SOLVED[0], row])
    assert says in mistake(gleaner("audit", MATH, "--gate", "verifier", "--labelled", path))


def test_a_gate_that_the_run_lacks_and_a_file_that_is_not_there_are_mistakes(tmp_path: Path) -> None:
    """Each says what to do."""
    path = lines_of(tmp_path / "rows.jsonl", [{"passage": "p", "question": "q", "answer": "a", "label": 1}])
    told = mistake(gleaner("audit", MATH, "--gate", "reward", "--labelled", path))
    assert told == "gates.reward: missing; this run has verifier (docs/gates.md)"
    assert "No such file" in mistake(gleaner("audit", MATH, "--gate", "verifier", "--labelled", tmp_path / "no.jsonl"))
    assert "holds no rows" in mistake(
        gleaner("audit", MATH, "--gate", "verifier", "--labelled", lines_of(tmp_path / "empty.jsonl", []))
    )


def figures(verdicts: Sequence[Verdict], labels: Sequence[bool]) -> GateAudit:
    lines = [json.dumps({**SOLVED[0], "is_correct": label}).encode() for label in labels]
    rows = list(labelled_rows(iter(lines), VERIFIER, "rows"))
    return agreement(Measured(REWARD, "rows", "0", 1.0), rows, verdicts)


def test_a_row_that_is_sent_often_is_one_row() -> None:
    """A file that repeats a row a thousand times knows no more of the gate: what it says of it is asked and counted
    once. The same row under two labels is two, whatever that means."""
    good, bad = {**SOLVED[0], "is_correct": True}, {**SOLVED[0], "is_correct": False}
    lines = [json.dumps(row).encode() for row in [good] * 1000 + [bad] * 3]
    rows = distinct(labelled_rows(iter(lines), VERIFIER, "rows"))
    assert [(row.line, row.label) for row in rows] == [(1, True), (1001, False)]


def test_errors_are_in_no_rate() -> None:
    """A judge that was away for half of the rows is neither better nor worse for it."""
    passed, rejected = Passed(REWARD, 0.9, 0.5), Rejected(REWARD, 0.2, 0.5)
    error = Errored(REWARD, ErrorKind.RETRYABLE, "away")
    audit = figures([passed, error, rejected, error], [True, True, False, False])
    assert (audit.rows, audit.judged, audit.errors, audit.agreement.value) == (4, 2, 2, 1.0)
    assert audit.auroc == 1.0


def test_nothing_is_known_of_nothing() -> None:
    """Every row ended in an error: no rate is 0, all are unknown."""
    audit = figures([Errored(REWARD, ErrorKind.RETRYABLE, "away")], [True])
    assert (audit.agreement.value, audit.passing.f1, audit.auroc, audit.threshold) == (None, None, None, None)


def test_the_verifier_agrees_with_the_labels_of_real_solutions() -> None:
    """2,640 solutions that four models wrote: at least 99.8% of all rows, errors counted against it."""
    result = gleaner("audit", MATH, "--gate", "verifier", "--labelled", solutions_file(), "--json")
    audit = json.loads(result.stdout)
    assert audit["rows"] == 2640
    assert audit["agreement"]["successes"] / audit["rows"] >= LEAST_AGREEMENT
    assert audit["disagreements"] == []
    assert [row["line"] for row in audit["not_judged"]] == [195]


def almanac_rows(count: int) -> list[dict[str, object]]:
    """Questions about the example corpus with the passage's own answer, and with another passage's answer."""
    folder = MATH.parent / "almanac"
    texts = {(row := json.loads(line))["id"]: row["text"] for line in (folder / "corpus.jsonl").open()}
    truths = [json.loads(line) for line in (folder / "truth.jsonl").open()]
    rows: list[dict[str, object]] = []
    for truth in truths:
        fact = next(fact for fact in truth["facts"] if fact["entity"] == truth["main"])
        asked = next(each for each in ATTRIBUTES if (each.kind, each.key) == (fact["kind"], fact["attribute"]))
        others = [
            other["value"]
            for each in truths
            for other in each["facts"]
            if other["attribute"] == fact["attribute"] and other["value"] not in texts[truth["id"]]
        ]
        for answer, label in ((fact["value"], True), (next(iter(others), None), False)):
            if answer is not None:
                question = asked.questions[0].format(n=fact["entity"])
                passage = texts[truth["id"]]
                rows.append({"passage": passage, "question": question, "answer": answer, "label": label})
    return rows[:count]


@pytest.mark.slow
def test_the_judge_that_ships_is_measured_in_this_process(tmp_path: Path) -> None:
    """A real model on 80 rows made from the almanac's truth: it ranks right answers above another passage's."""
    config = MATH.parent / "quickstart.yaml"
    audit = audited(tmp_path / "rows.jsonl", almanac_rows(80), config=config, gate="faithfulness")
    assert (audit["rows"], audit["errors"]) == (80, 0)
    assert audit["auroc"] > 0.95
    assert audit["rejecting"]["recall"]["value"] > 0.8


def test_the_math_example_loads() -> None:
    """The configuration that a reader copies."""
    config = load(MATH)
    assert list(config.gates) == ["verifier"]
    assert (config.corpus.text_field, config.corpus.answer_field) == ("question", "answer")
