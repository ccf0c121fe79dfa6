"""The product makes of the fixed worlds what it made of them when they were committed; killed, it does so too.

Twenty kill schedules, the worlds in turn; ORACLE_SEEDS asks for more.
"""

import multiprocessing
import os
import signal
from pathlib import Path
from random import Random

import pytest

from actors.audit.verify import verify
from actors.ledger.sqlite import LedgerReader
from schemas.ledger import AcceptedEnd, Rejoined
from tests.oracle import reference
from tests.oracle.life import run
from tests.oracle.reading import ends_of, reference_of
from tests.oracle.worlds import WORLDS

pytestmark = pytest.mark.slow

SEEDS = int(os.environ.get("ORACLE_SEEDS", "20"))
LONGEST_S = 120.0
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.oracle.life"])


@pytest.mark.parametrize("world", WORLDS)
def test_an_undisturbed_run_is_what_it_was(world: str, tmp_path: Path) -> None:
    """Texts, reasons, every count, and the rows of the dataset and of each export."""
    run(world, tmp_path / "run")
    now, then = reference_of(world, tmp_path / "run", tmp_path), reference.read(world)
    assert now.ends == then.ends
    assert now.counts == then.counts
    assert now.dataset == then.dataset
    assert now.dead_letters == then.dead_letters
    assert now.exports == then.exports


def test_probes_change_nothing_of_the_orders_that_they_go_beside() -> None:
    """The same world with probes and without: the same texts, ends, rows and counts; what probes took is told apart."""
    probed, plain = reference.read("probed"), reference.read("grounded")
    assert probed.ends.probes and not plain.ends.probes
    assert (probed.ends.accepted, probed.ends.dead) == (plain.ends.accepted, plain.ends.dead)
    assert (probed.dataset, probed.dead_letters, probed.exports) == (plain.dataset, plain.dead_letters, plain.exports)
    assert {name for name, value in probed.counts.items() if value != plain.counts[name]} == {
        "roles",
        "spent",
        "probes",
    }


@pytest.mark.parametrize("seed", range(SEEDS))
def test_killed_it_accepts_the_same(seed: int, tmp_path: Path) -> None:
    """Up to three lives that end by kill -9, then one that ends well: the same texts and reasons, each end once."""
    random = Random(seed)
    output = tmp_path / "run"
    world = ("grounded", "math")[seed % 2]
    lives = [_live(world, output, random.randint(1, 30)) for _ in range(random.randint(1, 3))]
    assert lives[0] == -signal.SIGKILL
    assert _live(world, output, None) == 0
    assert ends_of(output) == reference.read(world).ends
    with LedgerReader(output) as ledger:
        ends = [record.order_id for _, record in ledger.records() if isinstance(record, AcceptedEnd)]
    assert len(ends) == len(set(ends))


@pytest.mark.parametrize("seed", range(4))
def test_killed_while_orders_go_together_each_ends_once(seed: int, tmp_path: Path) -> None:
    """Of a lease of three some are settled and some are not: those go again, in smaller company, so that what they are
    asked may be another text; none is lost, none ends twice, and a completion is paid for once."""
    random = Random(seed)
    output = tmp_path / "run"
    assert _live("together", output, random.randint(1, 30)) == -signal.SIGKILL
    assert _live("together", output, random.randint(1, 30)) == -signal.SIGKILL
    assert _live("together", output, None) == 0
    ends, then = ends_of(output), reference.read("together").ends
    assert ends.accepted.keys() | ends.dead.keys() == then.accepted.keys() | then.dead.keys()
    assert not ends.accepted.keys() & ends.dead.keys()
    assert verify(output, lambda _: iter(())).ok
    assert _paid_once(output)


def _paid_once(output: Path) -> bool:
    """Every completion that several orders were made of has a cost in the attempt of one of them, and in no other."""
    with LedgerReader(output) as ledger:
        attempts = [record.attempt for _, record in ledger.records() if isinstance(record, AcceptedEnd | Rejoined)]
    first = [attempt.candidate for attempt in attempts if attempt.number == 1 and attempt.candidate is not None]
    shared = [candidate for candidate in first if candidate.paid_by is not None]
    assert shared and len(shared) < len(first)
    return all((candidate.cost.tokens == 0) == (candidate.paid_by is not None) for candidate in first)


def _live(world: str, output: Path, death: int | None) -> int:
    process = PROCESSES.Process(target=run, args=(world, output, death))
    process.start()
    process.join(LONGEST_S)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode
