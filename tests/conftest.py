"""In which order the tests come, and which keep to one process where several run side by side.

`make test` runs several files at once (pytest-xdist, `--dist loadscope`). What shares a Ray, a cluster or servers keeps
together: a file, or several; so does what reads all sources. The longest begin, then what has the most slow tests, so
that nobody is left alone with one of them at the end.
"""

import atexit
import gc
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""As in a replica of one CPU. Threads of several processes on the same cores wait for each other by spinning."""
gc.disable()
"""Until all is imported, none of which is garbage (`pytest_collection_finish`)."""

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
"""An example that takes 200 ms on a busy machine is no fault, nor is drawing it."""

SLOW = ("slow", "ray", "vllm")
THREE_NODES, ONE_RAY, ENGINES, SOURCES = "three nodes", "one Ray", "engines", "sources"
TOGETHER = {
    "tests/faults/test_enough.py": THREE_NODES,
    "tests/faults/test_kills.py": THREE_NODES,
    "tests/faults/test_launches.py": THREE_NODES,
    "tests/faults/test_notice.py": THREE_NODES,
    "tests/faults/test_queue_shards.py": THREE_NODES,
    "tests/faults/test_starts.py": THREE_NODES,
    "tests/faults/test_steps.py": THREE_NODES,
    "tests/faults/test_suspend.py": THREE_NODES,
    "tests/faults/test_two_runs.py": THREE_NODES,
    "tests/deployments/engines/": ENGINES,
    "tests/deployments/ray/test_calls.py": ONE_RAY,
    "tests/deployments/ray/test_autoscaling.py": ONE_RAY,
    "tests/deployments/ray/test_code_run.py": ONE_RAY,
    "tests/deployments/ray/test_forking.py": ONE_RAY,
    "tests/deployments/ray/test_math_run.py": ONE_RAY,
    "tests/deployments/ray/test_pdf_run.py": ONE_RAY,
    "tests/deployments/ray/test_shared_pool.py": ONE_RAY,
    "tests/deployments/monitoring/test_prometheus.py": ONE_RAY,
    "tests/deployments/build/test_own_task.py": ONE_RAY,
    "tests/deployments/build/test_own_seams.py": ONE_RAY,
    "tests/deployments/build/test_prompted_task.py": ONE_RAY,
    "tests/deployments/serve/test_poison.py": ONE_RAY,
    "tests/deployments/serve/test_limits.py": ONE_RAY,
    "tests/deployments/test_demo_text.py": ONE_RAY,
    "tests/deployments/test_run.py": ONE_RAY,
    "tests/deployments/test_run_measured.py": ONE_RAY,
    "tests/deployments/test_run_replay.py": ONE_RAY,
    "tests/deployments/test_run_vllm.py": ONE_RAY,
    "tests/gleaner/": ONE_RAY,
    "tests/security/test_nothing_is_unpickled.py": SOURCES,
    "tests/test_architecture.py": SOURCES,
}
LONGEST = (THREE_NODES, ONE_RAY, ENGINES)
"""A Ray that nobody uses still takes an eighth of a core, so there is one."""


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """A real Ray with Serve in this process tree, for all tests of the session that need one; runs inside it join it
    and leave it as it was."""
    from deployments.ray.cluster import cluster  # Ray is loaded by those who need it
    from deployments.ray.forking.needs import ALWAYS
    from tests.doubles.absent import PATH

    with ExitStack() as running:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", PATH)  # Ray's processes inherit it, and what tests start later does not
            running.enter_context(cluster(None, needed=(*ALWAYS, "deployments.engines.transformers")))
        yield


def pytest_collection_finish(session: pytest.Session) -> None:
    """The garbage collector's turn. Modules and thousands of tests are none of it: each look at them takes a second."""
    gc.freeze()
    atexit.register(gc.unfreeze)  # libraries complain at the interpreter's end about what it has left
    gc.enable()


def scope(nodeid: str) -> str:
    """What runs in one process: tests with equal scopes."""
    file = nodeid.partition("::")[0]
    return next((name for place, name in TOGETHER.items() if file.startswith(place)), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow scopes first; the order within one stays. Whatever needs the one Ray is among those that share it."""
    strays = {scope(item.nodeid) for item in items if "ray_session" in getattr(item, "fixturenames", ())} - {ONE_RAY}
    if strays:
        raise pytest.UsageError(f"ray_session is for those who share {ONE_RAY!r} (TOGETHER): {', '.join(strays)}")
    slow = Counter(scope(item.nodeid) for item in items if any(item.get_closest_marker(mark) for mark in SLOW))
    items.sort(key=lambda item: (scope(item.nodeid) not in LONGEST, -slow[scope(item.nodeid)]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """pytest-xdist's own, with `scope` in place of its modules and classes."""
    from xdist.scheduler import LoadScopeScheduling

    class ByScope(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

    return ByScope(config, log)
