"""`gleaner run` as a person's shell starts it: a process of its own, real Ray and Serve, Ctrl-C in the middle."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.doubles.absent import PATH
from tests.doubles.ports import free_port
from tests.so_far import ACCEPTED, ended

pytestmark = [pytest.mark.ray, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
ORDERS = 240
START_S = 300.0
COMMAND = [sys.executable, "-c", "from deployments.cli import main; main()"]
PLAIN = os.environ | {"PYTHONPATH": PATH}
"""As where the package alone is installed."""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """Twelve documents of 20 orders; a generator of 16 slots that takes a tenth of a second."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(12):
        (docs / f"{number:02d}.txt").write_text(f"The harbour of Town {number} holds {number + 10} ships.")
    factory = 'kind: custom, factory: "tests.doubles.engines:instant"'
    replicas = "replicas: {num_cpus: 0.2}"
    generator = f"{{{factory}, options: {{malformed: 0.2, median_s: 0.15, slots: 8}}}}"
    gate = f"{{form: classifier, engine: {{{factory}}}, {replicas}}}"
    path = tmp_path / "run.yaml"
    path.write_text(
        "name: harbours\n"
        "corpus: {paths: [./docs]}\n"
        "task: {kind: grounded_answer, samples_per_passage: 20}\n"
        f"pools: {{generator: {{engine: {generator}, {replicas}}}}}\n"
        f"gates: {{faithfulness: {gate}, reward: {gate}}}\n"
        "conductors: {concurrency: 32}\n"
    )
    return path


def gleaner(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False, env=PLAIN
    )


def interrupted(configuration: Path, output: Path, port: int) -> tuple[int, str, str]:
    """Starts a run that is watched at that port, sends it SIGINT once orders have ended; code, stdout, stderr."""
    process = subprocess.Popen(
        [*COMMAND, "run", str(configuration), "--output", str(output), "--metrics-port", str(port), "--page"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=PLAIN,
    )
    try:
        _wait_for_ends(output)
        process.send_signal(signal.SIGINT)
        told, errors = process.communicate(timeout=300)
    finally:
        process.kill()
    return process.returncode, told, errors


def _wait_for_ends(output: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if ended(output, ACCEPTED) >= 5:
            return
        time.sleep(0.2)
    pytest.fail("nothing was accepted in time")


def scraped(command: list[str], port: int) -> tuple[subprocess.CompletedProcess[str], str]:
    """The command, run to its end, and what its port told last."""
    told = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=PLAIN) as process:
        while process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
                told = reply.read().decode() or told
            time.sleep(0.3)
        out, errors = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, errors), told


def test_ctrl_c_then_the_same_command_again(configuration: Path, tmp_path: Path) -> None:
    """A laptop is closed: the run drains, says how to go on, goes on, and the folder proves itself. The second time it
    is watched at the port that was named (`--metrics-port`), which answers until the run's last second."""
    output = tmp_path / "out"
    port = free_port()
    code, told, errors = interrupted(configuration, output, port)
    assert code == 130, errors
    assert "harbours draining: " in told and "\x1b" not in told
    watched, page, went_on = errors.splitlines()
    assert watched == f"gleaner: metrics at http://127.0.0.1:{port}/metrics"
    address = re.search(r"page at (http://127\.0\.0\.1:\d+/) while the run lasts", page)
    assert address is not None
    with pytest.raises(OSError, match="refused"):  # it ended with the run
        urllib.request.urlopen(address[1])
    assert went_on.startswith("gleaner: interrupted; ")
    assert f"--output {output}" in went_on

    again = [*COMMAND, "run", str(configuration), "--output", str(output), "--json", "--metrics-port", str(port)]
    resumed, metrics = scraped(again, port)
    assert resumed.returncode == 0, resumed.stderr
    counts = json.loads(resumed.stdout)["counts"]
    assert counts["issued"] == ORDERS == counts["accepted"] + counts["dead_lettered"]
    assert f"gleaner: metrics at http://127.0.0.1:{port}/metrics\n" in resumed.stderr
    assert "harbours done" in resumed.stderr
    assert 'gleaner_run_info{run="harbours"' in metrics
    assert f'gleaner_orders_planned_total{{kind="fresh"}} {ORDERS}.0' in metrics
    assert "gleaner_orders_unaccounted 0.0" in metrics

    proof = gleaner("verify", output, "--json")
    assert proof.returncode == 0, proof.stdout
    assert json.loads(proof.stdout)["passages_checked"] == 12
    assert "finished" in gleaner("status", output).stdout


def test_a_strict_run_stops_at_its_first_calls(tmp_path: Path) -> None:
    """The quickstart with room for four tokens: the paragraph, exit code 2, eight attempts paid, all orders kept."""
    text = (ROOT / "examples" / "quickstart.yaml").read_text().replace("max_tokens: 48", "max_tokens: 4")
    config, output = tmp_path / "run.yaml", tmp_path / "out"
    config.write_text(
        text.replace("./almanac", str(ROOT / "examples" / "almanac")).replace("concurrency: 128", "count: 2")
    )
    strict = gleaner("run", config, "--output", output, "--strict", "--metrics-port", "0")
    assert strict.returncode == 2, strict.stderr
    seen, stopped = strict.stderr.splitlines()[-2:]
    assert seen.startswith("gleaner: 8 of the first 8 completions of generator were cut off: ")
    assert "task.sampling.max_tokens" in seen and f"--output {output}` goes on" in stopped
    assert strict.stdout.count("quickstart: 8 of the first 8 ") == 1, "in a file once, beside the summary"
    status = json.loads(gleaner("status", output, "--json").stdout)
    assert (status["counts"]["attempts"], status["counts"]["outstanding"]) == (8, 600)
    assert [advice["role"] for advice in status["advice"]] == ["generator"]
    assert "cut off" in (output / "report.html").read_text()
    assert "the first calls: 8 of the first 8 " in "".join(path.read_text() for path in (output / "logs").iterdir())
    assert gleaner("verify", output).returncode == 0


def test_a_named_port_that_is_taken_is_refused(configuration: Path, tmp_path: Path) -> None:
    """Another program listens there: one line, exit code 2, nothing begun."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = gleaner("run", configuration, "--output", tmp_path / "out", "--metrics-port", str(port))
    assert result.returncode == 2
    assert f"--metrics-port {port}" in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_of_another_run_is_refused(configuration: Path, tmp_path: Path) -> None:
    """The wrong --output: one line, exit code 2, before Ray starts, and what is there is unharmed."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    result = gleaner("run", configuration, "--output", other)
    assert result.returncode == 2
    assert "thesis.tex" in result.stderr and len(result.stderr.splitlines()) == 1
    assert [path.name for path in other.iterdir()] == ["thesis.tex"]
