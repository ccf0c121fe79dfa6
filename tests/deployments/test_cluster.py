"""Which Ray a run starts or joins, and what code it takes there."""

from pathlib import Path
from typing import Any

import pytest
import ray

from deployments.cluster import ROOT, cluster, code


class Stopped(Exception):
    """In place of a Ray that starts."""


def asked(address: str | None, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Ray would be started with."""
    seen: dict[str, Any] = {}

    def init(**arguments: Any) -> None:
        seen.update(arguments)
        raise Stopped

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(Stopped), cluster(address):
        pass
    return seen


def test_without_an_address_ray_starts_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a cluster's node RAY_ADDRESS is set; a run that names no cluster still has its own Ray."""
    monkeypatch.setenv("RAY_ADDRESS", "192.0.2.1:6379")
    assert asked(None, monkeypatch)["address"] == "local"


def test_a_joined_cluster_gets_the_clones_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes import what this process imports, without what is large or theirs alone."""
    arguments = asked("auto", monkeypatch)
    assert arguments["address"] == "auto"
    sent = arguments["runtime_env"]
    assert sent["working_dir"] == str(ROOT)
    assert {".venv", ".git", "runs"} <= set(sent["excludes"])


def test_an_installed_package_is_not_sent(tmp_path: Path) -> None:
    """In an image the package lies among thousands of others: its parent folder would be gigabytes."""
    assert code(tmp_path) == {}
