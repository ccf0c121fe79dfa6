"""Requests that kill their replica, and a replica that hangs, on a real Ray and Serve. The engine is a double."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.corpus.reader import documents
from actors.ledger.sqlite import LedgerReader
from benchmarks.loop import configuration, write_corpus
from deployments.monitoring.progress import Progress
from deployments.run import run
from schemas.config import RunConfig
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine
from schemas.errors import ErrorKind
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Rejoined
from schemas.orders import EndReason
from tests.doubles.gates import changed_gate

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]

PASSAGES, SLOTS = 60, 3


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """Sixty passages; the 31st is poison for every replica that reads it."""
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    lines = corpus.read_bytes().splitlines(keepends=True)
    lines[30] = msgspec.json.encode({"id": "d30", "text": "Document 30 says hemlock, which is poison."}) + b"\n"
    corpus.write_bytes(b"".join(lines))
    return configuration(corpus, rejected=0.0, concurrency=64)


def generating(config: RunConfig, replicas: Replicas, **options: str | float | int) -> RunConfig:
    """The run with a generator that may die or hang."""
    engine = CustomEngine(factory="tests.doubles.deadly:deadly", options=options)
    return replace(config, pools={"generator": replace(config.pools["generator"], engine=engine, replicas=replicas)})


def test_poison_is_isolated_and_the_innocent_pay_nothing(config: RunConfig, tmp_path: Path) -> None:
    """Three of 180 orders kill every replica that reads them: these three are dead-lettered, with the evidence; all
    others are accepted at their first attempt."""
    deadly = generating(config, Replicas(min=2, max=2, num_cpus=0.1), poison="hemlock")
    manifest = run(deadly, tmp_path / "run").manifest
    assert manifest.counts.accepted == (PASSAGES - 1) * SLOTS
    assert manifest.counts.dead_lettered == SLOTS
    assert verify(tmp_path / "run", lambda uris: documents(uris, config.corpus)).ok
    with LedgerReader(tmp_path / "run") as ledger:
        records = [record for _, record in ledger.records()]
        culprits = [record for record in records if isinstance(record, DeadLetteredEnd)]
        passages = {ledger.passage(culprit.order_id) for culprit in culprits}
    assert not [record for record in records if isinstance(record, Rejoined)]
    assert {record.attempt.number for record in records if isinstance(record, AcceptedEnd)} == {1}
    assert {passage.text for passage in passages if passage} == {"Document 30 says hemlock, which is poison."}
    for culprit in culprits:
        assert culprit.end.reason is EndReason.ENGINE_ERROR
        assert culprit.end.error is ErrorKind.CRASHED
        assert "killed 2 replicas while alone" in culprit.end.detail


def test_a_judge_that_dies_of_a_sample_is_a_gate_error(config: RunConfig, tmp_path: Path) -> None:
    """The same for a gate: what could not be judged is not accepted, and says so."""
    engine = CustomEngine(factory="tests.doubles.deadly:deadly", options={"poison": "hemlock"})
    once = replace(config, task=replace(config.task, samples_per_passage=1))
    manifest = run(changed_gate(once, engine=engine), tmp_path / "run").manifest
    assert manifest.counts.accepted == PASSAGES - 1
    assert {(end.reason, end.orders) for end in manifest.ends} == {(EndReason.GATE_ERROR, 1)}


def test_a_replica_that_finishes_nothing_is_replaced(config: RunConfig, tmp_path: Path) -> None:
    """It answers every ping and no request: it is replaced, and what it held is answered elsewhere at no charge."""
    hanging = generating(
        config, Replicas(min=1, max=1, num_cpus=0.1, stall_s=2.0), hangs_once=str(tmp_path / "hanging")
    )
    seen: list[Progress] = []
    manifest = run(hanging, tmp_path / "run", watch=seen.append).manifest
    assert (tmp_path / "hanging").exists()
    assert manifest.counts.accepted == PASSAGES * SLOTS
    assert manifest.counts.attempts == PASSAGES * SLOTS
