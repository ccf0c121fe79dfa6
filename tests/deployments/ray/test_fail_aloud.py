"""`gleaner run` as a person starts it, on a real Ray: what is said when something is wrong, on screen and in files."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from actors.ledger.folder import Ledgers
from deployments.monitoring.live import read_live
from schemas.ledger import DeadLetteredEnd
from tests.doubles.absent import PATH
from tests.doubles.ports import free_port
from tests.so_far import ended

pytestmark = [pytest.mark.ray, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-c", "from deployments.cli import main; main()"]
START_S = 240.0
MARK = "TEST_OF_FAILURES"
"""Says of each process of a run, in its environment, which test started it."""
INSTANT = '{kind: custom, factory: "tests.doubles.engines:instant"}'


def configuration(folder: Path, *, generator: str = "", judge: str = INSTANT, samples: int = 40) -> Path:
    """A dozen passages, engines that are doubles."""
    docs = folder / "docs"
    docs.mkdir()
    for number in range(12):
        (docs / f"{number:02d}.txt").write_text(f"The harbour of Town {number} holds {number + 10} ships.")
    replicas = "replicas: {num_cpus: 0.2}"
    options = f'{{kind: custom, factory: "tests.doubles.engines:instant", options: {{{generator}}}}}'
    path = folder / "run.yaml"
    path.write_text(
        "name: harbours\n"
        "corpus: {paths: [./docs]}\n"
        f"task: {{kind: grounded_answer, samples_per_passage: {samples}}}\n"
        f"pools: {{generator: {{engine: {options}, {replicas}}}}}\n"
        f"gates: {{faithfulness: {{form: classifier, engine: {judge}, {replicas}}},"
        f" reward: {{form: classifier, engine: {INSTANT}, {replicas}}}}}\n"
        "conductors: {concurrency: 16, hop_retries: 0}\n"
    )
    return path


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Starts `gleaner run` into `out`, in a process group of its own; nothing of it outlives the test."""
    running: list[subprocess.Popen[str]] = []

    def start(path: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            # not the usual port: another test's run may have it, and that would be said
            [*COMMAND, "run", str(path), "--output", str(tmp_path / "out"), "--metrics-port", str(free_port())],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=ROOT,
            env=os.environ | {MARK: str(tmp_path), "PYTHONPATH": PATH},
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    left = marked(str(tmp_path))
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=20.0)
    for process in running:
        process.wait()


