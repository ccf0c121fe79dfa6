"""Word documents and EPUB books: their order, their numbers, and what is left out of them."""

import io
import zipfile

import pytest

from actors.corpus.extract.answers import NoText, Unusable
from actors.corpus.extract.worker import extracted
from actors.corpus.extract.writing import MOST_CELLS, TableRows
from schemas.corpus import RefusalReason
from tests.actors.corpus.extract.made import asked, docx, epub, line_of, packed, paragraph, styles, text_of

RAISED = '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>5</w:t></w:r>'
DELETED = "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom>"
BEFORE = (
    '<w:pPrChange><w:pPr><w:pStyle w:val="Titel1"/><w:numPr><w:ilvl w:val="1"/></w:numPr></w:pPr></w:pPrChange>'
    "<w:sectPr><w:sectPrChange><w:sectPr/></w:sectPrChange></w:sectPr>"
)
RAISED_BEFORE = '<w:rPrChange><w:rPr><w:vertAlign w:val="superscript"/></w:rPr></w:rPrChange>'
ROW = "<w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr>"
TABLE = f"<w:tbl>{ROW.format(paragraph('a'), paragraph('b'))}{ROW.format(paragraph('1'), paragraph('2') * 2)}</w:tbl>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (paragraph("One", '<w:pStyle w:val="Titel1"/>') + paragraph("Two."), "## One\n\nTwo."),
        (f"<w:p><w:r><w:t>10</w:t></w:r>{RAISED}{DELETED}</w:p>", "10^5"),
        (paragraph("a", "<w:numPr/>") + paragraph("b", '<w:numPr><w:ilvl w:val="1"/></w:numPr>'), "- a\n  - b"),
        (TABLE, "| a | b |\n| --- | --- |\n| 1 | 2 2 |"),
        (paragraph("x = 1", '<w:pStyle w:val="C"/>') * 2 + paragraph("."), "```\nx = 1\nx = 1\n```\n\n."),
        (paragraph("1 Intro 7", '<w:pStyle w:val="T"/>') + paragraph("Text."), "Text."),
        ("<w:p><w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:instrText>PAGE</w:instrText></w:r></w:p>", "a\nb"),
        ("<w:p><m:oMath xmlns:m='m'><m:t>x</m:t></m:oMath></w:p>", "[formula]"),
        (paragraph("a", BEFORE) + paragraph("b"), "a\n\nb"),
        (f"<w:p><w:r><w:t>10</w:t></w:r><w:r><w:rPr>{RAISED_BEFORE}</w:rPr><w:t>5</w:t></w:r></w:p>", "105"),
        ("<w:p><w:r><w:t>out</w:t><w:txbxContent>" + paragraph("in") + "</w:txbxContent></w:r></w:p>", "in\n\nout"),
    ],
)
def test_word_documents(body: str, text: str) -> None:
    """Headings, lists, tables and code by their styles' names, whatever the language of the ids."""
    made = docx(body, {**styles(Titel1="heading 2", C="Source Code", T="toc 1"), "word/vbaProject.bin": b"macro"})
    assert text_of("a.docx", made).text == text


def test_paragraphs_are_numbered() -> None:
    """Empty ones count, so a passage is found again in Word."""
    found = text_of("a.docx", docx(paragraph("a") + paragraph("") + paragraph("b") + TABLE + paragraph("c")))
    assert found.places.numbers == (1, 3, 4, 9)
    assert found.places.within(0, len(found.text)) == "paragraphs 1–9"


def test_chapters_in_their_reading_order() -> None:
    """The spine says it, not the zip file."""
    found = text_of("a.epub", epub(["<h1>A</h1><p>One.", "", "<p>Three.<p>More."], rights="Public  domain"))
    assert found.text == "# A\n\nOne.\n\nThree.\n\nMore."
    assert (found.places.starts, found.places.numbers) == ((0, 11), (1, 3))
    assert found.license == "Public domain"


def test_chapters_without_a_text_are_told() -> None:
    """As pages of a PDF: empty ones, and scans."""
    found = text_of("a.epub", epub(["<img src='cover.png'/>", "<title/><p>One.</p>", "<p/>", *["<hr/>"] * 5]))
    assert (found.text, found.unread_from) == ("One.", 3)
    assert found.unread == "6 of 8 chapters without a text: 3, 4, 5, 6, 7 and 1 more"
    assert text_of("a.epub", epub(["<p>One."])).unread is None
    scans = text_of("a.epub", epub(["<svg><image href='1.png'/></svg>"] * 3 + ["<p>One."]))
    assert scans.unread == "3 of 4 chapters without a text: 1, 2, 3"


