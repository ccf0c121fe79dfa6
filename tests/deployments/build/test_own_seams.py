"""What a user brings beside tasks and gates, in one whole run: a reader, a repair, a sink and a dataset of the Hub."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

import gleaner
from actors.ledger.folder import Ledgers
from deployments.config.load import load
from deployments.hub import publisher
from deployments.monitoring.standstill import waits_of, words
from deployments.monitoring.trackers import follower
from deployments.run import RunEnd
from schemas.config import Replicas, RunConfig
from schemas.config_deployed import Deployed
from schemas.config_publish import Publish
from schemas.config_trackers import OtelTracker, Trackers, WandbTracker
from schemas.ledger import Rejoined
from schemas.recovery import KNOWN_MODES
from tests.deployments.build.test_own_readers import READERS, TABLE, run_of
from tests.doubles.hub_server import hub_server
from tests.doubles.hub_store import HubStore
from tests.doubles.otlp import Collector, collector

ROWS = ", ".join(f"{mode}: [shorter]" for mode in KNOWN_MODES)
REPAIRS = f'own_repairs: {{shorter: "examples.repairs.shorter:shorter"}}, repairs: {{{ROWS}}}'


def sinks(folder: Path) -> str:
    """One that works, one that dies with its first shard, one that is away."""
    kinds = {"lines": "examples.sinks.lines:JsonLines", "deadly": "tests.doubles.sinks:DeadlySink"}
    kinds |= {"away": "tests.doubles.sinks:AwaySink"}
    entries = (f'{name}: {{factory: "{made}", options: {{folder: "{folder}/{name}"}}}}' for name, made in kinds.items())
    return f"sinks: {{{', '.join(entries)}}}"


def ids_in(folder: Path) -> list[str]:
    return sorted(json.loads(line)["id"] for file in folder.glob("*.jsonl") for line in file.open())


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStore]:
    """A Hub that knows no token yet, for a run whose minutes are short."""
    monkeypatch.setattr(publisher, "MINUTE_S", 0.5)
    store = HubStore()
    with hub_server(store) as address:
        known = {"HF_ENDPOINT": address, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "home")}
        for name, value in (known | {"HF_TOKEN": "hf_of_this_test"}).items():
            monkeypatch.setenv(name, value)
        yield store


@pytest.fixture
def otlp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that is overloaded."""
    monkeypatch.setattr(follower, "AWAY_END_S", 2.0)
    with collector() as made:
        made.status = 503
        yield made


def at(address: str) -> OtelTracker:
    """Traces of all orders."""
    return OtelTracker(address, traces=1)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
def test_a_whole_run_of_ones_own_parts(tmp_path: Path, hub: HubStore, otlp: Collector) -> None:
    """Every process finds the code; the folder is proved with it. Every accepted row is at each sink once, though one
    killed the writer between a delivery and its memory, and another was away until the next run. So were the Hub, and a
    collector that then had a trace of each order."""
    (tmp_path / "table.csv").write_text(TABLE)
    text = run_of(READERS, f"[{tmp_path / 'table.csv'}]").replace("max_attempts: 3", f"max_attempts: 3, {REPAIRS}")
    path, output = tmp_path / "config.yaml", tmp_path / "run"
    path.write_text(text.replace("rows_per_shard: 10", f"rows_per_shard: 3, {sinks(tmp_path)}"))
    config, held = replace(on_little(load(path)), publish=Publish("towns/own", every_minutes=1)), set[str]()
    config = replace(config, trackers=Trackers(WandbTracker("towns", mode="offline"), otel=at(otlp.address)))
    made = gleaner.run(config, output, watch=lambda now: held.update(words(waits_of(now), now=now.at))).wait()
    assert made.end is RunEnd.COMPLETE and list(made.undelivered) == ["away"]
    assert any(line.startswith("sink away: ") and "ConnectionError: the lake is away" in line for line in held)
    assert made.unpublished is not None and "the Hub refuses the token" in made.unpublished
    assert any(line.startswith("dataset towns/own: ") and "the Hub refuses the token" in line for line in held)
    assert list(made.untracked) == ["otel"] and any(line.startswith("tracker otel: ") for line in held)
    report = gleaner.verify(output, config=config)
    assert report.ok and report.passages_checked == report.passages > 0
    with Ledgers(output) as ledgers:
        records = [record for each in ledgers.each for _, record in each.records()]
    chosen = [record.attempt.choice for record in records if isinstance(record, Rejoined)]
    assert {choice.repair.kind for choice in chosen if choice is not None and choice.repair is not None} == {"shorter"}
    accepted = sorted(str(sample.id) for sample in gleaner.samples(output))
    assert len(accepted) > 3 and ids_in(tmp_path / "lines") == accepted
    assert (tmp_path / "deadly" / "died").exists() and ids_in(tmp_path / "deadly") == accepted
    (tmp_path / "away").mkdir()
    otlp.status = 200
    hub.tokens = {"hf_of_this_test": "write"}
    again = gleaner.run(config, output).wait()
    assert not again.undelivered and again.unpublished is None and again.manifest.counts == made.manifest.counts
    assert ids_in(tmp_path / "away") == accepted
    assert again.untracked == {} and len(otlp.roots) == made.manifest.counts.ended
    assert len(list((output / "trackers" / "wandb").glob("offline-run-*"))) == 2
    assert hub.repositories["towns/own"].messages[-1] == f"{len(accepted)} samples of {config.name}"


def on_little(config: RunConfig) -> RunConfig:
    """On a machine of two processors."""
    little = Replicas(num_cpus=0.1)
    pools = {name: replace(pool, replicas=little) for name, pool in config.pools.items()}
    gates = {name: replace(gate, replicas=little) for name, gate in config.gates.items() if isinstance(gate, Deployed)}
    return replace(config, pools=pools, gates={**config.gates, **gates})
