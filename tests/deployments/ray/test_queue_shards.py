"""A run with three queue shards in this process: made, broken off, continued, read and replayed like a run with one."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from actors.audit.verify import verify
from actors.corpus.reader import documents
from actors.ledger.folder import Ledgers
from actors.ledger.reopen import ReplayRequest
from actors.ledger.sqlite import SqliteLedger
from actors.report.finish import finish
from benchmarks.loop import configuration, write_corpus
from deployments.build.wiring import started
from deployments.cli import app
from deployments.config.rules import broken_rule
from deployments.folder.output import keep, prepare
from deployments.folder.replay import foresee, replay
from deployments.local.loop import conduct_in_process
from deployments.terminal.preview import passages_of
from schemas.config import Conductors, Pool, Queue, Recovery, RunConfig
from schemas.config_engines import CustomEngine
from schemas.errors import OutputError
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Record, Reopened
from schemas.queue_shard import QueueShard, shard_of
from tests.actors.dataset.folders import write_shards

PASSAGES, SHARDS = 40, 3
NOW = 1_760_200_000.0


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """A third of the drafts is refused, few attempts each: some orders die."""
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(corpus, PASSAGES)
    config = configuration(corpus, rejected=0.35, concurrency=8)
    named = CustomEngine(factory="tests.doubles.engines:instant", model="almanac-m")  # as the shards' rows name it
    return replace(
        config,
        pools={"generator": replace(config.pools["generator"], engine=named)},
        recovery=Recovery(policy="naive_resample", max_attempts=2),
        queue=Queue(shards=SHARDS),
        conductors=Conductors(count=SHARDS, concurrency=8),
    )


class FullDisk(SqliteLedger):
    """Refuses everything after so many transactions."""

    left = 4

    def append(self, records: Sequence[Record]) -> int:
        if not self.left:
            raise OutputError("no space left")
        self.left -= 1
        return super().append(records)


def conduct(config: RunConfig, output: Path, opened: Callable[..., SqliteLedger] = SqliteLedger) -> None:
    """One process of a run on the folder, without Ray. `opened`: how the second shard's ledger is."""
    prepare(config, output)
    shards = QueueShard(0, config.queue.shards).all
    ledgers = [(opened if shard.number == 1 else SqliteLedger)(output, shard) for shard in shards]
    keep(config, output)
    for ledger in ledgers:
        ledger.append([started(config, at=time.time())])
    asyncio.run(conduct_in_process(config, passages_of(config, PASSAGES), *ledgers))


def finished(config: RunConfig, output: Path) -> None:
    asyncio.run(write_shards(output, rows_per_shard=20))
    finish(output, now=NOW, versions={})
    report = verify(output, lambda uris: documents(uris, config.corpus))
    assert (report.findings, report.outstanding, report.passages_checked) == ((), 0, PASSAGES)


def records(output: Path) -> list[Record]:
    with Ledgers(output) as ledgers:
        return [record for _, record in ledgers.records()]


def accepted(output: Path) -> dict[OrderId, str]:
    ends = [record for record in records(output) if isinstance(record, AcceptedEnd)]
    return {end.order_id: end.attempt.candidate.text for end in ends if end.attempt.candidate is not None}


def alone(config: RunConfig) -> RunConfig:
    return replace(config, queue=Queue())