def test_a_cover_is_nothing_to_tell() -> None:
    """Most books have one, and a map or two: pages of pictures alone. They keep their numbers."""
    found = text_of("a.epub", epub(["<img src='cover.png'/>", "<p>One.</p>", "<div><svg></svg></div>", "<p>Two.</p>"]))
    assert (found.text, found.unread, found.places.numbers) == ("One.\n\nTwo.", None, (2, 4))


def test_a_books_contents_are_no_chapter() -> None:
    """Its navigation has other properties beside."""
    book = epub(["<p>Contents", "<p>One."])
    package = zipfile.ZipFile(io.BytesIO(book)).read("OPS/book.opf").decode()
    nav = package.replace('href="c0.xhtml"', 'href="c0.xhtml" properties="scripted nav"')
    found = text_of("a.epub", epub(["<p>Contents", "<p>One."], parts={"OPS/book.opf": nav}))
    assert (found.text, found.places.numbers) == ("One.", (1,))


def test_a_table_has_its_bound() -> None:
    """Short rows are filled up: 900 cells of a file, 401 rows as wide as its longest, are 200,500."""
    row = "<w:tr>{}</w:tr>"
    cell = "<w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc>"
    word = f"<w:tbl>{row.format(cell * 500)}{row.format(cell) * 400}</w:tbl>"
    page = f"<table><tr>{'<td>a' * 500}{'<tr><td>a' * 400}</table>"
    for name, data in (("a.docx", docx(word)), ("a.html", page.encode())):
        refused = extracted(data, asked(name))
        assert refused == Unusable(RefusalReason.TOO_LARGE, "a table of more than 200,000 cells")
    table = TableRows()
    table.begin()
    with pytest.raises(NoText, match="more than 200,000 cells"):
        for _ in range(MOST_CELLS + 1):
            table.cell()


def test_a_documents_own_terms() -> None:
    """In a document's own properties."""
    each = '<property name="Author"><x>A</x></property><property name="License"><x>CC0</x></property>'
    custom = f"<Properties>{each}</Properties>"
    assert text_of("a.docx", docx(paragraph("a"), {"docProps/custom.xml": custom})).license == "CC0"


LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>'
LOCKED = '<encryption><CipherReference URI="OPS/c0.xhtml"/></encryption>'


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.docx", b"no zip", "named '.docx', but its first bytes are not those of such a file"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0old",
            "named '.docx', but its first bytes are those of an old or",
        ),
        ("a.docx", docx("<w:p/>")[:-9], "not readable as a zip file"),
        ("a.docx", docx("<w:p/>"), "no paragraph has a text"),
        ("a.docx", docx("<w:p>" * 50_000), "word/document.xml is not well-formed XML"),
        ("a.docx", docx(paragraph("a" * 3_000_000)), "its part word/document.xml unfolds from"),
        ("a.docx", packed({"word/document.xml": LAUGHS}), "word/document.xml declares entities or elements of its own"),
        ("a.docx", packed({"other": "x"}), "not readable as DOCX: it has no document part"),
        ("a.epub", packed({"other": "x"}), "not readable as EPUB: it has no META-INF/container.xml"),
        ("a.epub", epub([]), "not readable as EPUB: its package names no chapters"),
        ("a.epub", epub(["<p>x"], parts={"META-INF/encryption.xml": LOCKED}), "encrypted: it is protected"),
        ("a.epub", epub(["<img src=cover.png>"]), "none of its 1 chapters has a text"),
        ("a.epub", epub(["x" * 3_000_000]), "its part OPS/c0.xhtml unfolds from"),
    ],
)
def test_hostile_and_broken_archives(name: str, data: bytes, says: str) -> None:
    """One line each; nothing unfolds beyond its bound."""
    assert line_of(name, data).startswith(says)


def test_nothing_outside_is_opened() -> None:
    """An external document type and an entity that names a file: the first is passed over, the second refused."""
    text = '<w:document xmlns:w="w"><w:p><w:r><w:t>a{}</w:t></w:r></w:p></w:document>'
    outside = '<!DOCTYPE x SYSTEM "file:///etc/passwd">' + text.format("")
    assert text_of("a.docx", packed({"word/document.xml": outside})).text == "a"
    entity = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + text.format("&e;")
    assert "of its own" in line_of("a.docx", packed({"word/document.xml": entity}))
