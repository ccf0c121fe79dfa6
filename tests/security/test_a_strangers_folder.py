"""An output folder that somebody else prepared: every command that takes one, with everything that may lie in it."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.ledger.door import check_folder
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import NAME, SqliteLedger
from deployments.cli import app
from deployments.config.load import load
from deployments.folder.output import prepare
from schemas.errors import OutputError
from schemas.ledger import ShardKind, ShardWritten
from tests.deployments.folder.test_replay import NOW, folder_of

Trick = Callable[[Path, Path], Path]
"""Prepares a run's folder against a victim's one; gives what was put there."""
OUTSIDE = bytes.fromhex("d9d505f920a163d7")


def link(name: str, target: str) -> Trick:
    def prepared(folder: Path, victim: Path) -> Path:
        _out_of_the_way(folder / name)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(victim / target)
        return folder / name

    return prepared


def pipe(name: str) -> Trick:
    def prepared(folder: Path, victim: Path) -> Path:
        _out_of_the_way(folder / name)
        (folder / name).parent.mkdir(exist_ok=True)
        os.mkfifo(folder / name)
        return folder / name

    return prepared


def _out_of_the_way(path: Path) -> None:
    if os.path.lexists(path):
        path.rename(path.parent / f"kept {path.name}")


def put_right(made: Path) -> None:
    made.unlink()
    kept = made.parent / f"kept {made.name}"
    if kept.exists():
        kept.rename(made)


def foreign_journal(folder: Path, victim: Path) -> Path:
    """SQLite would roll it back and remove the file that it names."""
    journal = folder / f"{NAME}-journal"
    name = str(victim / "letter.txt").encode()
    journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504) + name + bytes(8) + OUTSIDE)
    return journal


LINKED_FILES = (
    "run.yaml", "live.json", "manifest.json", "README.md", "report.html", "checksums.txt", "ledger.lock",
    "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger-1.sqlite", "ledger.sqlite.before-repair", ".run.yaml.writing",
    ".report.html.writing", ".README.md.4711.writing", ".a\nb.writing", "dataset/part-00000.parquet",
    "dataset/.part-00000.parquet.writing", "dead_letters/part-00001.parquet", "logs/driver.jsonl",
)  # fmt: skip
LINKED_FOLDERS = ("dataset", "dead_letters", "exports", "logs", "exports/.sft.writing")
PIPES = (
    "run.yaml",
    "manifest.json",
    "ledger.lock",
    "report.html",
    "dataset",
    "dataset/part-00003.parquet",
    "live.json",
)
TRICKS: dict[str, Trick] = {
    **{f"link {name!r} to a file": link(name, "letter.txt") for name in LINKED_FILES},
    **{f"link {name!r} to nowhere": link(name, "new") for name in LINKED_FILES},
    **{f"link {name!r} to a folder": link(name, "home") for name in LINKED_FOLDERS},
    **{f"pipe {name!r}": pipe(name) for name in PIPES},
    "device run.yaml": link("run.yaml", "../../../../../../../../../dev/zero"),
    "foreign journal": foreign_journal,
}
COMMANDS = {
    "run": ("run", "{run}.yaml", "-o", "{run}"),
    "replay": ("replay", "{run}"),
    "report": ("report", "{run}"),
    "export": ("export", "{run}", "--format", "sft"),
    "repair": ("repair", "{run}"),
    "status": ("status", "{run}"),
    "explain": ("explain", "{run}", "0"),
    "samples": ("samples", "{run}"),
    "compare": ("compare", "{run}", "{run}"),
    "verify": ("verify", "{run}"),
    "policy": ("policy", "{run}"),
    "calibrate": ("calibrate", "{run}", "--gate", "reward"),
}


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """What lies outside: a letter, and a folder with files whose names are like ours."""
    victim = tmp_path / "victim"
    (victim / "home" / "photos").mkdir(parents=True)
    (victim / "letter.txt").write_text("Dear Ann,")
    for name in ("part-00000.parquet", ".part-00000.parquet.writing", "driver.jsonl", "photos/one.jpg"):
        (victim / "home" / name).write_text(name)
    return victim


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run that anybody may have made, with the documents and the configuration it names."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.txt").write_text("The harbour holds ten ships.")
    run = folder_of(tmp_path / "run")
    return run


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_no_trick_reaches_outside_of_the_folder(command: str, folder: Path, victim: Path) -> None:
    """Links, pipes, devices, a journal of somebody else's: one line, exit code 2, and nothing outside has changed."""
    before = tree(victim)
    arguments = [part.format(run=folder) for part in COMMANDS[command]]
    wrong = []
    for told, trick in TRICKS.items():
        made = trick(folder, victim)
        result = CliRunner().invoke(app, arguments)
        if result.exit_code != 2 or len(result.stderr.splitlines()) != 1 or tree(victim) != before:
            wrong.append(f"{told}: exit {result.exit_code}: {result.output[-200:]}")
        put_right(made)
    assert wrong == []


