"""Syntax trees that several threads ask for."""

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from actors.text.syntax import UNPARSED, parsed

PROGRAM = "def f(a):\n    if a < 1:\n        return [a]\n    return min(a, 2)\n" * 5


@pytest.fixture
def changing_threads() -> Iterator[None]:
    """The interpreter goes to another thread in the middle of making a tree, as it may at any collection."""

    def change(phase: str, info: dict[str, int]) -> None:
        time.sleep(0)

    before = gc.get_threshold()
    gc.callbacks.append(change)
    gc.set_threshold(20)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(change)


@pytest.mark.usefixtures("changing_threads")
def test_threads_do_not_spoil_each_others_trees() -> None:
    """A gate makes mutants in a thread while the next program is read: `ast.parse` alone raised SystemError here."""
    with ThreadPoolExecutor(2) as pool:
        trees = list(pool.map(parsed, [PROGRAM] * 300))
    assert {len(tree.body) for tree in trees} == {5}


def test_what_is_no_python_raises_what_is_named() -> None:
    for text in ("def", "\0", "(" * 300, "-" * 100_000 + "1"):
        with pytest.raises(UNPARSED):
            parsed(text)
