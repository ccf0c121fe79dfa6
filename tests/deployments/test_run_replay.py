"""A whole run on a real Ray whose dead letters come back under a changed configuration. Engines are doubles."""

import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from actors.ledger.reopen import ReplayRequest
from actors.ledger.sqlite import LedgerReader
from benchmarks.loop import configuration, write_corpus
from deployments.folder.replay import replay
from deployments.run import RunEnd, run
from schemas.config import RunConfig
from schemas.errors import OutputError
from schemas.ledger import Record, RunStarted
from schemas.orders import EndReason
from tests.deployments.test_run import accepted, holds
from tests.doubles.gates import changed_gate

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
    return changed_gate(config, threshold=threshold)


def records_of(output: Path) -> list[Record]:
    with LedgerReader(output) as ledger:
        return [record for _, record in ledger.records()]


def test_dead_letters_of_a_threshold_end_accepted_under_a_lower_one(strict: RunConfig, tmp_path: Path) -> None:
    """Rejected for a score of 0.1. Put back under a bar of 0.4 some draw better and some die again; put back under 0.05
    every order is accepted, once; what was accepted before is as it was, and no dead letter is left anywhere."""
    output, lower, lowest = tmp_path / "run", lenient(strict, 0.4), lenient(strict, 0.05)
    first = run(strict, output).manifest.counts
    before = accepted(output)
    assert 0 < first.dead_lettered < PASSAGES * SLOTS
    with pytest.raises(OutputError, match=r"gates\.faithfulness\.threshold: 0\.5 → 0\.4.*gleaner replay --config"):
        run(lower, output)

    assert (
        replay(output, ReplayRequest(frozenset({EndReason.REJECTED})), lower, now=time.time).orders
        == first.dead_lettered
    )
    assert holds(output, lower)
    second = run(lower, output).manifest.counts
    assert second.issued == second.accepted + second.dead_lettered
    assert second.reopened == first.dead_lettered > second.dead_lettered > 0
    assert holds(output, lower)

    assert replay(output, ReplayRequest(), lowest, now=time.time).orders == second.dead_lettered
    result = run(lowest, output)
    counts = result.manifest.counts
    assert (result.end, result.manifest.complete) == (RunEnd.COMPLETE, True)
    assert (counts.accepted, counts.dead_lettered) == (PASSAGES * SLOTS, 0)
    assert counts.recovered == first.dead_lettered
    assert counts.attempts == PASSAGES * SLOTS + counts.reopened, "nothing that was accepted was made again"
    assert before.items() <= accepted(output).items()
    assert holds(output, lowest)

    rows = [row for path in (output / "dataset").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert sorted(row["id"] for row in rows) == sorted(accepted(output))
    assert {row["lineage"]["attempts"] for row in rows} == {1, 2, 3}
    assert sum(pq.read_metadata(path).num_rows for path in (output / "dead_letters").glob("*.parquet")) == 0
    starts = [record.config_sha256 for record in records_of(output) if isinstance(record, RunStarted)]
    assert len(set(starts)) == len(starts) == 3
    assert result.manifest.config_sha256 == starts[-1]
    assert replay(output, ReplayRequest(), lowest, now=time.time).orders == 0
