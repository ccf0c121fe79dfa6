"""A whole run on a real Ray whose dead letters come back under a changed configuration. Engines are doubles."""

import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from actors.ledger import LedgerReader
from actors.reopening import Wanted
from benchmarks.loop import configuration, write_corpus
from deployments.replay import replay
from deployments.run import RunEnd, run
from schemas.config import Classifier, RunConfig
from schemas.errors import OutputError
from schemas.ledger import AcceptedEnd, Record, RunStarted
from schemas.orders import EndReason
from tests.deployments.test_run import accepted, holds

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]

PASSAGES, SLOTS = 12, 3


@pytest.fixture
def strict(tmp_path: Path) -> RunConfig:
    """Half of the drafts score 0.1 and are refused by a threshold of 0.5; one attempt each."""
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    config = configuration(corpus, rejected=0.5, concurrency=64)
    return replace(config, recovery=replace(config.recovery, max_attempts=1))


def lenient(config: RunConfig, threshold: float) -> RunConfig:
    """The same run with a lower bar."""
    judge = config.gates.faithfulness
    assert isinstance(judge, Classifier)
    return replace(config, gates=replace(config.gates, faithfulness=replace(judge, threshold=threshold)))


def records_of(output: Path) -> list[Record]:
    with LedgerReader(output) as ledger:
        return [record for _, record in ledger.records()]


def test_dead_letters_of_a_threshold_end_accepted_under_a_lower_one(strict: RunConfig, tmp_path: Path) -> None:
    """Rejected for a score of 0.1, put back, run again with a bar of 0.05: every order is accepted, once; what was
    accepted before is as it was, and no dead letter is left anywhere."""
    output, lower = tmp_path / "run", lenient(strict, 0.05)
    first = run(strict, output).manifest
    dead = first.counts.dead_lettered
    assert 0 < dead < PASSAGES * SLOTS
    before = accepted(output)
    with pytest.raises(OutputError, match=r"gates\.faithfulness\.threshold: 0\.5 → 0\.05.*gleaner replay --config"):
        run(lower, output)

    assert replay(output, Wanted(frozenset({EndReason.REJECTED})), lower, now=time.time).orders == dead
    assert holds(output, lower)
    result = run(lower, output)

    counts = result.manifest.counts
    assert result.end is RunEnd.COMPLETE
    assert result.manifest.complete
    assert (counts.accepted, counts.dead_lettered, counts.reopened) == (PASSAGES * SLOTS, 0, dead)
    assert counts.recovered == dead
    assert counts.attempts == PASSAGES * SLOTS + dead, "nothing that was accepted was made again"
    assert before.items() <= accepted(output).items()
    assert holds(output, lower)
    rows = [row for path in (output / "dataset").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert sorted(row["id"] for row in rows) == sorted(accepted(output))
    assert {row["lineage"]["attempts"] for row in rows if row["id"] not in before} == {2}
    assert sum(pq.read_metadata(path).num_rows for path in (output / "dead_letters").glob("*.parquet")) == 0
    assert replay(output, Wanted(), lower, now=time.time).orders == 0
    assert run(lower, output).manifest.counts == counts


def test_each_start_says_the_configuration_of_its_attempts(strict: RunConfig, tmp_path: Path) -> None:
    """A bar still too high: the orders die again under the second configuration, whose fingerprint the ledger has,
    and come back once more."""
    output = tmp_path / "run"
    dead = run(strict, output).manifest.counts.dead_lettered
    for threshold in (0.4, 0.3):
        config = lenient(strict, threshold)
        assert replay(output, Wanted(), config, now=time.time).orders > 0
        manifest = run(config, output).manifest
        assert holds(output, config)
    starts = [record.config_sha256 for record in records_of(output) if isinstance(record, RunStarted)]
    assert len(set(starts)) == len(starts) == 3
    assert manifest.config_sha256 == starts[-1]
    assert manifest.counts.reopened >= dead
    numbers = {record.attempt.number for record in records_of(output) if isinstance(record, AcceptedEnd)}
    assert numbers == {1, 2, 3}
