"""`vllm serve` as a process of its own on loopback, for tests that speak to a real OpenAI-compatible server."""

import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest
from msgspec import Struct

from tests.doubles.forked_vllm import ForkedProcess, serve
from tests.doubles.ports import free_port

STARTS_S = 480.0
"""A start takes half a minute of CPU, which many share beside two clusters that are being made: 240 s were seen."""
STOPS_S = 15.0


class Server(Struct, frozen=True):
    """A server that was started. `url` goes up to and including /v1."""

    url: str
    process: ForkedProcess
    log: Path


@contextmanager
def serving(model: Path, log: Path, *options: str) -> Iterator[Server]:
    """Offers the model as `tiny`. Does not wait for it (see `wait_until_ready`); its processes are ended by id.

    The model runs in vLLM's own process, as on a GPU: a CPU build takes one more, for 700 MB and a third of the start.
    One thread computes: by itself vLLM takes every core, and its own server hardly gets to read a second request.
    Prompts are read whole: a cut one whose request has a seed kills vLLM 0.32 on a CPU.
    """
    port = free_port()
    command = ["--model", str(model), *options]
    command += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--dtype", "float32", "--enforce-eager", "--no-enable-chunked-prefill"]
    command += ["--kv-cache-memory-bytes", str(256 * 2**20), "--generation-config", "vllm"]
    command += ["--distributed-executor-backend", "vllm.v1.executor.uniproc_executor.UniProcExecutor"]
    alone = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    process = serve(command, log, {"VLLM_NO_USAGE_STATS": "1"} | alone)
    try:
        yield Server(f"http://127.0.0.1:{port}/v1", process, log)
    finally:
        _end(process)


def wait_until_ready(server: Server) -> None:
    """Fails the test with the end of the server's log when it does not come up."""
    deadline = time.monotonic() + STARTS_S
    while time.monotonic() < deadline and server.process.is_alive():
        try:
            with urllib.request.urlopen(server.url.removesuffix("/v1") + "/health", timeout=5):
                return
        except (OSError, HTTPException):
            time.sleep(0.25)
    pytest.fail(f"vllm serve did not start:\n{server.log.read_text(errors='replace')[-4000:]}")


def end_group(pid: int, what: signal.Signals) -> None:
    """Signals a server's own process group; one that has ended needs nothing."""
    try:
        os.killpg(pid, what)
    except ProcessLookupError:
        return


def _end(process: ForkedProcess) -> None:
    for what in (signal.SIGTERM, signal.SIGKILL):
        if process.pid is not None:
            end_group(process.pid, what)
        process.join(STOPS_S)
        if not process.is_alive():
            return
