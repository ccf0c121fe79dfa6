"""Three nodes and an undisturbed run on them, for all tests of this folder that disturb one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.loop import SLOTS, write_corpus
from tests.faults.attack import PASSAGES, Accepted, Attack
from tests.faults.cluster import ThreeNodes, three_nodes


@pytest.fixture(scope="package")
def nodes() -> Iterator[ThreeNodes]:
    with three_nodes() as nodes:
        yield nodes


@pytest.fixture(scope="package")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all runs: an order's id follows from where its passage lies."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    write_corpus(path, PASSAGES)
    return path


@pytest.fixture(scope="package")
def undisturbed(nodes: ThreeNodes, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Accepted:
    """What the same run accepts when nobody is killed."""
    attack = Attack(nodes, corpus, tmp_path_factory.mktemp("undisturbed"))
    attack.start()
    attack.complete()
    assert len(attack.accepted()) > 0.99 * PASSAGES * SLOTS
    return attack.accepted()
