"""In which order the tests come.

`make test` runs several files at once (pytest-xdist, `--dist loadfile`: what shares a Ray, a cluster or a server lies
in one file). The files with the most slow tests begin, so that nobody is left alone with one of them at the end.
"""

from collections import Counter

import pytest

SLOW = ("slow", "ray", "vllm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first; the order within a file stays."""
    slow = Counter(item.path for item in items if any(item.get_closest_marker(mark) for mark in SLOW))
    items.sort(key=lambda item: -slow[item.path])
