"""A run over PDF and Word files, proved from its folder: the texts are kept, so nothing has to read the files again."""

from pathlib import Path

import pytest

import gleaner
from actors.audit import texts
from actors.audit.book import KnownPassage
from actors.audit.findings import Findings
from actors.ledger.history import life_of
from actors.ledger.sqlite import LedgerReader
from actors.ledger.texts import keep_text, text_path
from deployments.build.readers import read_corpus
from deployments.config.load import load_text
from deployments.terminal.life import life_view
from schemas.config import RunConfig
from schemas.corpus import Document
from schemas.ids import PassageId
from schemas.ledger import Planned
from tests.actors.corpus.extract.made import docx, paragraph, pdf
from tests.deployments.build.test_own_readers import planned_folder, run_of, told
from tests.deployments.terminal.test_views import drawn


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.pdf").write_bytes(pdf(["A first page about a fisher.", "A second page."], info="/License (CC0)"))
    (data / "b.docx").write_bytes(docx(paragraph("A letter.")))
    (data / "c.txt").write_text("A plain sentence.")
    return load_text(run_of("chunking: {max_tokens: 8}", f"[{data}]"))


@pytest.fixture
def folder(config: RunConfig, tmp_path: Path) -> Path:
    """A folder whose run kept the texts and planned the corpus."""
    made = planned_folder(tmp_path / "run", config)
    for document in read_corpus(config.corpus):
        assert isinstance(document, Document)
        keep_text(made, document)
        keep_text(made, document)
    return made


def test_passages_are_checked_against_the_kept_texts(folder: Path, tmp_path: Path) -> None:
    """A library reads another text by now, or the files are gone: the passages are what they were."""
    report = gleaner.verify(folder)
    assert (report.passages, report.passages_checked, told(report)) == (4, 4, [])
    assert len(list((folder / "documents").iterdir())) == 2
    for name in ("a.pdf", "b.docx"):
        (tmp_path / "data" / name).unlink()
    report = gleaner.verify(folder)
    assert (report.passages_checked, told(report)) == (4, [])


def test_a_text_that_is_not_what_was_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edited, or larger than any: found by its name. One that is lost is read from its file again."""
    first, second = sorted((folder / "documents").iterdir())
    whole = first.read_text()
    first.write_text(whole.replace("A", "B", 1))
    assert told(gleaner.verify(folder)) == ["is not the text that was kept under this name"]
    first.write_text(whole)
    monkeypatch.setattr(texts, "_MOST_BYTES", 3)
    assert set(told(gleaner.verify(folder))) == {"cannot be read: it has more than 0 MiB"}
    for path in (first, second):
        path.unlink()
    report = gleaner.verify(folder)
    assert (report.passages_checked, told(report)) == (4, [])


def test_a_forged_digest_names_no_other_file(tmp_path: Path) -> None:
    """A stranger's ledger holds a path where a digest should stand: nothing outside the folder is read."""
    (tmp_path / "secret.txt").write_text("x")
    (tmp_path / "documents").mkdir()
    span = KnownPassage(PassageId("p"), "../secret", 0, 1, "y")
    findings = Findings()
    assert texts.check_kept(tmp_path, {"a": [span]}, findings) == ({"a": [span]}, 0)
    assert findings.kept == []


def test_explain_names_page_terms_and_extractor(folder: Path) -> None:
    """Where a person looks it up."""
    with LedgerReader(folder) as ledger:
        planned = [record for _, record in ledger.records() if isinstance(record, Planned)]
    paths = [text_path(folder, record.passage.provenance.document_sha256) for record in planned]
    assert [path.exists() for path in paths] == [True, True, True, False]
    shown = drawn(life_view(life_of(planned[1].orders[0].id, [planned[1]])))
    for words in ("place", "page 2", "licence", "CC0", "text by", "pypdfium2/"):
        assert words in shown
