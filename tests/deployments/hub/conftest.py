"""A Hub on loopback, and this process as its client."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import close_session, constants
from huggingface_hub.utils import _http

from tests.deployments.hub.folders import folder_of
from tests.doubles.hub_server import hub_server
from tests.doubles.hub_store import HubStore

_FILE = "/{repo_id}/resolve/{revision}/{filename}"
TOKEN = "hf_" + "aB3dE6gH9jK2mN5pQ8sT" * 2


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubStore]:
    """What the Hub holds; it speaks LFS, and knows one token. The client retries without waiting."""
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda seconds: None))
    store = HubStore(tokens={TOKEN: "write"})
    with hub_server(store) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + _FILE)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(tmp_path / "harnesses.json"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        close_session()
        yield store
        close_session()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run's folder."""
    return folder_of(tmp_path / "run")
