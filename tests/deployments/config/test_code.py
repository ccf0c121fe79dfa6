"""The section of a run of functions with tests: what it needs beside it, and what it is refused for."""

import pytest

from actors.gates.code import CodeGate
from actors.tasks.code import CodeTask
from actors.tasks.code_problem import CodeProblemTask
from deployments.build.gates import inside_gates
from deployments.build.judges import judges
from deployments.build.recovery import run_gates
from deployments.build.tasks import build_task
from deployments.config.load import load_text, to_yaml
from schemas.code import CODE_REPAIRS
from schemas.config_computed import CodeTests
from schemas.config_gates import executes, shared_pools, thresholds
from schemas.errors import ConfigError

CODE = """
corpus: {paths: [specifications.jsonl]}
task: {kind: code}
pools:
  generator: {engine: {kind: http, base_url: "http://127.0.0.1:1/v1", model: small}}
gates:
  tests: {form: tests, cases: 4}
"""


def test_a_run_of_functions_is_itself_again() -> None:
    config = load_text(CODE)
    assert load_text(to_yaml(config)) == config
    assert executes(config.gates) and shared_pools(config.gates) == thresholds(config.gates) == {}
    assert isinstance(inside_gates(config.gates)["tests"], CodeGate)  # type: ignore[index]
    assert run_gates(config).repairs == {mode: row[0] for mode, row in CODE_REPAIRS.items()}
    assert isinstance(build_task(config), CodeTask)


def test_with_answers_its_passages_are_problems() -> None:
    for key in ("answer_field: tests", "problems: code"):
        assert isinstance(build_task(load_text(CODE.replace("jsonl]", f"jsonl], {key}"))), CodeProblemTask)


def test_a_rule_may_read_the_tests_that_a_sample_has() -> None:
    """Hidden ones are none of its texts."""
    text = CODE + '  short: {form: rule, check: "words(tests) < 200"}\n'
    assert load_text(text).gates.keys() == {"tests", "short"}
    with pytest.raises(ConfigError, match="tests"):
        load_text(text.replace("jsonl]", "jsonl], problems: code"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("tests: {form: tests, cases: 4}", "{}", "gates: task.kind code needs one of form tests"),
        ("cases: 4", "mutants: 4", "gates.tests.mutants: must be a whole number at least 5 and at most 50, not 4"),
        (
            "kind: code",
            "kind: grounded_answer",
            "gates.tests: executes tests of a function, and only task.kind code writes some",
        ),
        (
            "jsonl]",
            "jsonl], problems: code, answer_field: test",
            "corpus.problems: says which fields are read; leave out corpus.answer_field and corpus.columns",
        ),
        (
            "{form: tests, cases: 4}",
            "{form: tests, cases: 4}\nprobes: {rate: 0.1}",
            "probes.labelled: missing; probes of code are rows of a labelled file",
        ),
    ],
)
def test_where_it_is_refused(old: str, new: str, says: str) -> None:
    """One line each: what, where, what to do."""
    assert old in CODE
    with pytest.raises(ConfigError) as raised:
        load_text(CODE.replace(old, new))
    assert str(raised.value).removeprefix("configuration: ").startswith(says)


def test_other_tests_of_tests_are_another_judge() -> None:
    """What probes measure is counted by it; the place where programs run is none of it."""
    before = judges(load_text(CODE))
    assert judges(load_text(CODE)) == before
    assert judges(load_text(CODE.replace("cases: 4", "cases: 4, killed: 0.9"))) != before
    assert judges(load_text(CODE.replace("cases: 4", "cases: 4, processes: 7, isolation: process"))) == before
    gate = load_text(CODE.replace("cases: 4", "isolation: process")).gates["tests"]
    assert isinstance(gate, CodeTests) and gate.sandbox.value == "process"
