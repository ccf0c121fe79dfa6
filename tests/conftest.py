"""In which order the tests come, and which keep to one process where several run side by side.

`make test` runs several files at once (pytest-xdist, `--dist loadscope`). What shares a Ray, a cluster or a server
keeps together: a file, or a place of several. The longest begins, then what has the most slow tests, so that nobody is
left alone with one of them at the end.
"""

from collections import Counter
from typing import Any

import pytest

SLOW = ("slow", "ray", "vllm")
PLACES = ("tests/deployments/engines/",)
"""Their tests share servers."""
HALVES = "tests/faults/test_kills.py"
"""The longest: a cluster for the even seeds and one for the odd."""


def scope(nodeid: str) -> str:
    """What runs in one process: tests with equal scopes."""
    file, _, test = nodeid.partition("::")
    if file == HALVES:
        return f"{file} {'odd' if test.rstrip(']')[-1:] in set('13579') else 'even'}"
    return next((place for place in PLACES if file.startswith(place)), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow scopes first; the order within a file stays."""
    slow = Counter(scope(item.nodeid) for item in items if any(item.get_closest_marker(mark) for mark in SLOW))
    items.sort(key=lambda item: (not scope(item.nodeid).startswith(HALVES), -slow[scope(item.nodeid)]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """pytest-xdist's own, with `scope` in place of its files and classes."""
    from xdist.scheduler import LoadScopeScheduling

    class ByScope(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

    return ByScope(config, log)
