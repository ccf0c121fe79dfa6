"""PDF files: their pages, and those without a text layer."""

import zlib

import pytest

from tests.actors.corpus.extract.made import line_of, pdf, text_of

PAGES = pdf(["Page one", None, "Page three"], info="/License (CC BY 4.0)")
LOCK = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >> /ID [<00><00>]" % (b"00" * 32, b"11" * 32)
XMP = (
    b"<x:xmpmeta xmlns:x='x'><r:li xmlns:r='r'>no</r:li><d:rights xmlns:d='d'><r:li xmlns:r='r'>CC BY-SA</r:li>"
    b"</d:rights></x:xmpmeta>\nxref"
)


def test_pages() -> None:
    """Each passage can say its pages; a scanned page is counted and named."""
    found = text_of("a.pdf", PAGES)
    assert found.text == "Page one\n\nPage three"
    assert (found.places.starts, found.places.numbers) == ((0, 10), (1, 3))
    assert found.places.within(0, 20) == "pages 1–3"
    assert (found.unread, found.unread_from) == ("1 of 3 pages without a text layer, not read (scans?): 2", 2)
    assert found.license == "CC BY 4.0"
    assert text_of("a.pdf", PAGES.replace(b"/License", b"/Licenze").replace(b"xref", XMP, 1)).license == "CC BY-SA"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (pdf([None]), "its page has no text layer (scans are not read: run OCR first)"),
        (pdf([None] * 3), "its 3 pages have no text layer"),
        (PAGES[: PAGES.index(b"xref")], "not readable as PDF: "),
        (PAGES[:200], "not readable as PDF: "),
        (PAGES.replace(b"trailer <<", b"trailer << " + LOCK), "encrypted: it needs a password"),
        (b"PK\x03\x04", "named '.pdf', but its first bytes are those of a zip file"),
        (pdf(["x"], stream=zlib.compress(b"0 " * 20_000_000)), "its page has no text layer"),
    ],
)
def test_what_gives_no_text(data: bytes, says: str) -> None:
    """In one line."""
    assert line_of("a.pdf", data).startswith(says)


@pytest.mark.parametrize(
    "data",
    [
        PAGES.replace(b"startxref\n", b"startxref\n9"),
        PAGES.replace(b"/Count 3", b"/Count 999999999"),
        b"leading garbage\n" + PAGES,
        PAGES.replace(b"/Kids [5 0 R", b"/Kids [2 0 R"),
    ],
)
def test_damage_that_can_be_read_around(data: bytes) -> None:
    """A broken table of places, a false count, a tree of pages that holds itself."""
    assert "Page three" in text_of("a.pdf", data).text
