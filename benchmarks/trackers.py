"""What trackers cost: the run's own process, each tracker's process, and how many traces it sends.

The run is a plausible one of 3,000 orders, told moment by moment; W&B is offline, MLflow is a real server and the
collector a double, both on loopback. CPU seconds, because a tracker's process yields to those of the run.
"""

import io
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from msgspec.structs import replace

from actors.ledger.sqlite import SqliteLedger
from deployments.config.load import load
from deployments.monitoring.endpoint import moment, run_facts
from deployments.monitoring.progress import Progress
from deployments.monitoring.trackers.child import TrackerProcess
from deployments.monitoring.trackers.follower import EVERY_S, Followers
from deployments.monitoring.trackers.messages import ToldBegin, ToldMoment, send
from schemas.config import RunConfig
from schemas.config_trackers import MlflowTracker, OtelTracker, TrackerName, Trackers, WandbTracker
from tests.deployments.terminal.progresses import play
from tests.doubles.ledgers import Scale, plausible_run
from tests.doubles.mlflow_server import mlflow_server
from tests.doubles.otlp import collector

EXAMPLE = Path(__file__).parents[1] / "examples" / "quickstart.yaml"
SCALE = Scale(passages=1_000)
MESSAGES = 40


def main() -> None:
    with tempfile.TemporaryDirectory() as place, collector() as found, mlflow_server(Path(place)) as server:
        folder = Path(place) / "run"
        folder.mkdir()
        with SqliteLedger(folder) as ledger:
            ledger.append(list(plausible_run(7, SCALE)))
        told = play(scale=SCALE)
        trackers = Trackers(
            WandbTracker("towns", mode="offline"), MlflowTracker(server), OtelTracker(found.address, traces=1)
        )
        config = replace(load(EXAMPLE), trackers=trackers)
        print_own(config, folder, told)
        moments = [told[round(each * (len(told) - 1) / MESSAGES)] for each in range(MESSAGES + 1)]
        print_tracker("wandb", config, folder, moments)
        print_tracker("mlflow", config, folder, moments)
        spent = print_tracker("otel", config, folder, moments)
        traces = len(found.roots)
        print(f"{traces:,} traces of {len(found.spans):,} spans: {1000 * spent / traces:.2f} ms of CPU a trace")


def print_own(config: RunConfig, folder: Path, told: Sequence[Progress]) -> None:
    """What the run's own process spends."""
    followers = Followers(replace(config, trackers=Trackers(wandb=config.trackers.wandb)), folder)
    followers.tell(told[-1])
    begun = time.thread_time()
    for _ in range(10_000):
        followers.tell(told[-1])
    tell_s = (time.thread_time() - begun) / 10_000
    followers.stop()
    pipe = io.BytesIO()
    begun = time.thread_time()
    for _ in range(100):
        pipe.seek(0)
        send(pipe, ToldMoment(moment(told[-1])))
    send_s = (time.thread_time() - begun) / 100
    share = tell_s / 0.25 + send_s / EVERY_S
    print(f"the run: {1e6 * tell_s:.1f} µs a report, {1e6 * send_s:.0f} µs a message of {pipe.tell():,} bytes")
    print(f"that is {share:.5%} of a processor")


def print_tracker(name: TrackerName, config: RunConfig, folder: Path, moments: Sequence[Progress]) -> float:
    """What a tracker's process spends; gives the CPU seconds of its messages."""
    process = TrackerProcess()
    try:
        assert process.ask(ToldBegin(name, str(folder), config, run_facts(config))) is None
        begun = cpu_of(process)
        assert process.ask(ToldMoment(moment(moments[0]))) is None
        first = cpu_of(process)
        for each in moments[1:]:
            why = process.ask(ToldMoment(moment(each)))
            assert why is None, why
        spent = cpu_of(process) - first
        memory = sum(each.memory_info().rss for each in all_of(process)) / 2**20
    finally:
        process.kill()
    print(
        f"{name}: {begun:.1f} s of CPU to import, {first - begun:.2f} s with the first message, "
        f"{1000 * spent / MESSAGES:.0f} ms a message, {memory:.0f} MiB"
    )
    return spent + first - begun


def all_of(process: TrackerProcess) -> list[psutil.Process]:
    own = psutil.Process(process.pid)
    return [own, *own.children(recursive=True)]


def cpu_of(process: TrackerProcess) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in all_of(process))


if __name__ == "__main__":
    main()
