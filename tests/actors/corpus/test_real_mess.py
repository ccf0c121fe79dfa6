"""The reader over unprepared files: the system's documentation, in whatever encoding and form it has."""

import os
from itertools import islice
from pathlib import Path

import numpy
import pytest

from actors.corpus.chunker import Chunker
from actors.corpus.reader import read
from actors.corpus.sources import CorpusFile, sources
from schemas.config import Chunking, Corpus
from schemas.corpus import Document
from tests.needs import needs_that

FOLDERS = tuple(
    folder
    for folder in (
        "/usr/share/doc",
        "/usr/share/perl",
        "/usr/share/perl5",
        "/usr/share/common-licenses",
        "/usr/share/info",
    )
    if Path(folder).is_dir() and any(Path(folder).iterdir())
)
MESS = Corpus(paths=FOLDERS or ("/no/documentation/here",), include=("*",), max_document_bytes=1_000_000)
MAX_FILES = 20_000
MAX_CHUNKED_CHARACTERS = 20_000_000


@pytest.mark.slow
@needs_that(bool(FOLDERS), "this system has no documentation folders")
def test_the_systems_documentation() -> None:
    """Every file gives a document or a reason, no exception, and its passages are exact slices."""
    listed = {found.uri for found in islice(sources(MESS, Path("/")), MAX_FILES)}
    chunker, characters, seen = Chunker(Chunking()), 0, set[str]()
    for found in islice(read(MESS, Path("/")), MAX_FILES):
        seen.add(found.uri.split("#", 1)[0])
        if not isinstance(found, Document):
            assert found.detail
            assert "\n" not in found.detail
            continue
        if characters < MAX_CHUNKED_CHARACTERS:
            characters += len(found.text)
            for passage in chunker.passages(found):
                assert passage.text == found.text[passage.provenance.start : passage.provenance.end]
    assert seen == listed or len(seen) >= MAX_FILES // 2


@needs_that(bool(FOLDERS), "this system has no documentation folders")
def test_files_have_printable_names() -> None:
    """Each source of the mess has a one-line uri with at most nothing to misread."""
    for found in islice(sources(MESS, Path("/")), 500):
        assert found.uri.isprintable()
        assert "#" not in found.uri
        assert isinstance(found, CorpusFile) or found.detail


PER_KIND = 15
PLACES = (*(folder for folder in ("/usr/share",) if Path(folder).is_dir()), str(Path(numpy.__file__).parents[1]))
AS_THEY_ARE = Corpus(paths=PLACES, include=("*.pdf", "*.html", "*.epub", "*.docx", "*.csv", "*.tsv"), links="anywhere")


@pytest.mark.slow
def test_documents_of_this_machine() -> None:
    """As many of each kind as a test has time for, every tenth of the pages: exact passages, or one line."""
    listed: dict[str, list[str]] = {}
    for each in sources(AS_THEY_ARE, Path("/")):
        if isinstance(each, CorpusFile):
            listed.setdefault(each.suffix, []).append(each.uri)
    few = [uri for uris in listed.values() for uri in uris[:: 1 + len(uris) // PER_KIND]]
    chunker, seen = Chunker(Chunking()), set[str]()
    for found in read(Corpus(paths=tuple(few)), Path("/")) if few else ():
        seen.add(found.uri.split("#", 1)[0])
        if not isinstance(found, Document):
            assert found.detail
            assert "\n" not in found.detail
            assert "Error" not in found.detail
            continue
        for passage in islice(chunker.passages(found), 20):
            where = passage.provenance
            assert passage.text == found.text[where.start : where.end]
            assert where.place is not None
    assert seen == {os.path.normpath(uri) for uri in few}
