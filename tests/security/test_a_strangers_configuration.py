"""The run.yaml and the ledger of an output folder that somebody else made: bounded, and followed nowhere."""

import http.server
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.dataset.manifest import read_config
from actors.ledger.sqlite import NAME, LedgerReader, SqliteLedger
from actors.text.strict_yaml import MOST_MERGED
from deployments.cli import app
from deployments.config.load import load, load_text
from schemas.errors import ConfigError, OutputError
from tests.deployments.folder.test_replay import CONFIG, folder_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "run")


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it was asked for."""
    asked: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the screen."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}", asked
        served.shutdown()
        thread.join()


def merges(levels: int, each: int) -> str:
    """Mappings of mappings: a few lines that unfold to each ** levels keys."""
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * each)}]}}" for level in range(1, levels + 1)]
    return "\n".join(lines)


def aliases(levels: int) -> str:
    """Lists of lists, shared in memory and endless when they are copied."""
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, levels + 1)]
    return "\n".join(lines)


UNBOUNDED = {
    "merge keys": merges(9, 9),
    "aliases": aliases(9),
    "inside itself": "a: &a [*a]",
    "merged with itself": "a: &a {<<: *a}",
    "nested": "[" * 5_000,
    "a mebibyte": "#" * (1 << 20) + "\n" + CONFIG,
    "not text": "\xff",
    "a list": "[1, 2]",
}


@pytest.mark.parametrize("what", UNBOUNDED)
def test_a_configuration_takes_no_more_than_its_size(what: str, folder: Path) -> None:
    """A kilobyte that unfolds to gigabytes is one line of an error, in a folder and on the command line."""
    (folder / "run.yaml").write_text(UNBOUNDED[what], encoding="latin-1")
    with pytest.raises(OutputError):
        read_config(folder)
    with pytest.raises(ConfigError):
        load(folder / "run.yaml")


def test_merge_keys_are_read_as_far_as_they_are_bounded() -> None:
    """What the examples use stays; the bound is of all copies together."""
    assert load_text(CONFIG.replace("{kind: http, model: small,", "{<<: {kind: http}, model: small,"))
    with pytest.raises(ConfigError, match=f"more than {MOST_MERGED:,} keys"):
        load_text(merges(6, 9))


def test_a_verification_asks_no_server_that_the_folder_names(folder: Path, server: tuple[str, list[str]]) -> None:
    """A stranger's run.yaml names a service that only this machine reaches."""
    url, asked = server
    config = (folder / "run.yaml").read_text()
    for path in (f"{url}/latest/meta-data/x.txt", f"file:///nowhere.zip::{url}/x.txt", f"zip://a.txt::{url}/x.zip"):
        (folder / "run.yaml").write_text(config.replace("./documents", path))
        result = CliRunner().invoke(app, ["verify", str(folder)])
        assert "--network" in result.output, result.output
        assert asked == []
    (folder / "run.yaml").write_text(config.replace("./documents", f"{url}/x.txt"))
    CliRunner().invoke(app, ["verify", str(folder), "--network"])
    assert asked


FORGED = {
    "a view that never ends": "CREATE VIEW records AS WITH RECURSIVE n(seq) AS "
    "(SELECT 1 UNION ALL SELECT seq + 1 FROM n) SELECT seq, 'planned' AS kind, NULL AS order_id, x'00' AS body FROM n",
    "a table with a column that is computed": "CREATE TABLE records (seq INTEGER PRIMARY KEY, kind TEXT, "
    "order_id TEXT, body BLOB AS (zeroblob(1000000000)))",
    "another table": "CREATE TABLE notes (x)",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON meta BEGIN DELETE FROM meta; END",
}


@pytest.mark.parametrize("what", FORGED)
def test_a_ledger_holds_our_tables_and_nothing_else(what: str, folder: Path) -> None:
    """Each would make a query do what its maker wants: refused by whoever reads or writes."""
    with closing(sqlite3.connect(folder / NAME)) as database, database:
        if " records " in FORGED[what]:
            database.execute("DROP TABLE records")
        database.execute(FORGED[what])
    with pytest.raises(OutputError, match="not part of a ledger"):
        LedgerReader(folder)
    with pytest.raises(OutputError, match="not part of a ledger"):
        SqliteLedger(folder)
    result = CliRunner().invoke(app, ["status", str(folder)])
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)


def test_the_version_is_asked_of_a_table(folder: Path) -> None:
    """`meta` is read first of all."""
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT 'none' AS key, x AS value FROM n"
    with closing(sqlite3.connect(folder / NAME)) as database, database:
        database.execute("DROP TABLE meta")
        database.execute(f"CREATE VIEW meta AS {endless}")
    with pytest.raises(OutputError, match="not our ledger"):
        LedgerReader(folder)
