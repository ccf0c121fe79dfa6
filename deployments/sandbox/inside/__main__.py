"""A worker's process: `python -S -s -P -m deployments.sandbox.inside CONTROL ISOLATION ABOVE`; folders are made below
ABOVE. Law: one request at a time; this process, of which every program is a copy, never holds anything of one; when the
other side of `control` goes, everything ends.
"""

import bisect  # noqa: F401  loaded here, once, for all programs; so are those below
import collections  # noqa: F401
import copy  # noqa: F401
import datetime  # noqa: F401
import decimal  # noqa: F401
import fractions  # noqa: F401
import functools  # noqa: F401
import gc
import heapq  # noqa: F401
import itertools  # noqa: F401
import json  # noqa: F401
import math  # noqa: F401
import operator  # noqa: F401
import os
import random  # noqa: F401
import re  # noqa: F401
import select
import signal
import socket
import string  # noqa: F401
import sys
import typing  # noqa: F401
from typing import NoReturn

from deployments.sandbox.inside import kernel
from deployments.sandbox.inside.calls import CallFilter
from deployments.sandbox.inside.kernel import Spaces
from deployments.sandbox.inside.processes import Processes
from deployments.sandbox.inside.requests import answer, read_request
from deployments.sandbox.inside.rooms import Namespaces, ProgramRoom, Shared
from deployments.sandbox.inside.watch import Abandoned, Inside, RequestRunner


def main(control: socket.socket, isolation: str, above: str) -> None:
    """Answers requests until the other side goes, or something is at fault that is no program's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        processes = Processes()
        room: ProgramRoom = Namespaces(processes) if isolation == "namespaces" else Shared(processes, above)
        calls = CallFilter()
        room.prepare()
    except (OSError, KeyError) as error:
        answer(control, {"fault": f"{type(error).__name__}: {error}"})
        return
    sys.path[:] = [path for path in sys.path if path.startswith((sys.base_prefix, sys.base_exec_prefix))]
    del os.environ["PYTHONPATH"]
    gc.collect()
    gc.freeze()  # a copy's garbage collector leaves the worker's memory shared
    answer(control, {"ready": True})
    serving = True
    while serving:
        select.select([control], [], [])
        pid = kernel.clone(Spaces(0))  # as os.fork, without what libraries do after it
        if pid == 0:
            serve(RequestRunner(Inside(room, calls, control), processes), room, control)
        serving = os.waitpid(pid, 0)[1] == 0
    room.leave()


def serve(runner: RequestRunner, room: ProgramRoom, control: socket.socket) -> NoReturn:
    """One request, in a copy of the worker, which itself never holds anything of a program. Exit status 0: the worker
    is as good as new."""
    kernel.end_with_parent()
    room.enter()
    code = 1
    try:
        request = read_request(control)
        if request is not None:
            answer(control, {"ran": runner.run(request)})
            code = 0
    except (Abandoned, BrokenPipeError):
        pass
    except BaseException as error:  # noqa: BLE001  it is the answer
        answer(control, {"fault": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], sys.argv[3])
