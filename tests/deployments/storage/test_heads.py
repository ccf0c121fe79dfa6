"""Several machines, one store that fails, loses replies and delivers late: whatever they do, what was committed stays.

The one invariant: the records that a new machine would find only ever get longer. So no zombie, no late put and no lost
reply takes back or mixes what a commit has promised.
"""

import random
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.ledger.segments import build
from actors.ledger.sqlite import NAME, LedgerReader
from deployments.storage.fence import HEAD
from deployments.storage.shipper import segment_object
from schemas.errors import HeldError, StoreAwayError
from schemas.storage import decode_head
from tests.deployments.storage.heads import Head, Time
from tests.doubles.object_store import MemoryStore, StormyStore

MACHINES = 3


class Machines(RuleBasedStateMachine):
    """Any of three machines takes the run, works, ships, loses its disk, and goes on without knowing of the others."""

    def __init__(self) -> None:
        super().__init__()
        self.scratch = Path(tempfile.mkdtemp())
        self.store, self.time = MemoryStore(), Time()
        self.heads: dict[int, Head] = {}
        self.begun = 0
        self.seen = b""
        self.committed: list[str] = []

    @initialize(seed=strategies.integers(0, 2**32), rate=strategies.sampled_from([0.0, 0.1, 0.3]))
    def storm(self, seed: int, rate: float) -> None:
        self.stormy = StormyStore(self.store, random.Random(seed), rate=rate)

    @rule(machine=strategies.integers(0, MACHINES - 1))
    def take(self, machine: int) -> None:
        self.stop(machine)
        self.begun += 1
        with suppress(StoreAwayError):
            self.heads[machine] = Head(self.stormy, self.disk(machine), f"head-{self.begun}", self.time)

    @precondition(lambda self: self.heads)
    @rule(data=strategies.data(), times=strategies.integers(1, 20))
    def ship(self, data: strategies.DataObject, times: int) -> None:
        machine = data.draw(strategies.sampled_from(sorted(self.heads)))
        for _ in range(times):
            if machine not in self.heads:
                return
            try:
                self.heads[machine].work(2)
                self.heads[machine].shipper.ship()
            except StoreAwayError:
                pass
            except HeldError:
                self.stop(machine)
            else:
                assert decode_head(self.store.objects[HEAD]).token == self.heads[machine].name, "no fence held it"

    @rule(machine=strategies.integers(0, MACHINES - 1))
    def lose_disk(self, machine: int) -> None:
        self.stop(machine)
        shutil.rmtree(self.disk(machine), ignore_errors=True)

    @precondition(lambda self: self.stormy.under_way)
    @rule()
    def deliver(self) -> None:
        self.stormy.deliver()

    @invariant()
    def nothing_is_taken_back(self) -> None:
        found = self.store.objects.get(HEAD, b"")
        if found == self.seen:
            return
        self.seen = found
        chain = decode_head(found).chains.get(NAME)
        heads = [] if chain is None else self.read()
        assert heads[: len(self.committed)] == self.committed
        self.committed = heads

    def read(self) -> list[str]:
        """The running hash of each record that the store has."""
        folder = self.scratch / "read"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        chain = decode_head(self.store.objects[HEAD]).chains[NAME]
        build(folder / NAME, chain, (self.store.objects[segment_object(each)] for each in chain.segments))
        with LedgerReader(folder) as ledger:
            return [stored.hex() for _, stored, _ in ledger.hashed()]

    def disk(self, machine: int) -> Path:
        return self.scratch / f"machine-{machine}" / "run"

    def stop(self, machine: int) -> None:
        if machine in self.heads:
            self.heads.pop(machine).end()

    def teardown(self) -> None:
        for machine in list(self.heads):
            self.stop(machine)
        shutil.rmtree(self.scratch)


TestMachines = pytest.mark.slow(Machines.TestCase)
TestMachines.settings = settings(max_examples=60, stateful_step_count=25)
