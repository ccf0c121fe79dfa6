"""Names that a corpus gives: paths that climb, links that leave, codes that drive a terminal. Names are data here."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from actors.audit.verify import verify
from actors.corpus.chunker import Chunker
from actors.corpus.reader import documents, read
from actors.dataset.writer import DatasetWriter
from actors.ledger.files import Folder
from actors.ledger.history import life_of
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.report.finish import finish
from deployments.cli import app
from deployments.config.load import load_text, to_yaml
from deployments.monitoring.progress import Phase, Progress
from deployments.terminal.board import board
from deployments.terminal.boundary import boundary
from deployments.terminal.life import Prompts, life_view
from deployments.terminal.lines import Lines
from deployments.terminal.rates import flow
from schemas.config import Corpus, Dataset
from schemas.corpus import Document, DocumentRefused
from schemas.errors import ModelError, OutputError
from schemas.ledger import AcceptedEnd, Planned, Record, Refused, ShardKind, ShardWritten
from schemas.orders import Lease, Order
from tests.actors.dataset.conftest import NOW, WORDING
from tests.actors.dataset.folders import keep, write_shards
from tests.deployments.folder.test_replay import CONFIG
from tests.doubles.attempts import accepted
from tests.doubles.ledgers import MemoryLedger
from tests.security.evil import CODES, poisoned

TEXT = "Amber Heron is a town on the Ister. It was first settled in 1623."
IDS = (
    "../../../escaped", "/etc/gleaner-escaped", "..\\..\\escaped", "a\x00b", "~/escaped", "file:///etc/passwd",
    "dataset/part-00000.parquet", "ledger.sqlite", "x" * 5_000, "line\nbreak", "\x1b[2Jcleared", "con.txt:stream", ".",
    "..", "%2e%2e%2fescaped", "\u202ereversed",
)  # fmt: skip
FILES = (
    "line\nbreak.txt",
    "\x1b[2J.txt",
    "%2e%2e.txt",
    "#record=7.txt",
    "-rf.txt",
    "x" * 250 + ".txt",
    "a b'\"$(id).txt",
)
MADE = {"run.yaml", "ledger.sqlite", "ledger.lock", "manifest.json", "README.md", "report.html", "checksums.txt"}
"""What a run may leave in its folder, beside SQLite's own and numbered shards."""


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a folder, with its bytes."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def corpus(folder: Path) -> Corpus:
    """A folder that somebody prepared: names that climb, links that leave it and that go round."""
    docs = folder / "docs"
    docs.mkdir()
    (folder / "secret.txt").write_text("Outside the corpus lies a secret.")
    for name in FILES:
        (docs / name).write_text(f"{TEXT} Of {len(name)}.")
    lines = [json.dumps({"id": one, "text": f"{TEXT} Number {number}."}) for number, one in enumerate(IDS)]
    (docs / "ids.jsonl").write_text("\n".join(lines))
    (docs / "round").symlink_to(docs)
    (docs / "gone.txt").symlink_to(folder / "nowhere")
    (docs / "out.txt").symlink_to(folder / "secret.txt")
    os.mkfifo(docs / "pipe.txt")
    return Corpus(paths=(str(docs),))


def records(found: Corpus) -> Iterator[Record]:
    """What a run of that corpus would put into its ledger, every sample accepted."""
    chunker = Chunker(found.chunking)
    for document in read(found):
        if isinstance(document, DocumentRefused):
            yield Refused(NOW, document)
            continue
        for passage in chunker.passages(document):
            order = Order.fresh(passage.id, "grounded_answer", 0)
            yield Planned(NOW, passage, (order,))
            yield AcceptedEnd(NOW, order.id, accepted(Lease(order, passage, 1, NOW)).attempt)


async def test_no_name_of_a_corpus_becomes_a_path(tmp_path: Path) -> None:
    """Ids and file names that climb, point elsewhere or look like our own files: outside the output nothing changes."""
    found, output = corpus(tmp_path), tmp_path / "runs" / "run"
    output.mkdir(parents=True)
    before = {name: content for name, content in tree_without_pipes(tmp_path).items() if not name.startswith("runs")}
    with SqliteLedger(output) as ledger:
        ledger.append(list(records(found)))
        with LedgerReader(output) as reader:

            async def record(shard: ShardWritten) -> None:
                ledger.append([shard])

            writer = DatasetWriter(
                Folder(output), reader, WORDING, settings=Dataset(rows_per_shard=7), record=record, clock=lambda: NOW
            )
            await writer.start(())
            await writer.flush()
            writer.close()
    finish(output, now=NOW, versions={})
    after = tree_without_pipes(tmp_path)
    assert {name: content for name, content in after.items() if not name.startswith("runs")} == before
    written = {name.removeprefix("runs/run/") for name in after if name.startswith("runs")}
    numbered = {name for name in written if name.startswith(("dataset/part-", "dead_letters/part-"))}
    assert written - numbered - {"ledger.sqlite-wal", "ledger.sqlite-shm"} <= MADE
    assert len(numbered) >= 3
    report = verify(output, lambda uris: documents(uris, found))
    assert (report.faults, report.passages) == (0, report.passages_checked)
    assert report.accepted >= len(FILES) + 10


def tree_without_pipes(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and "round" not in path.parts
    }


