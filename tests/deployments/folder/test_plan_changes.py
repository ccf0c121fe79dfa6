"""Changes of a run's plan between two launches: `gleaner end`, `gleaner run --more`, more samples of each passage.

The runs are the whole loop in this process, on a folder like any other.
"""

import asyncio
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.corpus.chunker import Chunker
from actors.corpus.reader import documents, read
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.report.finish import finish, replace_config
from benchmarks.loop import configuration, write_corpus
from deployments.build.wiring import started
from deployments.config.load import to_yaml
from deployments.config.recorded import is_edited
from deployments.folder.ending import REQUEST, end
from deployments.folder.more import raise_stop
from deployments.folder.output import prepare
from deployments.folder.shards import write_shards
from deployments.local.loop import conduct_in_process
from deployments.terminal.reading import summary_of
from schemas.config import RunConfig, Stopping
from schemas.corpus import Document
from schemas.errors import OutputError, UserError
from schemas.ledger import AcceptedEnd, Planned
from schemas.manifest import Manifest
from schemas.progress import Counts
from schemas.queue_shard import QueueShard
from schemas.stop import PlanEnd

PASSAGES = 12


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """Twelve passages of two orders each; a fifth of the drafts is rejected once."""
    write_corpus(tmp_path / "corpus.jsonl", PASSAGES)
    config = configuration(tmp_path / "corpus.jsonl", rejected=0.2, concurrency=4)
    return replace(config, task=replace(config.task, samples_per_passage=2))


def launch(config: RunConfig, output: Path) -> Manifest:
    """What `gleaner run` does, without Ray."""
    prepare(config, output)
    replace_config(output, to_yaml(config))
    found = read(config.corpus, Path("/"))
    chunker = Chunker(config.corpus.chunking)
    passages = [each for found in found if isinstance(found, Document) for each in chunker.passages(found)]
    shards = QueueShard(0, config.queue.shards).all
    ledgers = [SqliteLedger(output, shard) for shard in shards]
    for ledger in ledgers:
        ledger.append([started(config, at=time.time())])
    asyncio.run(conduct_in_process(config, passages, *ledgers))
    return files(config, output)


def files(config: RunConfig, output: Path) -> Manifest:
    """Shards, manifest and report, as at a run's end."""
    for shard in QueueShard(0, config.queue.shards).all:
        with SqliteLedger(output, shard) as ledger, LedgerReader(output, shard) as reader:
            asyncio.run(write_shards(output, ledger, reader, config, time.time))
    return finish(output, now=time.time(), versions={})


def proven(config: RunConfig, output: Path) -> Counts:
    """The counts of a folder that verify has nothing to say against."""
    report = verify(
        output, lambda uris: documents(uris, config.corpus), lambda said: is_edited(output / "run.yaml", said)
    )
    assert [f"{found.where}: {found.what}" for found in report.findings] == []
    with Ledgers(output) as ledgers:
        counts = summary_of(ledgers).counts
    assert (report.accepted, report.not_needed, report.outstanding) == (
        counts.accepted, counts.not_needed, counts.outstanding,
    )  # fmt: skip
    return counts


def waited() -> None:
    raise AssertionError("nothing runs, and somebody waits")


@pytest.mark.parametrize("shards", [1, 2])
def test_a_run_stops_at_its_number_and_goes_on_to_more(config: RunConfig, tmp_path: Path, shards: int) -> None:
    """Ten samples; then five more, from passages that were not read before; the plain command then changes nothing."""
    several = {"queue": replace(config.queue, shards=shards), "conductors": replace(config.conductors, count=shards)}
    config = replace(config, stop=Stopping(accepted=10), **several)
    output = tmp_path / "run"
    manifest = launch(config, output)
    assert (manifest.counts.accepted, manifest.complete, manifest.plan_ended) == (10, True, PlanEnd.ACCEPTED)
    assert proven(config, output).outstanding == 0
    change = raise_stop(output, config, 5, now=time.time())
    assert (change.more, change.accepted) == (5, 15)
    assert raise_stop(output, config, 5, now=time.time()) == change, "the same command after a crash"
    for _ in range(2):
        assert launch(config, output).counts.accepted == 15
    assert proven(config, output).accepted == 15
    assert launch(replace(config, stop=Stopping(accepted=16)), output).counts.accepted == 16, "the last word holds"


