"""The text of an EPUB book, chapter by chapter in its reading order. Its chapters are read as pages of XHTML are.

Law: a chapter without a text is counted and told, as a page of a PDF is; one of pictures alone (a cover, a map) only
where such chapters outnumber the others, for then they are scans.
"""

import posixpath
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser

from actors.corpus.extract.answers import Extracted, FileAsked, NoText, listed, unreadable
from actors.corpus.extract.archive import Archive
from actors.corpus.extract.html import EXTRACTOR, decoded_html, write_page
from actors.corpus.extract.writing import Writing
from actors.corpus.extract.xhtml import as_html
from actors.corpus.extract.xml_events import Leaves, read_xml
from actors.corpus.licenses import stated
from schemas.corpus import RefusalReason

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_PICTURES = "img, svg, image, picture, object"
_PAGES = ("application/xhtml+xml", "text/html")


def epub_text(data: bytes, asked: FileAsked) -> Extracted:
    """The text of all chapters, its parts numbered as in the book's reading order."""
    book = Archive(data)
    package = _package(book)
    described = _leaves(book, package, "rights")
    locked = _locked(book)
    writing = Writing("chapter", asked.most_characters)
    chapters = _chapters(described, posixpath.dirname(package))
    if not chapters:
        raise unreadable("not readable as EPUB: its package names no chapters")
    pictures: set[int] = set()
    for number, name in enumerate(chapters, 1):
        if name in locked:
            raise unreadable("encrypted: it is protected against reading (DRM)")
        page = LexborHTMLParser(as_html(decoded_html(book.read(name), "utf-8")))
        write_page(page, writing, number)
        if page.css_first(_PICTURES) is not None:
            pictures.add(number)
    if not writing.text():
        raise NoText(RefusalReason.EMPTY, f"none of its {len(chapters):,} chapters has a text")
    places = writing.places()
    read = set(places.numbers)
    empty = [number for number in range(1, len(chapters) + 1) if number not in read]
    if 2 * len(pictures - read) <= len(chapters):
        empty = [number for number in empty if number not in pictures]
    return Extracted(
        text=writing.text(),
        places=places,
        form="markdown",
        extractor=EXTRACTOR,
        license=stated(described.of("rights")),
        unread=f"{len(empty):,} of {len(chapters):,} chapters without a text: {listed(empty)}" if empty else None,
        unread_from=empty[0] if empty else 1,
    )


def _leaves(book: Archive, name: str, *wanted: str) -> Leaves:
    leaves = Leaves(*wanted)
    read_xml(book.read(name), name[:100], leaves)
    return leaves


def _package(book: Archive) -> str:
    if not book.has(_CONTAINER):
        raise unreadable(f"not readable as EPUB: it has no {_CONTAINER}")
    for name, attributes in _leaves(book, _CONTAINER).elements:
        if name == "rootfile" and attributes.get("full-path"):
            return attributes["full-path"]
    raise unreadable(f"not readable as EPUB: {_CONTAINER} names no package")


def _chapters(package: Leaves, folder: str) -> list[str]:
    items = {
        attributes.get("id"): posixpath.normpath(posixpath.join(folder, unquote(attributes.get("href", ""))))
        for name, attributes in package.elements
        if name == "item"
        and attributes.get("media-type") in _PAGES
        and "nav" not in attributes.get("properties", "").split()
    }
    spine = [attributes.get("idref") for name, attributes in package.elements if name == "itemref"]
    return [items[each] for each in dict.fromkeys(spine) if each in items]


def _locked(book: Archive) -> set[str]:
    """The parts that are encrypted. (Obfuscated fonts are too, and are of no matter.)"""
    if not book.has(_ENCRYPTION):
        return set()
    elements = _leaves(book, _ENCRYPTION).elements
    return {unquote(attributes.get("URI", "")) for name, attributes in elements if name == "CipherReference"}