def test_every_uri_is_one_printable_line_of_its_own(tmp_path: Path) -> None:
    """Two names that differ never share a uri, and none can forge a record's mark or a line of a log."""
    uris = [found.uri for found in read(corpus(tmp_path))]
    assert len(set(uris)) == len(uris)
    assert all(uri.isprintable() and uri.count("#") <= 1 for uri in uris)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A named pipe would be read for ever; a link to nowhere is told as such."""
    refused = {found.uri.rsplit("/", 1)[1] for found in read(corpus(tmp_path)) if isinstance(found, DocumentRefused)}
    assert {"pipe.txt", "gone.txt"} <= refused


def test_a_checksum_file_cannot_make_verify_read_elsewhere(tmp_path: Path) -> None:
    """A folder from a stranger names files above itself, in its checksums and in its ledger: told, not opened. What the
    ledger names is refused at the door."""
    (tmp_path / "secret").write_text("x")
    output = tmp_path / "run"
    output.mkdir()
    SqliteLedger(output).close()
    (output / "link").symlink_to(tmp_path / "secret")
    lines = [f"{'0' * 64}  {name}" for name in ("../secret", str(tmp_path / "secret"), "link", "a\x00b")]
    (output / "checksums.txt").write_text("\n".join(lines))
    told = [found.what for found in verify(output, lambda uris: iter(())).findings if "outside" in found.what]
    assert len(told) == 4
    with SqliteLedger(output) as ledger:
        ledger.append([ShardWritten(NOW, ShardKind.DATASET, "../part-00000.parquet", 1, "0" * 64, 1, 1)])
    with pytest.raises(OutputError, match="not a shard's name"):
        verify(output, lambda uris: iter(()))


def shown(view: RenderableType) -> str:
    """As on a terminal without colours: every code in it is somebody else's."""
    console = Console(file=io.StringIO(), width=100, color_system=None, force_terminal=False)
    with console.capture() as kept:
        console.print(view)
    return kept.get()


def driven(text: str) -> list[str]:
    """The characters of a text that a terminal obeys."""
    return [character for code in CODES for character in code if not character.isprintable() and character in text]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(CODES), min_size=1, max_size=4).map("x".join))
def test_no_view_of_a_life_drives_the_terminal(evil: str) -> None:
    """`gleaner explain` of a sample whose passage, answer, quote and errors hold escape codes."""
    ledger = MemoryLedger(poisoned(evil))
    ends = [record for record in ledger.records if isinstance(record, AcceptedEnd)][:3]
    for end in ends:
        life = life_of(end.order_id, ledger.story(end.order_id))
        assert driven(shown(life_view(life, prompts=Prompts()))) == []
        assert driven(shown(life_view(life, prompts=None))) == []


@pytest.mark.parametrize("evil", CODES)
def test_no_note_and_no_error_drives_the_terminal(evil: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A server's words stand in the pause of a pool and in the error that ends a run."""
    for phase in Phase:
        progress = Progress(at=NOW, phase=phase, note=f"generator is paused: {evil} says the server")
        told = flow((progress,))
        assert driven(shown(board(progress, told, name="towns", elapsed_s=1.0))) == []
        assert driven("".join(Lines("towns", NOW).of(progress, told))) == []
    for error in (ModelError(f"the server says {evil}"), RuntimeError(f"a bug with {evil}")):
        with pytest.raises(BaseException, match=r"^[12]$"), boundary():
            raise error
    captured = capsys.readouterr()
    assert "says" in captured.err and "a bug with" in captured.err
    assert driven(captured.err + captured.out) == []


@pytest.mark.parametrize("command", ["status", "verify", "explain", "samples"])
async def test_no_command_drives_the_terminal(command: str, tmp_path: Path) -> None:
    """A finished folder from a stranger, looked at with every command."""
    kept = poisoned("".join(CODES).replace("\x00", ""))
    keep(tmp_path, kept)
    await write_shards(tmp_path)
    finish(tmp_path, now=NOW, versions={})
    order = next(record.order_id for record in kept if isinstance(record, AcceptedEnd))
    arguments = [command, str(tmp_path), *([order] if command == "explain" else [])]
    result = CliRunner().invoke(app, arguments)
    assert result.output.strip()
    assert driven(result.output) == []


@pytest.mark.parametrize("command", ["status", "policy", "explain", "samples"])
def test_no_forged_ledger_drives_the_terminal(command: str, tmp_path: Path) -> None:
    """Names of pools, policies and tasks are our own in a run, and anything in a ledger that somebody made; the same
    goes for Rich's markup, and for the name of the folder."""
    evil = "".join(CODES).replace("\x00", "") + "[link=http://evil]x[/link]"
    folder = tmp_path / f"a{evil.replace('/', '')}"
    folder.mkdir()
    kept = poisoned(evil, names=True)
    keep(folder, kept)
    (folder / "run.yaml").write_text(to_yaml(load_text(CONFIG)))
    order = next(record.order_id for record in kept if isinstance(record, AcceptedEnd))
    result = CliRunner().invoke(app, [command, str(folder), *([order] if command == "explain" else [])])
    assert result.exit_code == 0, result.output
    assert driven(result.output) == []


def test_documents_of_the_corpus_were_read(tmp_path: Path) -> None:
    """The corpus of these tests is one that can be used, not one that is refused as a whole."""
    found = [each for each in read(corpus(tmp_path)) if isinstance(each, Document)]
    assert len(found) >= len(FILES) + 10
