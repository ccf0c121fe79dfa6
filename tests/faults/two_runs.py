"""Two runs on one cluster: one folder whose model is replaced between two lives of it, and one that goes on beside it.

Both read the same corpus, so their orders have the same ids, and only what a text says of its model tells them apart.
"""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
from msgspec import Struct
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.corpus.reader import documents
from actors.dataset.spans import current
from actors.ledger.folder import Ledgers
from benchmarks.loop import SLOTS
from deployments.config.load import to_yaml
from schemas.config import FRESH_POOL, Pool
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine
from schemas.ledger import ShardKind
from tests.doubles.gates import changed_gate
from tests.doubles.signed import signature
from tests.faults.attack import COMMAND, LONGEST_S, PASSAGES, ROOT, Attack, until
from tests.faults.cluster import ThreeNodes
from tests.faults.schedule import Kill, Target

ORDERS = PASSAGES * SLOTS
HELD = 0.02
"""So many of the orders wait until nobody is to be killed any more: a run that is over cannot be disturbed."""
HELD_BACK = 0.1
"""The same of those that were put back, which are fewer."""
HURT = (
    Target.QUEUE,
    Target.CONDUCTOR,
    Target.WRITER,
    Target.GENERATOR,
    Target.JUDGE,
    Target.REWARD,
    Target.CONTROLLER,
)


class Blow(Struct, frozen=True):
    """A kill in one of the two runs, by its number. Of parts that carry no folder's name either run's may be hit."""

    run: int
    kill: Kill


class Plan(Struct, frozen=True):
    """What happens before the first run's model is replaced, and after that. `dies`: its first life has a kill -9 for
    an end, with its models loaded, not its own."""

    before: tuple[Blow, ...]
    dies: bool
    after: tuple[Blow, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.before, f"the first life {'dies' if self.dies else 'ends'}", *self.after)))


def plan(seed: int) -> Plan:
    """Six blows: in each life of the first run, and in the second run beside both. A driver dies in every plan."""
    random = Random(f"two runs, {seed}")
    large = [Target.DRIVER, Target.NODE]
    random.shuffle(large)
    before = [
        Blow(0, Kill(random.uniform(0.02, 0.5), random.choice(HURT), random.random())),
        Blow(0, Kill(random.uniform(0.5, 0.8), large[0], random.random())),
        Blow(1, Kill(random.uniform(0.02, 0.4), random.choice(HURT), random.random())),
    ]
    after = [
        Blow(0, Kill(1 + random.uniform(0.01, 0.1), random.choice((*HURT, Target.DRIVER)), random.random())),
        Blow(1, Kill(random.uniform(0.4, 0.8), large[1], random.random())),
        Blow(1, Kill(random.uniform(0.4, 0.8), random.choice(HURT), random.random())),
    ]
    random.shuffle(after)
    return Plan(tuple(sorted(before, key=lambda blow: blow.kill.after)), random.random() < 0.7, tuple(after))


class Side(Attack):
    """One of the two runs: its generator signs what it makes."""

    def __init__(self, nodes: ThreeNodes, corpus: Path, folder: Path, model: str, *, attempts: int) -> None:
        folder.mkdir()
        super().__init__(nodes, corpus, folder)
        self.config = replace(
            changed_gate(self.config, replicas=Replicas(min=1, max=1, num_cpus=1)),
            recovery=replace(self.config.recovery, max_attempts=attempts),
            conductors=replace(self.config.conductors, count=1),
        )
        self.models: list[str] = []
        self._take(model, HELD, folder / "last")

    def reconfigure(self, model: str, *, dies: bool) -> None:
        """The first life ends, its dead letters are put back for another model, and the same command goes on."""
        self.hold_nothing()
        if dies:
            until(lambda: self._driver.poll() is not None or self.ended() == ORDERS, "the last order's end")
            self.stop_driver()
        else:
            assert self._driver.wait(LONGEST_S) == 0, self.said()
        self._take(model, HELD_BACK, self._folder / "last of all")
        until(self._replayed, "a replay", every_s=1.0)
        self.start()

    def end(self) -> None:
        """Nobody is killed any more: waits for the run's good end."""
        (self._folder / "last of all").touch()
        self.complete()

    def stop_driver(self) -> None:
        self._driver.kill()
        self._driver.wait()

    def prove_lineage(self) -> None:
        """verify holds, every order has ended, and every row's text was made by the model that its lineage names."""
        report = verify(self.output, lambda uris: documents(uris, self.config.corpus))
        assert report.ok, report.findings
        assert (report.orders, report.outstanding) == (ORDERS, 0)
        made_by = [(signature(row["answer"]), row["lineage"]["model"]) for row in self._rows(ShardKind.DATASET)]
        assert {text for text, _ in made_by} == set(self.models)
        assert [each for each in made_by if each[0] != each[1]] == []
        told = [each["text"] for row in self._rows(ShardKind.DEAD_LETTERS) for each in row["history"] if each["text"]]
        assert set(map(signature, told)) <= set(self.models)

    def _take(self, model: str, held: float, until_there: Path) -> None:
        self.models.append(model)
        engine = self.config.pools[FRESH_POOL].engine
        assert isinstance(engine, CustomEngine)
        options = engine.options | {"model": model, "held": held, "held_until": str(until_there)}
        engine = replace(engine, factory="tests.doubles.signed:signed", model=model, options=options)
        pool = Pool(engine=engine, replicas=Replicas(min=2, max=2, num_cpus=1))
        self.config = replace(self.config, pools={FRESH_POOL: pool})
        (self._folder / "run.yaml").write_text(to_yaml(self.config))

    def _replayed(self) -> bool:
        """Whether the replay was taken; the last processes of a killed life may hold the folder for a moment."""
        command = [*COMMAND, "replay", str(self.output), "--config", str(self._folder / "run.yaml")]
        done = subprocess.run(command, cwd=ROOT, env=self._nodes.environment, capture_output=True, text=True)
        assert done.returncode == 0 or "another run is writing here" in done.stderr, done.stderr
        return done.returncode == 0

    def _rows(self, kind: ShardKind) -> Iterable[dict]:
        with Ledgers(self.output) as ledgers:
            shards = [shard for ledger in ledgers.each for shard in current(ledger.shards()) if shard.kind is kind]
        return [row for shard in shards for row in pq.read_table(self.output / shard.name).to_pylist()]
