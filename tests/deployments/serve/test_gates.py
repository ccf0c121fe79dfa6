"""Gates of every form in a real run: judges of one kind, each with its own deployment, a rule, a function that
asks a pool; then the folder is proved, exported and reported by their names."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from actors.protocols import AskModel
from benchmarks.loop import configuration, write_corpus
from deployments.cli import app
from deployments.run import run
from schemas.config import CustomEngine, Replicas
from schemas.config_gates import Classifier, CustomGate, LikelihoodJudge, RuleGate, TokenJudge
from schemas.samples import Message, Prompt, Sampling
from schemas.verdicts import KNOWN_GATES, GateRequest

pytestmark = [pytest.mark.ray, pytest.mark.slow]
PASSAGES = 12
STRICT = CustomEngine(factory="tests.doubles.engines:instant", options={"rejected": 0.2})


async def asks(request: GateRequest, ask: AskModel) -> bool:
    """A gate of one's own that asks the generator's pool."""
    said = await ask(Prompt((Message("user", f"Is it good? {request.draft.answer}"),), Sampling(0.0)))
    return bool(said.text)


def test_gates_of_every_form(tmp_path: Path) -> None:
    """Each verdict, score, role and count stands under its gate's name, and the audit finds nothing wrong."""
    write_corpus(tmp_path / "corpus.jsonl", PASSAGES)
    plain = configuration(tmp_path / "corpus.jsonl", rejected=0.0, concurrency=16)
    strict = Classifier(engine=STRICT, replicas=Replicas(num_cpus=0.1), kind="faithfulness", threshold=0.6)
    by_label = TokenJudge(engine=STRICT, replicas=Replicas(num_cpus=0.1), kind="reward", threshold=0.05)
    config = replace(
        plain,
        gates={
            **plain.gates,
            "strict": strict,
            "by_label": by_label,
            "likely": LikelihoodJudge(engine=STRICT, replicas=Replicas(num_cpus=0.1), threshold=0.05),
            "short": RuleGate("words(answer) < 60 and score('strict') >= 0"),
            "length": RuleGate("examples.gates.length:check"),
            "asking": CustomGate("tests.deployments.serve.test_gates:asks"),
        },
    )
    output = tmp_path / "run"
    manifest = run(config, output).manifest
    assert manifest.counts.outstanding == 0 and manifest.counts.accepted > PASSAGES
    judges = {"faithfulness", "reward", "strict", "by_label", "likely"}
    assert {role.role for role in manifest.roles} == judges | {"generator", "asking"}
    assert set(manifest.thresholds) == judges | {"short", "length", "asking"}
    assert any("strict" in row.rejected for row in manifest.overlap.sets)
    rows = pq.read_table(output / "dataset").to_pylist()
    assert list(rows[0]["scores"]) == [*KNOWN_GATES, "strict", "by_label", "likely", "short", "length", "asking"]
    assert all(row["scores"]["strict"] >= 0.6 and row["scores"]["length"] == 1 for row in rows)
    for command in (["verify"], ["status"], ["report"], ["export", "--format", "kto", "--view", "sample"]):
        done = CliRunner().invoke(app, [command[0], str(output), *command[1:], "--json"])
        assert done.exit_code == 0, done.output
    told = json.loads(CliRunner().invoke(app, ["verify", str(output), "--json"]).stdout)
    assert not [finding for finding in told.get("findings", []) if finding.get("severity") == "error"]
