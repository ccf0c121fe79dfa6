"""`gleaner run --output s3://…`: the machine is gone, with its disk, and the same command on another goes on.

A real Ray and a real server of S3 behind a proxy that is slow, answers 503, loses replies and cuts uploads. CI does it
once; LOST_HEADS=10 does it with ten seeds, and compares each with an undisturbed run.
"""

import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from actors.ledger.sqlite import NAME
from deployments.storage.address import address_of
from deployments.storage.fence import HEAD
from deployments.storage.s3 import S3
from schemas.storage import StoreHead, decode_head
from schemas.wire import decode_record
from tests.doubles.absent import PATH
from tests.doubles.s3_server import BUCKET, ENVIRONMENT, POLITE, Rudeness, RudeS3, s3_server
from tests.so_far import ended

pytestmark = [pytest.mark.ray, pytest.mark.slow]

log = logging.getLogger("tests")
GLEANER = (sys.executable, "-c", "from deployments.cli import main; main()")
SEEDS = int(os.environ.get("LOST_HEADS", "1"))
DOCUMENTS, SLOTS = 12, 20
SHIP_S = 4.0
ATTEMPTS = ("accepted", "dead_lettered", "rejoined")
RUDE = Rudeness(refused=0.05, unanswered=0.05, cut=0.05, slow_s=0.1)
CONFIG = f"""
corpus: {{paths: [./docs]}}
task: {{kind: grounded_answer, samples_per_passage: {SLOTS}}}
pools:
  generator:
    engine:
      kind: custom
      factory: "tests.doubles.engines:instant"
      options: {{malformed: 0.2, median_s: 0.3, slots: 8}}
    replicas: {{num_cpus: 0.2}}
gates:
  reward: {{form: classifier, engine: {{kind: custom, factory: "tests.doubles.engines:instant"}}, replicas: {{num_cpus: 0.2}}}}
conductors: {{concurrency: 32}}
dataset: {{rows_per_shard: 20}}
storage: {{ship_s: {SHIP_S}}}
"""  # noqa: E501


class Machine:
    """One that runs the command. Its disk holds the run's folder."""

    def __init__(self, configuration: Path, work: Path, prefix: str) -> None:
        self.work = work
        self.began_at = time.time()
        self.process = subprocess.Popen(
            [*GLEANER, "run", configuration, "--output", f"s3://{BUCKET}/{prefix}", "--work", work, "--quiet"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": PATH},
        )

    def wait_for(self, ends: int) -> None:
        """Until so many orders have ended here."""
        until = time.monotonic() + 240
        while time.monotonic() < until and self.process.poll() is None:
            if ended(self.work) >= ends:
                return
            time.sleep(0.1)
        self.lose()
        pytest.fail(f"it did not come so far: {self.process.communicate()[1]}")

    def lose(self) -> None:
        """kill -9 of every process."""
        if self.process.poll() is not None:
            return
        command = psutil.Process(self.process.pid)
        family = [command, *command.children(recursive=True)]
        for each in family:
            with suppress(psutil.Error):
                each.kill()
        psutil.wait_procs(family, timeout=30)

    def finish(self) -> str:
        """Waits for its good end; gives what it said."""
        _, said = self.process.communicate(timeout=300)
        assert self.process.returncode == 0, said
        return said


def attempts(work: Path, after: int) -> list[float]:
    """When the attempts that are recorded after a record were."""
    with closing(sqlite3.connect(work / NAME)) as database:
        marks = ", ".join("?" * len(ATTEMPTS))
        query = f"SELECT body FROM records WHERE seq > ? AND kind IN ({marks})"
        return [decode_record(body).at for (body,) in database.execute(query, (after, *ATTEMPTS))]


def head_of(server: RudeS3, prefix: str) -> StoreHead:
    """What the store says."""
    server.manners = POLITE
    found = S3(address_of(f"s3://{BUCKET}/{prefix}")).get(HEAD)
    assert found is not None
    return decode_head(found.content)


def gleaner(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": PATH}
    return subprocess.run([*GLEANER, *arguments], capture_output=True, text=True, timeout=120, check=False, env=env)


def accepted(folder: Path) -> list[tuple[str, str]]:
    """Every accepted order with its answer."""
    tables = [pq.ParquetFile(path).read(["id", "answer"]) for path in (folder / "dataset").glob("*.parquet")]
    return sorted((row["id"], row["answer"]) for table in tables for row in table.to_pylist())


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("configuration")
    (folder / "docs").mkdir()
    for number in range(DOCUMENTS):
        (folder / "docs" / f"{number:02d}.txt").write_text(f"The harbour of Town {number} holds {number + 10} ships.")
    (folder / "run.yaml").write_text(CONFIG)
    return folder / "run.yaml"


@pytest.fixture(scope="module")
def server() -> Iterator[RudeS3]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with s3_server(seed=7) as running, pytest.MonkeyPatch.context() as environment:
        for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": running.url}).items():
            environment.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def undisturbed(server: RudeS3, configuration: Path, tmp_path_factory: pytest.TempPathFactory) -> list | None:
    """What is accepted when nothing happens; only where several seeds are compared with it."""
    if SEEDS == 1:
        return None
    work = tmp_path_factory.mktemp("undisturbed") / "run"
    server.manners = POLITE
    Machine(configuration, work, "undisturbed").finish()
    return accepted(work)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_new_head_goes_on(
    seed: int, server: RudeS3, configuration: Path, tmp_path: Path, undisturbed: list | None
) -> None:
    """Everything is killed at a moment that the seed chooses, the disk is wiped, the same command is given again. What
    was recorded more than `ship_s` before is not paid for again; the run ends, what is fetched from the store proves
    itself and is the undisturbed run's."""
    prefix, draw = f"seed-{seed}", random.Random(seed)
    server.manners = RUDE
    first = Machine(configuration, tmp_path / "first" / "run", prefix)
    first.wait_for(int(DOCUMENTS * SLOTS * draw.uniform(0.2, 0.8)))
    first.lose()
    lost_at = time.time()
    chain = head_of(server, prefix).chains[NAME]
    again = attempts(first.work, chain.last)
    assert all(lost_at - at <= SHIP_S for at in again), f"{[round(lost_at - at, 1) for at in again]} s old"
    shutil.rmtree(first.work.parent)

    second = Machine(configuration, tmp_path / "second" / "run", prefix)
    said = second.finish()
    assert "built again from the store" in said
    assert attempts(second.work, 0)[0] < second.began_at, "nothing was taken over"
    server.manners = POLITE
    fetched = tmp_path / "fetched"
    brought = gleaner("fetch", f"s3://{BUCKET}/{prefix}", fetched)
    assert brought.returncode == 0, brought.stderr
    proved = gleaner("verify", fetched)
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert accepted(fetched) == accepted(second.work)
    assert undisturbed is None or accepted(fetched) == undisturbed
    assert head_of(server, prefix).holder is None
    log.info("seed %d: %d attempts paid again of %d; %s", seed, len(again), len(attempts(second.work, 0)), server.met)
