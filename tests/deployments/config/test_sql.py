"""The section of a run of questions and queries: what it needs beside it, and what it is refused for."""

import pytest

from actors.gates.execution import ExecutionGate
from deployments.build.gates import inside_gates
from deployments.build.judges import judges
from deployments.build.recovery import run_gates
from deployments.config.load import load_text, to_yaml
from schemas.config_gates import QueryExecution, shared_pools, thresholds
from schemas.errors import ConfigError
from schemas.queries import QUERY_REPAIRS

SQL = """
corpus: {paths: [schemas.jsonl], chunking: {by: whole}}
task: {kind: sql}
pools:
  generator: {engine: {kind: http, base_url: "http://127.0.0.1:1/v1", model: small}}
  second: {engine: {kind: http, base_url: "http://127.0.0.1:1/v1", model: other}}
gates:
  execution: {form: execution, pool: second}
"""


def test_a_run_of_queries_is_itself_again() -> None:
    config = load_text(SQL)
    assert load_text(to_yaml(config)) == config
    assert shared_pools(config.gates) == {"execution": "second"} and thresholds(config.gates) == {}
    assert isinstance(inside_gates(config.gates)["execution"], ExecutionGate)  # type: ignore[index]
    assert run_gates(config).repairs == {mode: row[0] for mode, row in QUERY_REPAIRS.items()}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            ", chunking: {by: whole}",
            "",
            "corpus.chunking.by: a passage is a whole SQL script with task.kind sql; it must be whole",
        ),
        ("execution: {form: execution, pool: second}", "{}", "gates: task.kind sql needs one of form execution"),
        ("pool: second", "pool: secnd", "gates.execution.pool: there is no pool 'secnd'; did you mean 'second'?"),
        ("pool: second", "max_rows: 5", "gates.execution.pool: missing"),
        (
            '{kind: http, base_url: "http://127.0.0.1:1/v1", model: other}',
            "{kind: vllm, model: m, max_model_len: 512}",
            "gates.execution.max_tokens: max_tokens is 512, and its model's max_model_len (512) leaves no room",
        ),
        ("kind: sql", "kind: grounded_answer", "gates.execution: executes queries, and only task.kind sql writes some"),
        (
            "{form: execution, pool: second}",
            "{form: execution, pool: second}\nprobes: {rate: 0.1}",
            "probes.labelled: missing; probes of sql are rows of a labelled file",
        ),
    ],
)
def test_where_it_is_refused(old: str, new: str, says: str) -> None:
    """One line each: what, where, what to do."""
    assert old in SQL
    with pytest.raises(ConfigError) as raised:
        load_text(SQL.replace(old, new))
    assert str(raised.value).removeprefix("configuration: ").startswith(says)


def test_another_second_writer_is_another_judge() -> None:
    """What probes measure is counted by it."""
    before = judges(load_text(SQL))
    assert judges(load_text(SQL)) == before
    for old, new in (("model: other", "model: third"), ("pool: second", "pool: second, max_rows: 5")):
        assert judges(load_text(SQL.replace(old, new))) != before
    assert judges(load_text(SQL.replace("pool: second", "pool: second, processes: 7"))) == before


def test_isolation_is_not_a_judge_of_its_own() -> None:
    gate = load_text(SQL.replace("pool: second", "pool: second, isolation: process")).gates["execution"]
    assert isinstance(gate, QueryExecution) and gate.sandbox.value == "process"
