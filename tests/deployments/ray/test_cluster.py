"""Which Ray a run starts or joins, and what code it takes there."""

import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import serve
from ray._private import services
from ray._private.node import Node
from ray._private.runtime_env.packaging import _dir_travel, _get_excludes
from ray.exceptions import ActorAlreadyExistsError

from deployments.ray.cluster import ROOT, cluster, code
from deployments.ray.folder import TOKEN, keep_token_private, ray_folder


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


def test_a_node_that_starts_slowly_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine Ray's own 30 s for it are not enough: its question has no answer yet."""
    answers = iter([RuntimeError("not yet"), RuntimeError("not yet"), "known"])

    real = services.get_node

    def known(address: str, node: str) -> str:
        if (address, node) != ("here", "one"):  # another Ray of this process asks for its own
            return real(address, node)
        answer = next(answers)
        if isinstance(answer, RuntimeError):
            raise answer
        return f"{answer}: {address} {node}"

    heard: list[str] = []

    def init(**_: Any) -> None:
        heard.append(services.get_node("here", "one"))
        raise Stopped

    monkeypatch.setattr(services, "get_node", known)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(Stopped), cluster(None):
        pass
    assert heard == ["known: here one"]
    assert services.get_node is known


@pytest.mark.parametrize("helper", ["start_log_monitor", "start_monitor", "start_api_server"])
def test_no_process_starts_that_nobody_asks(monkeypatch: pytest.MonkeyPatch, helper: str) -> None:
    """A reader of all logs, an autoscaler of nodes, the server of a page; another Ray of this process has them as
    ever."""
    asked_to: list[Node] = []
    monkeypatch.setattr(Node, helper, lambda node, **_: asked_to.append(node))

    def init(**_: Any) -> None:
        getattr(Node, helper)(Node.__new__(Node))
        raise Stopped

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(Stopped), cluster(None):
        pass
    assert asked_to == []
    node = Node.__new__(Node)
    getattr(Node, helper)(node)
    assert asked_to == [node]


def test_a_joined_cluster_gets_the_clones_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes import what this process imports, and look for a user's factory where this process does."""
    monkeypatch.setenv("GLEANER_ENGINES_PATH", "/engines")
    arguments = asked("auto", monkeypatch)
    assert arguments["address"] == "auto"
    sent = arguments["runtime_env"]
    assert sent["working_dir"] == str(ROOT)
    assert sent["env_vars"] == {"GLEANER_ENGINES_PATH": "/engines"}


def test_two_runs_that_start_serve_at_once_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs reach a fresh cluster in the same second: both find no Serve, one starts it, the other uses it."""
    calls: list[dict[str, Any]] = []

    def start(**arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise ActorAlreadyExistsError("Actor with name 'SERVE_CONTROLLER_ACTOR' already exists")

    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(serve, "start", start)
    with cluster(None):
        assert len(calls) == 2 and calls[0] == calls[1]


def test_nothing_but_code_is_sent(tmp_path: Path) -> None:
    """A clone also holds keys, documents and runs; if they were sent, every user of the nodes could read them."""
    needed = {"pyproject.toml", "README.md", "schemas/a.py", "deployments/clusters/b.yaml", "examples/c/engine.py"}
    others = {
        ".env", "id_rsa", ".aws/credentials", "my-documents/a.txt", "out/ledger.sqlite", "runs/1/ledger.sqlite", "a.py",
        "examples/.env", "examples/almanac/models/m/model.safetensors", "schemas/__pycache__/a.pyc", "tests/a.py",
    }  # fmt: skip
    for name in needed | others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    sent: set[str] = set()

    def take(path: Path) -> None:
        if path.is_file():
            sent.add(str(path.relative_to(tmp_path)))

    excluded = [_get_excludes(tmp_path, code(tmp_path)["excludes"])]
    _dir_travel(tmp_path, excluded, take, include_gitignore=False)
    assert sent == needed


def test_ray_keeps_its_files_in_a_folder_of_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray makes its folders writable for everybody on the machine: what is above them is not. It goes at the end."""
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = Path(asked(None, monkeypatch)["_temp_dir"])
    assert folder.parent == tmp_path
    with ray_folder() as one, ray_folder() as other:
        assert one != other
        assert stat.S_IMODE(one.stat().st_mode) == 0o700
    assert not one.exists() and not other.exists()
    with pytest.raises(RuntimeError), ray_folder() as kept:
        raise RuntimeError
    assert kept.exists()
    wanted = tmp_path / "wanted"
    wanted.mkdir()
    monkeypatch.setenv("RAY_TMPDIR", str(wanted))
    with ray_folder() as kept:
        assert (kept.parent, stat.S_IMODE(kept.stat().st_mode)) == (wanted, 0o700)
    assert kept.exists()


def test_the_token_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray makes it as readable as the umask says; who has it has the user's rights."""
    monkeypatch.setenv("HOME", str(tmp_path))
    keep_token_private()
    token = tmp_path / TOKEN
    token.parent.mkdir()
    token.write_text("x")
    token.chmod(0o644)
    keep_token_private()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_an_installed_package_is_not_sent(tmp_path: Path) -> None:
    """In an image the package lies among thousands of others: its parent folder would be gigabytes."""
    assert code(tmp_path) == {}
