"""A run on a cluster of fake nodes under Ray's real autoscaler: nodes come with the work, go with it, and may be lost.

The engines are doubles and take one fake GPU each; the head has none, so that every generator needs a node of its own.
`gleaner run` is a process of its own that joins the cluster with its token; this test's Ray is left alone.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.corpus.reader import documents
from benchmarks.loop import SLOTS, configuration, write_corpus
from deployments.config.load import to_yaml
from schemas.config import Pool, RunConfig, Scaling
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine
from tests.doubles.fake_nodes import FakeCluster, fake_cluster
from tests.so_far import ACCEPTED, ended

pytestmark = [pytest.mark.ray, pytest.mark.slow]

COMMAND = [sys.executable, "-c", "from deployments.cli import main; main()"]
ROOT = Path(__file__).parents[3]
NODES = 3
POOL = "pool-generator"
PASSAGES = 1200
HELD = 0.0001
"""One order, always the same one: which are held follows from their content."""
LONGEST_S = 400.0
"""A wait that ends a hanging test, no claim about speed."""


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    """A head without a GPU; up to three GPU nodes, gone when idle for two seconds."""
    with fake_cluster(gpu_nodes=NODES, idle_s=2.0) as cluster:
        until(cluster.ready, "the head answers")
        assert cluster.nodes() == []
        yield cluster


def until(holds: Callable[[], bool], what: str) -> None:
    """Waits until the condition holds."""
    end = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < end, f"never seen: {what}"
        time.sleep(0.25)


def burst(tmp_path: Path, cluster: FakeCluster) -> RunConfig:
    """A run whose generators take a second an answer until the file `over` is there, then none; one of its orders
    waits for the file `last`."""
    write_corpus(tmp_path / "corpus.jsonl", PASSAGES)
    config = configuration(tmp_path / "corpus.jsonl", rejected=0.0, concurrency=256)
    options: dict[str, str | int | float | bool] = {
        "median_s": 1.0,
        "slots": 2,
        "instant_after": str(tmp_path / "over"),
        "held": HELD,
        "held_until": str(tmp_path / "last"),
    }
    engine = CustomEngine(factory="tests.doubles.engines:instant", options=options)
    pool = Pool(engine=engine, replicas=Replicas(min=1, max=NODES, num_cpus=0, num_gpus=1))
    scaling = Scaling(cooldown_s=3.0, horizon_s=5.0)
    return replace(config, ray_address=f"127.0.0.1:{cluster.port}", pools={"generator": pool}, scaling=scaling)


def accepted(output: Path) -> int:
    """Orders accepted so far."""
    return ended(output, ACCEPTED)


class Run:
    """`gleaner run` as a process of its own on the cluster."""

    def __init__(self, folder: Path, cluster: FakeCluster) -> None:
        self.output = folder / "run"
        self._said = folder / "said"
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(
                [*COMMAND, "run", str(folder / "run.yaml"), "--output", str(self.output)],
                cwd=ROOT, env=cluster.environment, stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def sees(self, holds: Callable[[], bool], what: str) -> None:
        """Waits until the condition holds while the run goes on."""
        until(lambda: self._alive() and holds(), what)

    def completes(self) -> None:
        """Waits for its good end."""
        assert self._process.wait(LONGEST_S) == 0, self._said.read_text()[-3000:]

    def kill(self) -> None:
        """kill -9 of the process, if it is still there."""
        self._process.kill()
        self._process.wait()

    def _alive(self) -> bool:
        assert self._process.poll() is None, self._said.read_text()[-3000:]
        return True


def test_a_burst_brings_nodes_and_its_end_takes_them_down(cluster: FakeCluster, tmp_path: Path) -> None:
    """From no GPU to three and back to none; a node and the driver are lost in the middle, and no order with them."""
    config = burst(tmp_path, cluster)
    (tmp_path / "run.yaml").write_text(to_yaml(config))
    first = Run(tmp_path, cluster)
    try:
        first.sees(lambda: cluster.replicas(POOL) == NODES, "a generator on each node")
        cluster.nodes()[0].kill()
        first.sees(lambda: len(cluster.nodes()) < NODES, "the loss of the node")
        first.sees(lambda: cluster.replicas(POOL) == NODES, "a generator on its successor")
        before = accepted(first.output)
        first.sees(lambda: accepted(first.output) > before, "work that goes on")
    finally:
        first.kill()
    until(lambda: cluster.processes("ray::QueueShell") == 0, "the driver's actors gone with it")
    before = accepted(first.output)
    assert before < PASSAGES * SLOTS
    again = Run(tmp_path, cluster)
    try:
        again.sees(lambda: accepted(again.output) > before, "the same command goes on")
        (tmp_path / "over").touch()
        again.sees(lambda: cluster.replicas(POOL) < NODES, "a generator that is not needed any more")
        again.sees(lambda: len(cluster.nodes()) < NODES, "the end of its node, while the last order is waited for")
        again.sees(lambda: accepted(again.output) == PASSAGES * SLOTS - 1, "every order but the one that is held")
        (tmp_path / "last").touch()
        again.completes()
    finally:
        again.kill()
    until(lambda: not cluster.nodes(), "no GPU node any more")
    report = verify(again.output, lambda uris: documents(uris, config.corpus))
    assert report.ok, report.findings
    assert accepted(again.output) == PASSAGES * SLOTS
