"""Readers as a configuration names them: what is refused, a folder that runs none of them, and one in a run."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import gleaner
from actors.corpus.chunker import Chunker
from actors.ledger.sqlite import SqliteLedger
from deployments.build.readers import read_corpus
from deployments.cli import app
from deployments.config.identity import config_sha256, differences
from deployments.config.load import load, load_text, to_yaml
from deployments.run import run
from schemas.audit import AuditReport, Check
from schemas.config import RunConfig
from schemas.config_base import Change
from schemas.corpus import Document
from schemas.errors import ConfigError
from schemas.ledger import Planned, RunStarted
from schemas.orders import Order
from tests.deployments.build.test_gates import refusal
from tests.oracle.worlds import GROUNDED

ROWS = [f"d{number};Town {number} was founded by a fisher in 1{number:03d}.\n" for number in range(6)]
TABLE = "".join(["id;text\n", *ROWS])
READERS = 'readers: {".csv": {reader: "examples.readers.table:rows", options: {delimiter: ";"}}}'


def run_of(readers: str, paths: str = "[unused]") -> str:
    """The oracle's grounded run with these readers."""
    old = next(line for line in GROUNDED.splitlines() if line.startswith("corpus:"))
    return GROUNDED.replace(old, f"corpus: {{paths: {paths}, {readers}}}")


def one(entry: str) -> str:
    return run_of(f"readers: {{{entry}}}")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('csv: {reader: "a:b"}', "corpus.readers.csv: must be the last suffix of a file's name"),
        ('".CSV": {reader: "a:b"}', "corpus.readers..CSV: must be the last suffix of a file's name, in lower case"),
        ('".gz": {reader: "a:b"}', "corpus.readers..gz: a compression, which is undone before a reader is asked"),
        ('".md": {reader: "a:b"}', "corpus.readers..md: this format is read already; `in_place_of: ours` says"),
        ('".xls": {reader: "a:b", in_place_of: ours}', "corpus.readers..xls.in_place_of: there is none of ours"),
        ('".csv": {reader: table}', "corpus.readers..csv.reader: must be 'module:function'"),
        ('".csv": {reader: "a:b", options: {api_key: x}}', "corpus.readers..csv.options.api_key: looks like a secret"),
        ('".csv": {readr: "a:b"}', "corpus.readers..csv.readr: unknown key; did you mean 'reader'?"),
    ],
)
def test_what_is_refused(entry: str, says: str) -> None:
    """When the configuration is loaded, in one line with the place."""
    assert refusal(one(entry)).startswith(says)


