"""A whole math run on a real Ray: problems in, verified solutions out; the model is a double with the answer key."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.corpus.reader import documents
from deployments.config.load import load
from deployments.run import run
from schemas.config import RunConfig
from schemas.config_credit import Credit
from schemas.config_engines import CustomEngine

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]

EXAMPLES = Path(__file__).parents[3] / "examples"


def solved_by_key(config: RunConfig, key: Path, *, wrong: float) -> RunConfig:
    """The same run with a model that knows the answers."""
    engine = CustomEngine(factory="tests.doubles.solver:solver", options={"key": str(key), "wrong": wrong})
    pool = config.pools["generator"]
    replicas = replace(pool.replicas, num_cpus=0.1)
    return replace(config, pools={"generator": replace(pool, engine=engine, replicas=replicas)})


def test_problems_in_verified_solutions_out(tmp_path: Path) -> None:
    """The example's problems: wrong solutions are resampled, every accepted one was verified, the folder proves it.
    Somebody corrects an answer afterwards: `gleaner verify` names the problem."""
    shutil.copytree(EXAMPLES / "math", tmp_path / "math")
    shutil.copy(EXAMPLES / "math.yaml", tmp_path)
    key = tmp_path / "math" / "problems.jsonl"
    config = solved_by_key(load(tmp_path / "math.yaml"), key, wrong=0.4)
    counts = run(config, tmp_path / "run").manifest.counts
    assert counts.issued == 12 * 4 == counts.accepted + counts.dead_lettered
    assert counts.rejected > 0 and counts.recovered > 0
    report = verify(tmp_path / "run", lambda uris: documents(uris, config.corpus))
    assert report.ok, report.findings
    assert report.passages_checked == report.passages == 12
    rows = [row for path in (tmp_path / "run" / "dataset").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert len(rows) == counts.accepted
    for row in rows:
        assert [said["role"] for said in row["messages"]] == ["user", "assistant"]
        assert row["messages"][0]["content"] == row["question"] == row["passage"]
        assert row["scores"]["verifier"] == 1.0 and row["scores"]["faithfulness"] is None
        assert row["lineage"]["task"] == "math" and row["reference"]
        assert "boxed" in row["answer"] and "+ 1" not in row["answer"]
    assert "solves the corpus's problems" in (tmp_path / "run" / "README.md").read_text()
    assert (tmp_path / "run" / "report.html").is_file()

    key.write_text(key.read_text().replace("#### 100", "#### 101"))
    changed = verify(tmp_path / "run", lambda uris: documents(uris, config.corpus))
    assert ["reference answer" in finding.what for finding in changed.findings] == [True]


def test_wrong_solutions_are_credited_and_restarted(tmp_path: Path) -> None:
    """Rollouts go through the same queue, conductors and pools; a restart is a sample like any other."""
    shutil.copytree(EXAMPLES / "math", tmp_path / "math")
    shutil.copy(EXAMPLES / "math.yaml", tmp_path)
    config = solved_by_key(load(tmp_path / "math.yaml"), tmp_path / "math" / "problems.jsonl", wrong=0.0)
    options = {"key": str(tmp_path / "math" / "problems.jsonl"), "breaks": 0.15}
    engine = CustomEngine(factory="tests.doubles.step_solver:step_solver", options=options)
    pools = {"generator": replace(config.pools["generator"], engine=engine)}
    recovery = replace(config.recovery, policy="rules")
    config = replace(config, pools=pools, recovery=recovery, credit=Credit(token_share=1.0))
    manifest = run(config, tmp_path / "run").manifest
    assert manifest.counts.issued == 12 * 4 == manifest.counts.accepted + manifest.counts.dead_lettered
    assert manifest.credit.labelled == manifest.credit.begun > 5
    report = verify(tmp_path / "run", lambda uris: documents(uris, config.corpus))
    assert report.ok, report.findings
    rows = [row for path in (tmp_path / "run" / "dataset").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    restarted = [row for row in rows if row["lineage"]["prefix"]]
    assert restarted
    assert all(row["answer"].startswith(row["lineage"]["prefix"]) for row in restarted)
    assert "Where do wrong solutions break?" in (tmp_path / "run" / "report.html").read_text()
