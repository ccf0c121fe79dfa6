"""The Slurm script: what bash and ShellCheck say of it, and a dry run with a real head on this machine.

`srun` and `scontrol` are stand-ins that note how they were called. The head's step is a real `ray start`, the other
nodes' step is only noted; the run is a real `gleaner run` that joins by the job's token and is told that time is up.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from benchmarks.loop import SLOTS, configuration, write_corpus
from deployments.config.load import to_yaml
from schemas.config import Pool
from schemas.config_engines import CustomEngine
from tests.clusters.pins import CLUSTERS, ROOT
from tests.doubles.absent import PATH as ABSENT
from tests.so_far import ACCEPTED, ended

SCRIPT = CLUSTERS / "gleaner.slurm"
BIN = Path(sys.executable).parent
PASSAGES = 400
LONGEST_S = 400.0
"""A wait that ends a hanging test, no claim about speed."""

SRUN = """#!/usr/bin/env bash
echo "$@" >> "$CALLS/srun"
while [ "${1#--}" != "$1" ]; do shift; done
case "$*" in *--head*) exec "$@" --disable-usage-stats --include-dashboard=false --object-store-memory=100000000 ;; esac
exec sleep 600
"""
SCONTROL = """#!/usr/bin/env bash
echo "$@" >> "$CALLS/scontrol"
if [ "$1" = show ]; then echo node1; echo node2; fi
"""


def test_bash_and_shellcheck_have_nothing_to_say() -> None:
    """A slip in a batch script is found after hours in a queue."""
    subprocess.run(["bash", "-n", SCRIPT], check=True)
    subprocess.run([BIN / "shellcheck", "--norc", SCRIPT], check=True)


def test_it_asks_slurm_for_time_to_drain() -> None:
    """One task a node, a signal to the batch script minutes before the end, and a place in the queue again."""
    asked = [line.split(" ", 1)[1] for line in SCRIPT.read_text().splitlines() if line.startswith("#SBATCH")]
    assert {"--ntasks-per-node=1", "--signal=B:USR1@300", "--requeue", "--open-mode=append"} <= set(asked)


@pytest.fixture
def job(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a job on two nodes, with stand-ins for Slurm's commands."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    number = str(os.getpid())
    yield os.environ | {
        "PATH": f"{commands}:{BIN}:{os.environ['PATH']}",
        "CALLS": str(tmp_path),
        "PYTHONPATH": ABSENT,
        "SLURM_JOB_ID": number,
        "SLURM_JOB_NUM_NODES": "2",
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_CPUS_ON_NODE": "4",
        "SLURM_GPUS_ON_NODE": "0",
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "1",
    }
    shutil.rmtree(f"/tmp/gleaner-{number}", ignore_errors=True)


def test_wrong_use_is_told_in_one_line(job: dict[str, str], tmp_path: Path) -> None:
    """Before any node works: arguments that lack, and a configuration that would not join the cluster."""
    (tmp_path / "run.yaml").write_text("name: alone\n")
    for arguments, said in (([], "usage: sbatch"), ([str(tmp_path / "run.yaml"), "out"], "ray_address: auto")):
        ended = subprocess.run(["bash", SCRIPT, *arguments], env=job, capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert said in ended.stderr and ended.stderr.count("\n") == 1
    assert not (tmp_path / "srun").exists()


STANDS_IN = """#!/usr/bin/env bash
if [ "$1" = run ]; then mkdir -p "$4" && echo turn >> "$4/turns"; exit "$ENDS"; fi
"""
"""For `gleaner`, and for `ray`, which only says that its head is well."""


def test_on_nfs_the_folder_is_brought_back_after_each_turn(job: dict[str, str], tmp_path: Path) -> None:
    """GLEANER_SCRATCH: each turn goes on from what the one before left, also one that failed, and one whose copy was
    cut off between its renames; nothing stays on the node's disk."""
    (scratch := tmp_path / "scratch").mkdir()
    for name in ("gleaner", "ray"):
        (tmp_path / "bin" / name).write_text(STANDS_IN)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "run.yaml").write_text("ray_address: auto\n")
    output = tmp_path / "nfs" / "run"
    output.parent.mkdir()

    def turn(ends: int) -> int:
        own = job | {"SLURM_JOB_NUM_NODES": "1", "GLEANER_SCRATCH": str(scratch), "ENDS": str(ends)}
        command = ["bash", SCRIPT, str(tmp_path / "run.yaml"), str(output)]
        return subprocess.run(command, env=own, capture_output=True, check=False, timeout=60).returncode

    assert (turn(0), turn(1)) == (0, 1)
    output.rename(output.with_suffix(".old"))
    assert turn(0) == 0
    assert (output / "turns").read_text().split() == ["turn"] * 3
    assert list(scratch.iterdir()) == [] and list(output.parent.iterdir()) == [output]


def until(holds: Callable[[], bool], what: str) -> None:
    """Waits until the condition holds."""
    end = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < end, f"never seen: {what}"
        time.sleep(0.25)


def _group(leader: int) -> list[psutil.Process]:
    """Processes that the job started and that still live."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.mark.ray
@pytest.mark.slow
def test_when_time_is_up_the_run_drains_and_the_job_is_requeued(job: dict[str, str], tmp_path: Path) -> None:
    """SIGUSR1 in the middle of a run: the samples under way end, the job asks for its next turn, no process stays. The
    run's folder is on a disk of the node's own, and back where it was asked for before the job is."""
    (scratch := tmp_path / "scratch").mkdir()
    write_corpus(tmp_path / "corpus.jsonl", PASSAGES)
    config = configuration(tmp_path / "corpus.jsonl", rejected=0.0, concurrency=16)
    engine = CustomEngine(factory="tests.doubles.engines:instant", options={"median_s": 1.0, "slots": 8})
    pools = {"generator": Pool(engine=engine, replicas=config.pools["generator"].replicas)}
    (tmp_path / "run.yaml").write_text(to_yaml(replace(config, ray_address="auto", pools=pools)))
    with (tmp_path / "out").open("wb") as out:
        batch = subprocess.Popen(
            ["bash", SCRIPT, tmp_path / "run.yaml", tmp_path / "run"],
            cwd=ROOT, env=job | {"GLEANER_SCRATCH": str(scratch)}, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def under_way() -> bool:
        assert batch.poll() is None, (tmp_path / "out").read_text()
        return any(ended(folder, ACCEPTED) for folder in scratch.glob("*/run"))

    try:
        until(under_way, "a first sample")
        batch.send_signal(signal.SIGUSR1)
        assert batch.wait(LONGEST_S) == 130, (tmp_path / "out").read_text()
    finally:
        left = _group(batch.pid)
        for process in left:
            process.kill()
        batch.wait()
    assert left == [], "processes outlived the job"
    assert 0 < ended(tmp_path / "run", ACCEPTED) < PASSAGES * SLOTS
    assert (tmp_path / "run" / "manifest.json").exists() and list(scratch.iterdir()) == []
    assert (tmp_path / "scontrol").read_text().splitlines()[-1] == f"requeue {job['SLURM_JOB_ID']}"
    head, others = (tmp_path / "srun").read_text().splitlines()
    assert "--nodelist=node1" in head and "ray start --head" in head and "--dashboard-host=127.0.0.1" in head
    assert "--nodes=1 " in others and "--exclude=node1" in others and "ray start --block --address=" in others
    assert "token" not in (tmp_path / "srun").read_text().lower()