SHARDS = (
    "{victim}/home/part-00000.parquet", "../victim/home/part-00000.parquet", "dataset/../../victim/part-00000.parquet",
    "dataset/part-00000.parquet\n", "dead_letters/part-00000.parquet", "dataset/part-0x.parquet", "run.yaml", "",
    "dataset//part-00000.parquet", "dataset/part-\u0661\u0661\u0661\u0661\u0661.parquet",
)  # fmt: skip


@pytest.mark.parametrize("command", ["replay", "report", "repair"])
@pytest.mark.parametrize("name", SHARDS)
def test_a_forged_shard_name_is_no_path(command: str, name: str, folder: Path, victim: Path) -> None:
    """The ledger names a file elsewhere as a shard of an earlier edition: replay would hash it and remove it."""
    before = tree(victim)
    with SqliteLedger(folder) as ledger:
        forged = name.format(victim=victim)
        ledger.append([ShardWritten(NOW, ShardKind.DATASET, forged, 1, "0" * 64, 1, 1, without=99)])
    result = CliRunner().invoke(app, [part.format(run=folder) for part in COMMANDS[command]])
    assert (result.exit_code, tree(victim)) == (2, before)
    assert "not a shard's name" in " ".join(result.stderr.split()), result.output


@pytest.mark.parametrize("at", ["out", ".out.writing"])
def test_an_export_elsewhere_follows_no_link(at: str, folder: Path, victim: Path, tmp_path: Path) -> None:
    """In a folder that others write too, a link waits under the name of the export, or of its unfinished folder."""
    before = tree(victim)
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / at).symlink_to(victim / "home")
    result = CliRunner().invoke(app, ["export", str(folder), "--format", "sft", "-o", str(shared / "out")])
    assert (result.exit_code, tree(victim)) == (2, before), result.output


def test_the_rest_of_an_unfinished_export_is_removed_and_not_followed(
    folder: Path, victim: Path, tmp_path: Path
) -> None:
    """A link inside a folder that is emptied is removed itself."""
    before = tree(victim)
    (tmp_path / ".out.writing").mkdir()
    (tmp_path / ".out.writing" / "train").symlink_to(victim / "home")
    result = CliRunner().invoke(app, ["export", str(folder), "--format", "sft", "-o", str(tmp_path / "out")])
    assert (result.exit_code, tree(victim)) == (0, before), result.output


def test_the_lock_is_no_second_name_of_another_file(folder: Path, victim: Path) -> None:
    """An archive may hold hard links: the lock is written in place."""
    (folder / "ledger.lock").unlink()
    os.link(victim / "letter.txt", folder / "ledger.lock")
    with pytest.raises(OutputError, match="hard link"):
        SqliteLedger(folder)
    assert (victim / "letter.txt").read_text() == "Dear Ann,"


def test_a_folder_with_links_alone_is_no_empty_one(victim: Path, folder: Path, tmp_path: Path) -> None:
    """Nothing but our own unfinished names, so it looks like a run that died at once."""
    before = tree(victim)
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in ("ledger.lock", ".run.yaml.writing", ".manifest.json.writing", "ledger.sqlite"):
        (empty / name).symlink_to(victim / "letter.txt")
    with pytest.raises(OutputError, match=r"is a link"):
        prepare(load(tmp_path / "run.yaml"), empty)
    assert tree(victim) == before


def test_a_folder_that_a_run_makes_is_its_users_alone(folder: Path, tmp_path: Path) -> None:
    """Passages, keys' names and replies lie in it; one that is there stays as its owner made it."""
    config = load(tmp_path / "run.yaml")
    assert prepare(config, tmp_path / "new").stat().st_mode & 0o777 == 0o700
    (tmp_path / "mine").mkdir(mode=0o755)
    assert prepare(config, tmp_path / "mine").stat().st_mode & 0o777 == 0o755


@pytest.fixture
def half_made(tmp_path: Path) -> Iterator[Path]:
    """What is left when a process dies while it makes its ledger."""
    folder = tmp_path / "half"
    folder.mkdir()
    with sqlite3.connect(tmp_path / "source.sqlite") as database:
        database.execute("CREATE TABLE a (b)")
        database.commit()
        database.execute("PRAGMA cache_size = 1")
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO a VALUES (zeroblob(100000))")
        for name in ("source.sqlite", "source.sqlite-journal"):
            shutil.copy(tmp_path / name, folder / name.replace("source", "ledger"))
        database.rollback()
    database.close()
    yield folder


def test_a_journal_of_our_own_is_let_in(half_made: Path) -> None:
    """A process died while it made its ledger, or on a disk without shared memory: SQLite puts that right."""
    assert (half_made / f"{NAME}-journal").stat().st_size > 0
    check_folder(half_made)


def test_a_journal_without_a_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}-journal").write_bytes(b"")
    with pytest.raises(OutputError, match="is not a run's"):
        check_folder(tmp_path)


def test_a_run_of_our_own_passes_while_it_is_written(folder: Path) -> None:
    """Temporary files, a note and a link of one's own under another name are nobody's trouble."""
    (folder / ".report.html.1.writing").write_text("half")
    (folder / "notes").symlink_to("/nowhere")
    (folder / "exports").mkdir()
    (folder / "exports" / "latest").symlink_to("sft")
    Ledgers(folder).close()