def marked(folder: str) -> list[psutil.Process]:
    """Processes of that test's runs, those of a Ray included whose head is dead."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == folder:
                found.append(process)
    return found


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def wait_for(holds: Callable[[], bool], process: subprocess.Popen[str], what: str) -> None:
    until = time.monotonic() + START_S
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, f"never seen: {what}"
        time.sleep(0.2)


def phase(output: Path) -> str:
    live = read_live(output)
    return "" if live is None else live.phase


def gone(processes: list[psutil.Process], *, within_s: float = 20.0) -> list[str]:
    """Names of those that are still there in the end."""
    _, alive = psutil.wait_procs(processes, timeout=within_s)
    return [process.name() for process in alive]


def status(output: Path) -> str:
    told = subprocess.run([*COMMAND, "status", str(output)], capture_output=True, text=True, check=True, cwd=ROOT)
    return " ".join(told.stdout.split())


def test_a_sigterm_to_the_group_drains(tmp_path: Path, started: Callable[[Path], subprocess.Popen[str]]) -> None:
    """`timeout 8h gleaner run …`: the whole group is asked to end. Ray stays until the run has drained and reported."""
    output = tmp_path / "out"
    process = started(configuration(tmp_path, generator="median_s: 0.5, slots: 4"))
    wait_for(lambda: phase(output) == "running", process, "a running run")
    assert "running in process" in status(output)
    with_ray = family(process)
    assert {"gcs_server", "raylet"} <= {each.name() for each in with_ray}
    os.killpg(process.pid, signal.SIGTERM)
    told, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "harbours draining" in told and "interrupted;" in errors.splitlines()[-1]
    assert (output / "report.html").exists()
    proof = subprocess.run([*COMMAND, "verify", str(output)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert proof.returncode == 0, proof.stdout
    assert gone(with_ray) == []
    assert "no process carries the run" in status(output)


@pytest.mark.parametrize("program", ["gcs_server", "raylet"])
def test_a_ray_that_dies_is_reported_in_one_line_and_loses_nothing(
    tmp_path: Path, started: Callable[[Path], subprocess.Popen[str]], program: str
) -> None:
    """The kernel kills Ray's GCS or the head's raylet: no minute of nothing, no line of C++ first, and the way on. The
    same command then ends every order once."""
    output = tmp_path / "out"
    path = configuration(tmp_path, generator=f"median_s: 0.5, slots: 4, instant_after: {tmp_path / 'hurry'}")
    process = started(path)
    wait_for(lambda: phase(output) == "running" and ended(output) > 8, process, "a run with results")
    with_ray = family(process)
    next(each for each in with_ray if each.name() == program).kill()
    killed_at = time.monotonic()
    _, errors = process.communicate(timeout=120)
    assert time.monotonic() - killed_at < 30
    metrics, line, *more = errors.splitlines()
    assert metrics.startswith("gleaner: metrics at") and not more, errors
    assert line.startswith(f"gleaner: Ray's {program} has ended") and f"--output {output}` goes on" in line
    assert process.returncode == 1
    assert gone(with_ray, within_s=60.0) == []
    assert "dead: process" in status(output)
    (tmp_path / "hurry").touch()
    again = started(path)
    _, errors = again.communicate(timeout=START_S)
    assert again.returncode == 0, errors
    proof = subprocess.run([*COMMAND, "verify", str(output)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert proof.returncode == 0, proof.stdout
    assert ended(output) == 12 * 40


def test_a_bug_in_somebodys_engine_is_named_everywhere(
    tmp_path: Path, started: Callable[[Path], subprocess.Popen[str]]
) -> None:
    """A wrong keyword in classify(): the dead letter, the summary and the replica's log give file and line."""
    output = tmp_path / "out"
    judge = '{kind: custom, factory: "tests.doubles.wrong_keyword:wrong_keyword"}'
    process = started(configuration(tmp_path, judge=judge, samples=4))
    told, errors = process.communicate(timeout=START_S)
    assert process.returncode == 0, errors
    with Ledgers(output) as ledgers:
        ends = [record for _, record in ledgers.records() if isinstance(record, DeadLetteredEnd)]
    details = {end.end.detail for end in ends if end.end.reason.value == "gate_error"}
    assert details and all("TypeError: sleep() got an unexpected keyword" in detail for detail in details)
    assert all("wrong_keyword.py:" in detail and "TaskGroup" not in detail for detail in details)
    assert "gate_error" in told and "TypeError: sleep()" in " ".join(told.split())
    (kept,) = (output / "logs").glob("faithfulness-*.jsonl")
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    failed = [line for line in lines if line["event"] == "a request failed inside the replica"]
    assert failed and all(line["pool"] == "faithfulness" and line["level"] == "error" for line in failed)
    orders = {end.order_id for end in ends}
    assert {line["order"] for line in failed} <= orders and {line["attempt"] for line in failed} == {"1"}
    assert "wrong_keyword.py" in failed[0]["traceback"]


def test_a_pool_that_is_away_is_reported_meanwhile(
    tmp_path: Path, started: Callable[[Path], subprocess.Popen[str]]
) -> None:
    """The server dies under the run: lines, status and two processes' logs say so while orders wait."""
    output = tmp_path / "out"
    process = started(configuration(tmp_path, generator="median_s: 1.0, away_after_s: 8, away_s: 600", samples=60))
    wait_for(lambda: (live := read_live(output)) is not None and bool(live.waiting.pauses), process, "a pause")
    said = status(output)
    assert "generator: " in said and "nobody answers there" in said and "(since " in said
    conductor = output / "logs/conductor-1.jsonl"
    wait_for(conductor.exists, process, "the conductor's log")
    lines = [json.loads(line) for line in conductor.read_text().splitlines()]
    assert any(line["role"] == "conductor-1" and line.get("pool") == "generator" for line in lines)
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=120)
    assert any("generator: " in line and "nobody answers there" in line for line in told.splitlines())
    driver = [json.loads(line) for line in (output / "logs/driver.jsonl").read_text().splitlines()]
    assert any(line.get("pool") == "generator" and "nobody answers there" in line["event"] for line in driver)
