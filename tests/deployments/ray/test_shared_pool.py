"""A gate that a pool answers for, on a real Ray and a real Serve: one deployment writes and judges."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.corpus.reader import documents
from benchmarks.loop import configuration, write_corpus
from deployments.monitoring.progress import Progress
from deployments.run import RunEnd, run
from schemas.config_engines import PoolEngine
from schemas.config_gates import LlmJudge
from schemas.verdicts import REWARD

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]

PASSAGES = 30


def test_one_deployment_writes_and_judges(tmp_path: Path) -> None:
    """Two applications for three roles: the pool's replicas answer drafts and verdicts side by side, in batches of
    both; every order ends, no verdict is an error, and each role has its own tokens."""
    write_corpus(tmp_path / "corpus.jsonl", PASSAGES)
    config = configuration(tmp_path / "corpus.jsonl", rejected=0.2, concurrency=64)
    gates = {**config.gates, REWARD: LlmJudge(engine=PoolEngine(pool="generator"))}
    seen: list[Progress] = []
    result = run(replace(config, gates=gates), tmp_path / "run", watch=seen.append)
    counts = result.manifest.counts
    assert result.end is RunEnd.COMPLETE and counts.accepted + counts.dead_lettered == counts.issued > 0
    assert {status.role for progress in seen for status in progress.replicas} == {"generator", "faithfulness"}
    summary = seen[-1].snapshot.summary if seen[-1].snapshot is not None else None
    assert summary is not None
    (said,) = [each for each in summary.verdicts if each.gate == REWARD]
    assert said.errored == 0 and said.passed > 0
    assert {role.role for role in summary.roles if role.tokens} == {"generator", "faithfulness", "reward"}
    assert result.manifest.models["reward"] == config.pools["generator"].engine.model
    report = verify(tmp_path / "run", lambda uris: documents(uris, config.corpus))
    assert report.ok, report.findings
