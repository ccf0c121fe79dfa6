"""vLLM's processes under test are forked from one that has imported it: three quarters of each start are imports.

They are the real ones in all else, and each has the environment of who starts it.
"""

import importlib
import multiprocessing
import os
import runpy
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, popen_forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

_imported = forkserver.ForkServer()
_imported.set_forkserver_preload(
    ["vllm.entrypoints.openai.api_server", "vllm.v1.engine.core", "vllm.v1.worker.cpu_worker"]
)


class _Popen(popen_forkserver.Popen):
    """Asks the process that has imported vLLM, and not the one that all others of these tests share."""

    def _launch(self, process_obj: Any) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(forkserver, "connect_to_new_process", _imported.connect_to_new_process)
            super()._launch(process_obj)  # pyright: ignore[reportAttributeAccessIssue] - not in the stubs


class ForkedProcess(ForkServerProcess):
    """A process in which vLLM is imported."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._environment = dict(os.environ)

    @staticmethod
    def _Popen(process_obj: Any) -> popen_forkserver.Popen:
        return _Popen(process_obj)

    def run(self) -> None:
        """What it is for, in the environment of who started it."""
        os.environ.clear()
        os.environ.update(self._environment)
        super().run()


class _Forking(ForkServerContext):
    Process = ForkedProcess


@contextmanager
def forked_engines() -> Iterator[None]:
    """For the length of the block the engines of this process have their vLLM forked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of what vLLM imports
        importlib.import_module("deployments.engines.vllm")  # first: it says what vLLM is told by its environment
        starting = importlib.import_module("vllm.v1.engine.utils")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starting, "get_mp_context", _Forking)
        yield


def serve(options: list[str], log: Path, environment: dict[str, str]) -> ForkedProcess:
    """`vllm serve` with these options, as a group of processes of its own. Its output goes to the log."""
    process = ForkedProcess(target=_serve, args=(options, str(log), environment))
    process.start()
    return process


def _serve(options: list[str], log: str, environment: dict[str, str]) -> None:
    starting = importlib.import_module("vllm.v1.engine.utils")
    os.setsid()
    os.environ.update(environment)
    with open(log, "wb", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    setattr(starting, "get_mp_context", lambda: multiprocessing.get_context("fork"))  # noqa: B010 - its model's process
    sys.argv = ["api_server", *options]
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__", alter_sys=True)