def test_another_reader_makes_another_run() -> None:
    """Its texts are what spans are exact in."""
    plain, other = load_text(run_of(READERS)), load_text(run_of(READERS.replace('";"', '","')))
    assert {each.change for each in differences(plain, other)} == {Change.NEVER}
    assert load_text(to_yaml(other)) == other


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ('".csv": {reader: "nowhere:rows"}', "nowhere:rows cannot be imported"),
        ('".csv": {reader: "examples.readers.table:row"}', "examples.readers.table:row is not there"),
        ('".csv": {reader: "examples.readers.table:rows", options: {sep: x}}', "cannot be used: it is given the file"),
        ('".csv": {reader: "time:time"}', "time:time cannot be used"),
    ],
)
def test_a_run_without_its_reader_does_not_begin(entry: str, says: str, tmp_path: Path) -> None:
    """Before Ray is started and before the folder is made: one line."""
    (tmp_path / "a.csv").write_text(TABLE)
    text = one(entry).replace("[unused]", f"[{tmp_path}]")
    with pytest.raises(ConfigError, match=says):
        run(load_text(text), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def planned_folder(folder: Path, config: RunConfig) -> Path:
    """A folder whose run planned the corpus and came no further."""
    folder.mkdir()
    (folder / "run.yaml").write_text(to_yaml(config))
    chunker = Chunker(config.corpus.chunking)
    documents = [each for each in read_corpus(config.corpus) if isinstance(each, Document)]
    passages = [passage for document in documents for passage in chunker.passages(document)]
    with SqliteLedger(folder) as ledger:
        ledger.append([RunStarted(0.0, config_sha256(config), {})])
        ledger.append([Planned(1.0, each, (Order.fresh(each.id, "grounded_answer", 0),)) for each in passages])
    return folder


def told(report: AuditReport) -> list[str]:
    return [each.what for each in report.findings if each.check is Check.PROVENANCE]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """The configuration of a corpus with a table and a text."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text(TABLE)
    (tmp_path / "data" / "b.txt").write_text("A plain sentence about a fisher.")
    path = tmp_path / "config.yaml"
    path.write_text(run_of(READERS, f"[{tmp_path / 'data'}]"))
    return path


def test_a_folder_runs_no_reader(mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's folder names one: `verify` reads what ours can read, and says which passages it could not check."""
    folder = planned_folder(tmp_path / "run", load(mixed))
    monkeypatch.delitem(sys.modules, "examples.readers.table")
    report = gleaner.verify(folder)
    assert "examples.readers.table" not in sys.modules
    assert (report.passages, report.passages_checked) == (7, 1)
    assert told(report) == [
        "not checked: 6 passages, whose documents only examples.readers.table:rows reads, and a folder runs no code; "
        "`gleaner verify --config RUN.yaml` names it"
    ]


def test_the_commands_own_configuration_names_the_reader(mixed: Path, tmp_path: Path) -> None:
    """Then every passage is compared, character by character."""
    folder = planned_folder(tmp_path / "run", load(mixed))
    report = gleaner.verify(folder, config=mixed)
    assert (report.passages_checked, told(report)) == (7, [])
    table = tmp_path / "data" / "a.csv"
    table.write_text(TABLE.replace("Town 3", "Hill 3"))
    assert told(gleaner.verify(folder, config=mixed)) == ["the document has changed since the run read it"]
    shown = CliRunner().invoke(app, ["verify", str(folder), "--config", str(mixed), "--json"])
    assert '"passages_checked":6' in shown.stdout.replace(" ", "")


def test_another_reader_than_the_folders_is_not_asked(mixed: Path, tmp_path: Path) -> None:
    """It would read another text, and an honest folder would be accused."""
    folder = planned_folder(tmp_path / "run", load(mixed))
    mixed.write_text(mixed.read_text().replace('";"', '","'))
    assert gleaner.verify(folder, config=mixed).passages_checked == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["examples.readers.table:rows", "--as", "reader", "--sample", "DATA/c.csv"], 0, "nothing failed"),
        ([".csv", "--config", "RUN", "--sample", "DATA/a.csv"], 0, "6 checks"),
        (["examples.readers.table:rows", "--as", "reader"], 2, "--sample FILE"),
        ([".csv", "--as", "reader", "--sample", "DATA/a.csv"], 2, "give module:function, or a reader's suffix"),
        (["examples.readers.table:rows", "--as", "reader", "--sample", "DATA/no.csv"], 2, "No such file"),
        (["examples.readers.table:rows", "--as", "reader", "--sample", "DATA/a.csv.gz"], 2, "give the file unpacked"),
        (["examples.readers.table:rows", "--as", "reader", "--sample", "DATA/a.csv"], 2, "it gives no text"),
        (["nowhere:rows", "--as", "reader", "--sample", "DATA/a.csv"], 2, "cannot be imported"),
    ],
)
def test_the_check_of_a_reader(arguments: list[str], code: int, says: str, mixed: Path) -> None:
    """On a file of the user's."""
    data = mixed.parent / "data"
    (data / "c.csv").write_text(TABLE.replace(";", ","))
    given = [str(mixed) if each == "RUN" else each.replace("DATA", str(data)) for each in arguments]
    done = CliRunner().invoke(app, ["check", *given])
    assert says in " ".join((done.output + done.stderr).split())
    assert done.exit_code == code