def test_a_run_that_has_not_ended_is_not_raised(config: RunConfig, tmp_path: Path) -> None:
    """Its number would be another than the one that was asked for."""
    output = tmp_path / "run"
    launch(config, output)
    with SqliteLedger(output) as ledger:
        records = [record for _, record in ledger.records()]
    cut = tmp_path / "cut"
    prepare(config, cut)
    replace_config(cut, to_yaml(config))
    with SqliteLedger(cut) as ledger:
        ledger.append(records[:4])
    with pytest.raises(UserError, match="has not ended"):
        raise_stop(cut, config, 6, now=time.time())


def test_what_is_left_of_a_stopped_run_is_ended(config: RunConfig, tmp_path: Path) -> None:
    """Its process died, or it was interrupted. A second `gleaner end` finds nothing to do, and `--more` goes on."""
    output = tmp_path / "run"
    launch(replace(config, stop=Stopping(orders=8)), output)
    with SqliteLedger(output) as ledger:
        planned = next(record for _, record in ledger.records() if isinstance(record, Planned))
        accepted = [record for _, record in ledger.records() if isinstance(record, AcceptedEnd)]
    cut = tmp_path / "cut"
    prepare(config, cut)
    replace_config(cut, to_yaml(config))
    with SqliteLedger(cut) as ledger:
        first = next(each for each in accepted if each.order_id == planned.orders[0].id)
        ledger.append([started(config, at=1.0), planned, first])
    end(cut, None, now=time.time, wait=waited)
    counts = proven(config, cut)
    assert (counts.issued, counts.accepted, counts.not_needed, counts.outstanding) == (2, 1, 1, 0)
    end(cut, None, now=time.time, wait=waited)
    assert proven(config, cut) == counts
    assert launch(config, cut).counts == counts, "the same command does not take it up again"
    raise_stop(cut, config, 3, now=time.time())
    assert launch(config, cut).counts.accepted == 4
    assert proven(config, cut).not_needed >= 1


def test_a_run_that_goes_on_is_asked(config: RunConfig, tmp_path: Path) -> None:
    """By a file in its folder; whoever asks waits until the run has let go of it."""
    output = tmp_path / "run"
    launch(replace(config, stop=Stopping(accepted=3)), output)
    running = SqliteLedger(output)

    def lets_go() -> None:
        assert (output / REQUEST).exists()
        running.close()

    end(output, None, now=time.time, wait=lets_go)
    assert not (output / REQUEST).exists()
    assert proven(config, output).accepted == 3


def test_passages_get_more_samples_in_the_same_folder(config: RunConfig, tmp_path: Path) -> None:
    """From two each to three: what is there stays, and nothing that was accepted is asked for again."""
    output = tmp_path / "run"
    before = launch(config, output)
    more = replace(config, task=replace(config.task, samples_per_passage=3))
    after = launch(more, output)
    assert (before.counts.issued, after.counts.issued) == (2 * PASSAGES, 3 * PASSAGES)
    assert after.complete
    assert proven(more, output).outstanding == 0
    with pytest.raises(OutputError, match="samples_per_passage: 3 → 2"):
        prepare(config, output)


def test_new_samples_know_the_old_ones(config: RunConfig, tmp_path: Path) -> None:
    """The accepted samples of a passage whose orders had all ended come with its new orders."""
    output = tmp_path / "run"
    launch(config, output)
    launch(replace(config, task=replace(config.task, samples_per_passage=3)), output)
    with SqliteLedger(output) as ledger:
        records = [record for _, record in ledger.records()]
    again = [record for record in records if isinstance(record, Planned) and record.orders[0].slot == 2]
    accepted = {record.order_id for record in records if isinstance(record, AcceptedEnd)}
    assert len(again) == PASSAGES
    known = {asked.order_id for record in again for asked in record.asked}
    old = {order.id for record in records if isinstance(record, Planned) for order in record.orders if order.slot < 2}
    assert known == accepted & old


def test_no_more_orders_than_may_be(config: RunConfig, tmp_path: Path) -> None:
    """`--more` says which bound is in its way."""
    config = replace(config, stop=Stopping(accepted=1000, orders=8))
    output = tmp_path / "run"
    assert launch(config, output).plan_ended is PlanEnd.ORDERS
    with pytest.raises(UserError, match=r"stop\.orders: 8 are issued"):
        raise_stop(output, config, 5, now=time.time())