def gleaner(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_three_shards_accept_what_one_accepts(config: RunConfig, tmp_path: Path) -> None:
    """Same seed, same samples, each once, in files of three writers; passages lie in all three."""
    conduct(config, tmp_path / "three")
    finished(config, tmp_path / "three")
    conduct(alone(config), tmp_path / "one")
    finished(config, tmp_path / "one")
    assert 0 < len(accepted(tmp_path / "one")) < PASSAGES * 3
    assert accepted(tmp_path / "three") == accepted(tmp_path / "one")
    assert not list((tmp_path / "one").rglob("*-1*")) and not list((tmp_path / "one").rglob("*-q*"))
    with Ledgers(tmp_path / "three") as ledgers:
        assert all(ledger.orders_like("", 1) for ledger in ledgers.each)


def test_one_shards_full_disk_ends_the_run_and_the_same_command_continues(config: RunConfig, tmp_path: Path) -> None:
    """The others' work stays; accepted samples are not made again, and the end is that of an undisturbed run."""
    with pytest.raises(OutputError, match="no space left"):
        conduct(config, tmp_path / "three", FullDisk)
    before = accepted(tmp_path / "three")
    conduct(config, tmp_path / "three")
    finished(config, tmp_path / "three")
    conduct(alone(config), tmp_path / "one")
    after = accepted(tmp_path / "three")
    assert 0 < len(before) < len(after)
    assert after == accepted(tmp_path / "one") and before.items() <= after.items()


def test_dead_letters_of_every_shard_come_back(config: RunConfig, tmp_path: Path) -> None:
    """Each into its own ledger; a fresh run ends them, and a replay under a changed configuration is taken by all."""
    output = tmp_path / "run"
    conduct(config, output)
    finished(config, output)
    dead = [record.order_id for record in records(output) if isinstance(record, DeadLetteredEnd)]
    instant = "tests.doubles.engines:instant"
    gentler = CustomEngine(factory=instant, model="almanac-m", options={"malformed": 0.01})
    changed = replace(config, pools={"generator": Pool(engine=gentler, replicas=config.pools["generator"].replicas)})
    assert foresee(output, ReplayRequest(), changed).orders == len(dead)
    assert replay(output, ReplayRequest(), changed, now=time.time).orders == len(dead)
    back = [record for record in records(output) if isinstance(record, Reopened)]
    assert {record.order_id for record in back} == set(dead)
    assert {shard_of(record.passage.id, SHARDS) for record in back} == set(range(SHARDS))
    assert replay(output, ReplayRequest(), None, now=time.time).orders == 0
    conduct(changed, output)
    finished(changed, output)
    assert len(accepted(output)) > PASSAGES * 3 - len(dead)


def test_commands_read_every_ledger(config: RunConfig, tmp_path: Path) -> None:
    """status, explain, report and verify speak of the whole run."""
    output = tmp_path / "run"
    conduct(config, output)
    finished(config, output)
    counts = json.loads(gleaner("status", output, "--json"))["counts"]
    assert counts["issued"] == PASSAGES * 3 == counts["accepted"] + counts["dead_lettered"]
    assert json.loads((output / "manifest.json").read_text())["counts"] == counts
    with Ledgers(output) as ledgers:
        for ledger in ledgers.each:
            order_id = ledger.orders_like("", 1)[0]
            assert json.loads(gleaner("explain", output, order_id[:14], "--json"))["order"]["id"] == order_id
    assert "gleaner explain" in gleaner("status", output)
    assert json.loads(gleaner("verify", output, "--json"))["orders"] == PASSAGES * 3
    assert Path(json.loads(gleaner("report", output, "--json"))["report"]).is_file()


def test_another_number_of_shards_is_refused(config: RunConfig, tmp_path: Path) -> None:
    """Passages' places would change. A folder made before there were shards is one with one."""
    output = tmp_path / "run"
    conduct(alone(config), output)
    old = (output / "run.yaml").read_text()
    assert "shards: 1" in old
    (output / "run.yaml").write_text("".join(line for line in old.splitlines(True) if "shards:" not in line))
    prepare(alone(config), output)
    with pytest.raises(OutputError, match=r"queue\.shards: 1 → 3"):
        prepare(config, output)


def test_every_shard_needs_a_conductor_and_room(config: RunConfig) -> None:
    """A shard without either would never end."""
    assert broken_rule(config) is None
    too_few = replace(config, conductors=replace(config.conductors, count=2))
    assert broken_rule(too_few) == "conductors.count: 2 is fewer than queue.shards (3); each shard has its part"
    assert "queue.capacity" in (broken_rule(replace(config, queue=Queue(shards=3, capacity=2))) or "")
