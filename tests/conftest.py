"""In which order the tests come, and which keep to one process where several run side by side.

`make test` runs several files at once (pytest-xdist, `--dist loadscope`). What shares a Ray, a cluster or servers keeps
together: a file, or several. The longest begin, then what has the most slow tests, so that nobody is left alone with
one of them at the end.
"""

from collections import Counter
from typing import Any

import pytest

SLOW = ("slow", "ray", "vllm")
TOGETHER = {
    "tests/faults/test_kills.py": "three nodes",
    "tests/faults/test_notice.py": "three nodes",
    "tests/faults/test_queue_shards.py": "three nodes",
    "tests/deployments/engines/": "vLLM",
    "tests/deployments/test_run_vllm.py": "vLLM",
}
LONGEST = ("three nodes", "vLLM")


def scope(nodeid: str) -> str:
    """What runs in one process: tests with equal scopes."""
    file = nodeid.partition("::")[0]
    return next((name for place, name in TOGETHER.items() if file.startswith(place)), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow scopes first; the order within one stays."""
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
