"""A run on three nodes as a process of its own, and whoever is killed or sent away in it.

The engines are doubles with real latencies and deterministic answers, so that a run that was disturbed can be held
against one that was not.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.corpus.reader import documents
from actors.ledger.folder import Ledgers
from benchmarks.loop import SLOTS, configuration
from deployments.config.load import to_yaml
from deployments.config.recorded import is_edited
from deployments.monitoring.live import read_live
from deployments.serve.deployments import names
from deployments.terminal.boundary import MISTAKEN
from schemas.config import FRESH_POOL, Conductors, Dataset, Pool, Queue, RunConfig
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine
from schemas.config_gates import Classifier
from schemas.ids import OrderId, PoolName
from schemas.ledger import AcceptedEnd
from schemas.verdicts import FAITHFULNESS, REWARD
from tests.doubles.gates import with_gate
from tests.faults.cluster import ThreeNodes, end
from tests.faults.schedule import Kill, Target
from tests.so_far import ended

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-c", "from deployments.cli import main; main()"]
PASSAGES = 250
HELD = 0.003
REPLICA = "ray::ServeReplica:"
LONGEST_S = 300.0
"""A wait that ends a hanging test, no claim about speed."""
PROCESSES_S = 0.2
"""Between two looks at the process table, each of which takes 10 ms."""
Accepted = dict[OrderId, str]


def until(holds: Callable[[], bool], what: str, *, every_s: float = 0.02) -> None:
    limit = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < limit, f"never seen: {what}"
        time.sleep(every_s)


def slow_enough(corpus: Path, folder: Path, address: str, *, median_s: float) -> RunConfig:
    """Some seconds of work when nobody is killed, a fifth of it rejected once; a few orders wait for the file `last`,
    so that no run ends before its last kill. The queue has room for a fifth of the orders, so that the reader waits;
    while the file `stop` is there nothing is generated, so that it waits until it is killed."""
    config = configuration(corpus, rejected=0.2, concurrency=64)
    latency: dict[str, str | int | float | bool] = {"median_s": median_s, "slots": 16}
    held = {"held": HELD, "held_until": str(folder / "last"), "journal": str(folder / "journal")}
    stopped = {"stopped_while": str(folder / "stop")}
    instant = "tests.doubles.engines:instant"
    generator = CustomEngine(factory=instant, options=latency | held | stopped)
    judge = CustomEngine(factory=instant, options=latency | {"rejected": 0.2})
    return replace(
        with_gate(config, Classifier(engine=judge, replicas=Replicas(min=2, max=2, num_cpus=1))),
        ray_address=address,
        pools={"generator": Pool(engine=generator, replicas=Replicas(min=3, max=3, num_cpus=1))},
        conductors=Conductors(count=2, concurrency=64),
        dataset=Dataset(rows_per_shard=100, flush_s=2),
        queue=Queue(capacity=PASSAGES * SLOTS // 5),
    )


class Attack:
    """A run as a process of its own, and whoever is killed in it."""

    def __init__(
        self, nodes: ThreeNodes, corpus: Path, folder: Path, *, median_s: float = 0.1, shards: int = 1
    ) -> None:
        self._nodes = nodes
        self._folder = folder
        self.output = folder / "run"
        config = slow_enough(corpus, folder, nodes.address, median_s=median_s)
        conductors = replace(config.conductors, count=max(shards, config.conductors.count))
        self.config = replace(config, queue=replace(config.queue, shards=shards), conductors=conductors)
        (folder / "run.yaml").write_text(to_yaml(self.config))
        self._driver: subprocess.Popen[bytes]
        self.more: int | None = None
        """Of the next start: so many more accepted samples of a finished run."""

    def start(self) -> None:
        """`gleaner run`, for the first time or again."""
        with (self._folder / "said").open("ab") as said:
            self._driver = subprocess.Popen(
                self.command, cwd=ROOT, env=self._nodes.environment, stdout=said, stderr=subprocess.STDOUT
            )

    @property
    def command(self) -> list[str]:
        """What starts the run, for the first time or again."""
        more = [] if self.more is None else ["--more", str(self.more)]
        return [*COMMAND, "run", str(self._folder / "run.yaml"), "--output", str(self.output), *more]

    def refused(self) -> str:
        """What the same command says while the run goes on."""
        again = subprocess.run(self.command, cwd=ROOT, env=self._nodes.environment, capture_output=True, text=True)
        assert again.returncode == MISTAKEN, again.stderr
        return again.stderr

    @property
    def launch(self) -> str | None:
        """What the launch that has the folder is called; None before the first one has it."""
        live = read_live(self.output)
        return None if live is None else live.launch

    def replicas(self) -> dict[int, str]:
        """Processes of this folder's replicas with their applications, of whatever launch."""
        launch = self.launch
        if launch is None:
            return {}
        replicas = {}
        for each in self._nodes.processes(f"{REPLICA}{launch.rpartition('-')[0]}-"):
            with suppress(psutil.NoSuchProcess, IndexError):  # it ends
                replicas[each.pid] = each.cmdline()[0].removeprefix(REPLICA).split(":")[0]
        return replicas

    def strike(self, kill: Kill, *, reading: bool = False) -> None:
        """Waits for the moment, and kills. `reading`: no generation begins meanwhile, so that the corpus lasts for a
        reader that is to be killed."""
        until(lambda: self._alive() and self.ended() >= kill.after * PASSAGES * SLOTS, f"the moment of {kill}")
        stop = self._folder / "stop"
        if reading:
            stop.touch()
        try:
            self._kill(kill)
        finally:
            stop.unlink(missing_ok=True)

    def _kill(self, kill: Kill) -> None:
        match kill.target:
            case Target.DRIVER:
                self.kill_the_driver()
                self.start()
            case Target.NODE:
                raylet = _one_of(self._nodes.workers(), kill.which)
                end(raylet, *raylet.children(recursive=True))
                self._nodes.add_node()
            case _:
                found = f"{kill.target} to kill"
                self.sees(lambda: bool(self._nodes.processes(self._title(kill.target))), found)
                end(_one_of(self._nodes.processes(self._title(kill.target)), kill.which))

    def kill_the_driver(self) -> None:
        """With it the run is gone, until it is started again."""
        self._driver.kill()
        self._driver.wait()

    def terminate(self, grace_s: float) -> None:
        """As a pod ends: SIGTERM, and SIGKILL when the grace period is over."""
        self._driver.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._driver.wait(grace_s)
        self.kill_the_driver()

    def code(self) -> int:
        """Waits for the driver's end; its exit code."""
        return self._driver.wait(LONGEST_S)

    def send_away(self, notice_s: int) -> psutil.Process:
        """A spot notice for the node that holds most generators; gives its raylet."""
        until(lambda: self._alive() and self.ended() > 0.1 * PASSAGES * SLOTS, "a tenth of the work")
        raylet = max(self._nodes.workers(), key=self.generators)
        self._nodes.notice(raylet, notice_s)
        return raylet

    def generators(self, raylet: psutil.Process) -> int:
        """Generator replicas on that node."""
        return self._nodes.count(raylet, self._title(Target.GENERATOR))

    def sees(self, holds: Callable[[], bool], what: str) -> None:
        """Waits until the condition holds while the run goes on."""
        until(lambda: self._alive() and holds(), what, every_s=PROCESSES_S)

    def requests(self) -> list[str]:
        """Every generation that began, one entry for each time."""
        return [line.split()[1] for line in (self._folder / "journal").read_text().splitlines()]

    def hold_nothing(self) -> None:
        """The run ends when its work does."""
        (self._folder / "last").touch()

    def complete(self) -> None:
        """Nobody is killed any more: waits for the run's good end."""
        self.hold_nothing()
        try:
            assert self._driver.wait(LONGEST_S) == 0, self.said()
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the run does not end:\n{self.said()}") from None

    def stop(self) -> None:
        """Whatever happened: what a failed run has deployed takes no memory from the next one."""
        self.kill_the_driver()
        if self.replicas():
            self._nodes.remove_applications()

    def ended(self) -> int:
        """Orders that have ended so far."""
        return ended(self.output)

    def accepted(self) -> Accepted:
        """Every accepted order's text."""
        return {record.order_id: _text(record) for record in self.ends()}

    def generated_again(self) -> list[OrderId]:
        """Orders whose generation began after they had been accepted."""
        ends = {record.order_id: record.at for record in self.ends()}
        lines = [line.split() for line in (self._folder / "journal").read_text().splitlines()]
        began = [(OrderId(request.rpartition(":")[0]), float(at)) for at, request in lines]
        return [order for order, at in began if order in ends and at > ends[order]]

    def prove(self, undisturbed: Accepted) -> None:
        """verify holds, and what was accepted is what a run accepts that nobody disturbs."""
        self.holds()
        assert self.accepted() == undisturbed

    def holds(self) -> None:
        """verify finds nothing."""
        edited = partial(is_edited, self.output / "run.yaml")
        report = verify(self.output, lambda uris: documents(uris, self.config.corpus), edited)
        assert report.ok, report.findings

    def said(self) -> str:
        """The end of what the command has printed."""
        return (self._folder / "said").read_text()[-3000:]

    def ends(self) -> list[AcceptedEnd]:
        """How every accepted order ended."""
        with Ledgers(self.output) as ledgers:
            return [record for _, record in ledgers.records() if isinstance(record, AcceptedEnd)]

    def _alive(self) -> bool:
        assert self._driver.poll() is None, self.said()
        return True

    def _title(self, target: Target) -> str:
        """What the target's processes are called; replicas by their application, in the launch that lives."""
        where = names(self.config, self.launch or "no launch yet")
        match target:
            case Target.GENERATOR:
                return f"{REPLICA}{where.pools[PoolName(FRESH_POOL)]}"
            case Target.JUDGE:
                return f"{REPLICA}{where.gates[FAITHFULNESS]}"
            case Target.REWARD:
                return f"{REPLICA}{where.gates[REWARD]}"
            case Target.CONTROLLER:
                return "ray::ServeController"
            case _:
                return f"ray::{target.value.capitalize()}Shell"


def _one_of(victims: list[psutil.Process], which: float) -> psutil.Process:
    return victims[int(which * len(victims))]


def _text(record: AcceptedEnd) -> str:
    assert record.attempt.candidate is not None
    return record.attempt.candidate.text
