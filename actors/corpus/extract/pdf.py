"""The text layer of a PDF, page by page. Law: a page without a text layer is counted and said, never guessed.

PDFium is built without JavaScript and without XFA; nothing that a file refers to is opened.
"""

import re
from importlib.metadata import version

import pypdfium2 as pdfium

from actors.corpus.extract.answers import Extracted, FileAsked, NoText, listed, oversized, unreadable
from actors.corpus.extract.writing import Writing, plain
from actors.corpus.extract.xml_events import Leaves, read_xml
from actors.corpus.licenses import stated
from schemas.corpus import RefusalReason

EXTRACTOR = f"pypdfium2/{version('pypdfium2')}"
_MOST_PAGES = 20_000
_HYPHEN = re.compile("[\ufffe\x02]\r?\n?")
"""PDFium's sign for a hyphen that only ends a line."""
_UNREAD = re.compile("[\ufffd\ufffe\uffff\ue000-\uf8ff]")
_MOST_UNREAD = 0.3
"""Share of a page's letters that a font gives no meaning to, above which the page has no text."""
_RIGHTS = ("License", "Licence", "Rights", "Copyright")
_XMP, _XMP_END = b"<x:xmpmeta", b"</x:xmpmeta>"
_MOST_XMP = 1 << 16


def pdf_text(data: bytes, asked: FileAsked) -> Extracted:
    """The text of all pages, its parts numbered by page."""
    document = _opened(data)
    pages = len(document)
    if pages > _MOST_PAGES:
        raise oversized(f"{pages:,} pages; at most {_MOST_PAGES:,} are read")
    writing = _Pages(asked.most_characters)
    empty: list[int] = []
    for number in range(1, pages + 1):
        text = _page_text(document, number - 1)
        if text.strip():
            writing.page(number, text)
        else:
            empty.append(number)
    if len(empty) == pages:
        what = "page has no" if pages == 1 else f"{pages:,} pages have no"
        raise NoText(RefusalReason.EMPTY, f"its {what} text layer (scans are not read: run OCR first)")
    return Extracted(
        text=writing.text(),
        places=writing.places(),
        form="plain",
        extractor=EXTRACTOR,
        license=_license(document, data),
        unread=_said(empty, pages) if empty else None,
        unread_from=empty[0] if empty else 1,
    )


class _Pages(Writing):
    """Pages as they stand."""

    def __init__(self, most_characters: int) -> None:
        super().__init__("page", most_characters)

    def page(self, number: int, text: str) -> None:
        """One page's lines."""
        self._add(number, text)


def _opened(data: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise unreadable("encrypted: it needs a password") from error
        raise unreadable(f"not readable as PDF: {error}") from error


def _page_text(document: pdfium.PdfDocument, index: int) -> str:
    """A page's text; empty when the page has none, cannot be loaded, or its letters have no meaning."""
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pdfium.PdfiumError:
        return ""
    text = plain(_HYPHEN.sub("", text_page.get_text_bounded()))
    text_page.close()
    page.close()
    letters = sum(not character.isspace() for character in text)
    return "" if len(_UNREAD.findall(text)) > _MOST_UNREAD * letters else text


def _said(empty: list[int], pages: int) -> str:
    return f"{len(empty):,} of {pages:,} pages without a text layer, not read (scans?): {listed(empty)}"


def _license(document: pdfium.PdfDocument, data: bytes) -> str | None:
    return stated([*(document.get_metadata_value(key) for key in _RIGHTS), *_xmp_rights(data)])


def _xmp_rights(data: bytes) -> list[str]:
    """What the file's XMP says of rights, where it lies in the file unpacked, as it should."""
    start = data.find(_XMP)
    end = data.find(_XMP_END, start, start + _MOST_XMP)
    if start < 0 or end < 0:
        return []
    leaves = Leaves("license", "li", "rights", "UsageTerms", "WebStatement")
    try:
        read_xml(data[start : end + len(_XMP_END)], "its XMP", _Rights(leaves))
    except NoText:
        return []
    return [text for _, text in leaves.texts]


class _Rights:
    """Passes on what is inside an element about rights."""

    def __init__(self, leaves: Leaves) -> None:
        self._leaves = leaves
        self._within = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._within += self._within > 0 or name in ("license", "rights", "UsageTerms", "WebStatement")
        if self._within:
            self._leaves.start(name, attributes)

    def data(self, text: str) -> None:
        if self._within:
            self._leaves.data(text)

    def end(self, name: str) -> None:
        if self._within:
            self._leaves.end(name)
            self._within -= 1
