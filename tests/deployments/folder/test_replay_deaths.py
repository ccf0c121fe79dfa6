"""A replay that dies at any of its steps, and what holds the folder meanwhile: the same command ends it."""

from pathlib import Path
from typing import Any

import pytest

import actors.report.finish
import deployments.folder.replay
from actors.dataset.manifest import read_config, read_manifest
from actors.ledger.reopen import ReplayRequest
from actors.ledger.sqlite import SqliteLedger
from actors.report.finish import checksums
from deployments.folder.replay import replay
from schemas.errors import OutputError
from schemas.ledger import Reopened
from schemas.manifest import Manifest
from schemas.recovery import Modes
from tests.deployments.folder.test_replay import EVERY, NOW, config_with, counts_of, dead_rows, folder_of, records_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "run")


@pytest.mark.parametrize("dies_in", ["replace_config", "_write_shards", "finish"])
def test_a_replay_that_dies_is_ended_by_the_next(
    dies_in: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the ledger, before run.yaml, before the shards or before the manifest: the same command mends it."""
    replay(folder, ReplayRequest(modes=frozenset({Modes.MALFORMED})), None, now=lambda: NOW)
    dead = counts_of(folder).dead_lettered
    changed = config_with(tmp_path, ("threshold: 0.5", "threshold: 0.3"))

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(deployments.folder.replay, dies_in, killed)
        with pytest.raises(KeyboardInterrupt):
            replay(folder, EVERY, changed, now=lambda: NOW)
    assert counts_of(folder).dead_lettered == 0
    assert replay(folder, EVERY, changed, now=lambda: NOW).orders == 0
    assert sum(isinstance(record, Reopened) for record in records_of(folder)) >= dead
    assert read_config(folder) == changed
    assert dead_rows(folder) == set()
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.counts == counts_of(folder)
    assert (folder / "checksums.txt").read_text() == checksums(folder, manifest)


@pytest.mark.parametrize("last", ["manifest.json", "README.md", "report.html"])
def test_a_replay_that_dies_between_its_last_files_is_ended_by_the_next(
    last: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the manifest, the card or the report: the same command, or a replay of nothing, writes the rest."""
    replay(folder, ReplayRequest(modes=frozenset({Modes.MALFORMED})), None, now=lambda: NOW)
    write = actors.report.finish.write_atomically

    def killed(path: Path, content: bytes | str, **options: Any) -> None:
        write(path, content, **options)
        if path.name == last:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(actors.report.finish, "write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            replay(folder, EVERY, None, now=lambda: NOW)
    assert replay(folder, EVERY, None, now=lambda: NOW).orders == 0
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.counts == counts_of(folder)
    assert (folder / "checksums.txt").read_text() == checksums(folder, manifest)


@pytest.mark.parametrize("torn", [b"{", b""])
def test_a_replay_writes_a_manifest_again_that_cannot_be_read(torn: bytes, folder: Path) -> None:
    """A bad sector, an editor: a replay of nothing mends it."""
    replay(folder, EVERY, None, now=lambda: NOW)
    (folder / "manifest.json").write_bytes(torn)
    assert replay(folder, EVERY, None, now=lambda: NOW).orders == 0
    assert read_manifest(folder) is not None


def test_a_replay_holds_the_folder_until_its_last_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that begins while manifest and report are written would have its own overwritten with older counts."""
    finish, seen = deployments.folder.replay.finish, []

    def finishing(output: Path, **options: Any) -> Manifest:
        with pytest.raises(OutputError, match="another run is writing here"):
            SqliteLedger(output)
        seen.append(output)
        return finish(output, **options)

    monkeypatch.setattr(deployments.folder.replay, "finish", finishing)
    replay(folder, EVERY, None, now=lambda: NOW)
    assert seen == [folder]
