"""The embedder in a real run: a deployment of its own, vectors in the ledger, costs and status under its role."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from actors.ledger.sqlite import LedgerReader
from benchmarks.loop import configuration, write_corpus
from deployments.cli import app
from deployments.monitoring.progress import Progress
from deployments.run import run
from schemas.config import EmbedderModel, Replicas, RunConfig, TransformersEngine
from schemas.ledger import AcceptedEnd
from schemas.vectors import EMBEDDER
from tests.doubles.tiny_models import save_generator

pytestmark = [pytest.mark.ray, pytest.mark.slow]
PASSAGES = 6


def test_a_run_with_an_embedder(tmp_path: Path) -> None:
    """Every accepted attempt has a vector of that embedder; the run is proved, told and stopped as any other."""
    write_corpus(tmp_path / "corpus.jsonl", PASSAGES)
    config, output = _configuration(tmp_path), tmp_path / "run"
    seen: list[Progress] = []
    manifest = run(config, output, watch=seen.append).manifest
    assert manifest.counts.outstanding == 0 and manifest.counts.accepted >= PASSAGES
    with LedgerReader(output) as ledger:
        accepted = [record.attempt for _, record in ledger.records() if isinstance(record, AcceptedEnd)]
    vectors = [each.embedded.vector for each in accepted if each.embedded is not None]
    assert len(vectors) == len(accepted) == manifest.counts.accepted
    assert {(vector.by[:2], len(vector.parts)) for vector in vectors} == {("m@", 64)}
    (role,) = (role for role in manifest.roles if role.role == EMBEDDER)
    assert role.calls >= len(accepted) and role.prompt_tokens > role.calls and role.completion_tokens == 0
    assert manifest.models[EMBEDDER].endswith("/m")
    assert any(EMBEDDER in {status.role for status in each.replicas} for each in seen)
    assert any(each.scaling is not None and EMBEDDER in each.scaling.pools for each in seen)
    for command in ("verify", "status", "report"):
        done = CliRunner().invoke(app, [command, str(output), "--json"])
        assert done.exit_code == 0, done.output
    told = json.loads(CliRunner().invoke(app, ["verify", str(output), "--json"]).stdout)
    assert not [finding for finding in told.get("findings", []) if finding.get("severity") == "error"]


def _configuration(folder: Path) -> RunConfig:
    plain = configuration(folder / "corpus.jsonl", rejected=0.2, concurrency=16)
    engine = TransformersEngine(model=str(save_generator(folder / "m")), device="cpu")
    embedder = EmbedderModel(engine=engine, replicas=Replicas(num_cpus=0.1), similarity=1.0)
    return replace(plain, judging=replace(plain.judging, embedder=embedder))
