"""The text of an HTML page, as Markdown. Nothing that a page refers to is opened, and no script runs.

Left out: what no reader sees (scripts, styles, templates, elements marked as hidden, or whose own `style` says
`display: none`), controls, `<nav>`, and everything outside `<main>` where there is one. No style sheet is read, so what
one hides is text. Formulas are their TeX where the page has it, else `[formula]`.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from importlib.metadata import version

from selectolax.lexbor import LexborHTMLParser, LexborNode

from actors.corpus.extract.answers import Extracted, FileAsked, NoText
from actors.corpus.extract.writing import TableRows, Writing, plain, raised
from actors.corpus.extract.xhtml import as_html
from actors.corpus.files import mark
from actors.corpus.licenses import stated
from actors.corpus.names import XHTML
from actors.corpus.texts import undecodable
from schemas.corpus import RefusalReason

EXTRACTOR = f"selectolax/{version('selectolax')}"
_UNSEEN = frozenset((
    "script", "style", "template", "noscript", "nav", "svg", "canvas", "iframe", "frame", "frameset", "object", "embed",
    "applet", "audio", "video", "picture", "img", "map", "select", "datalist", "button", "input", "textarea", "head",
    "title", "meta", "link", "base", "dialog",
))  # fmt: skip
_INLINE = frozenset((
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "label", "mark", "nobr", "output", "q", "rp", "rt", "ruby", "s", "samp", "slot", "small", "span", "strike",
    "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
))  # fmt: skip
_SELF_LINKS = ("", "#", "¶", "§", "🔗")
_LISTS = frozenset(("ul", "ol", "menu", "dir"))
_CELLS = ("td", "th")
_HEADING = re.compile(r"h([1-6])")
_LAYOUT = "table, h1, h2, h3, h4, h5, h6, pre, ul, ol, menu, dl, blockquote, form"
"""A table that holds one of these arranges a page; it is no table of values."""
_DISPLAY = re.compile(r"(?:^|;)\s*display\s*:\s*([\w-]*)", re.I)
_CHARSET = re.compile(rb"""<(?:meta|\?xml)\b[^>]{0,300}?\b(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.I)
_SNIFFED = 4096
_LATIN = ("iso8859-1", "ascii")


def html_text(data: bytes, asked: FileAsked) -> Extracted:
    """The text of one page, its parts numbered by element."""
    text = decoded_html(data, asked.encoding)
    page = LexborHTMLParser(as_html(text) if asked.suffix == XHTML else text)
    writing = Writing("element", asked.most_characters)
    write_page(page, writing, None)
    return Extracted(writing.text(), writing.places(), "markdown", EXTRACTOR, _license(page))


def decoded_html(data: bytes, encoding: str) -> str:
    """The page's characters, in the encoding of its byte order mark, or that it names, or else `encoding`."""
    declared = mark(data) or ("utf-8" if data.startswith(codecs.BOM_UTF8) else None) or _declared(data)
    name = declared or encoding
    try:
        text = data.decode(name).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise NoText(RefusalReason.UNDECODABLE, undecodable(error, 0, name)) from error
    if "\0" in text:
        raise NoText(RefusalReason.NUL_BYTES, f"a NUL character at character {text.index(chr(0))}: not HTML")
    return text


def _declared(data: bytes) -> str | None:
    found = _CHARSET.search(data[:_SNIFFED])
    if found is None:
        return None
    try:
        name = codecs.lookup(found[1].decode()).name
        b" ".decode(name)
    except (LookupError, UnicodeError) as error:
        detail = f"it names an encoding that is not known: {found[1].decode('ascii', 'replace')}"
        raise NoText(RefusalReason.UNDECODABLE, detail) from error
    if name in _LATIN:
        return "cp1252"  # as the HTML standard has it
    return "utf-8" if name.startswith(("utf-16", "utf-32")) else name  # the name itself is in bytes of ASCII


def _license(page: LexborHTMLParser) -> str | None:
    names = ("license", "licence", "dcterms.license", "dc.rights", "dcterms.rights", "rights", "copyright")
    metas = {
        (node.attributes.get("name") or node.attributes.get("property") or "").lower(): node.attributes.get("content")
        for node in reversed(page.css("meta[content]"))
    }
    links = [node.attributes.get("href") for node in page.css("link[rel~=license], a[rel~=license]")]
    return stated([*links, *(metas.get(name) for name in names)])


def write_page(page: LexborHTMLParser, writing: Writing, number: int | None) -> None:
    """Writes one page. `number`: of all its blocks; None numbers each element with a text of its own."""
    mains = page.css("main, [role=main]")
    root = mains[0] if len(mains) == 1 else page.body
    if root is not None:
        _PageWalk(writing, number).write(root)


class _PageWalk:
    """The walk over one page: an element begins or ends a block, or adds to the one that is open."""

    def __init__(self, writing: Writing, number: int | None) -> None:
        self._writing = writing
        self._fixed = number
        self._number = 0
        self._parts: list[str] = []
        self._lists: list[int | None] = []
        """Of each open list the number of its last item; None: not numbered."""
        self._item: str | None = None
        self._level = 0
        """Of the heading that is open; 0: none."""

    def write(self, root: LexborNode) -> None:
        for node, is_start in _walk(root, self._whole):
            tag = node.tag or ""
            if node.is_text_node:
                self._parts.append(_spaced(node.text_content or ""))
            elif tag == "br":
                self._parts.append("\n" if is_start else "")
            elif tag not in _INLINE:
                self._boundary(tag, is_start=is_start)
        self._flush()

    def _whole(self, node: LexborNode) -> bool:
        """Whether an element is dealt with here as a whole, so that the walk passes over what is in it."""
        tag = node.tag or ""
        if _is_left_out(node):
            return True
        if tag == "math":
            self._parts.append(_formula(node))
        elif tag == "sup":
            self._parts.append(raised("".join(self._parts[-2:]), _spaced(node.text(deep=True))))
        elif tag == "pre":
            self._flush()
            self._writing.code(self._next(), _lines(node))
        elif tag == "table" and all(inner.mem_id == node.mem_id for inner in node.css(_LAYOUT)):
            self._flush()
            self._parts += [_cell(each) for each in node.css("caption") if not _is_left_out(each)]
            self._flush()
            self._writing.table(self._next(), _rows(node))
        else:
            return False
        return True

    def _boundary(self, tag: str, *, is_start: bool) -> None:
        self._flush()
        heading = _HEADING.fullmatch(tag)
        if heading is not None:
            self._level = int(heading[1]) if is_start else 0
        elif tag in _LISTS and is_start:
            self._lists.append(0 if tag == "ol" else None)
        elif tag in _LISTS and self._lists:
            self._lists.pop()
        elif tag == "li" and is_start:
            if self._lists and (last := self._lists[-1]) is not None:
                self._lists[-1] = last + 1
                self._item = f"{last + 1}."
            else:
                self._item = "-"
        elif tag == "li":
            self._item = None

    def _flush(self) -> None:
        """Ends the open block."""
        text = "".join(self._parts)
        self._parts.clear()
        if not text.strip():
            return
        number = self._next()
        if self._level:
            self._writing.heading(number, self._level, text)
        elif self._item is not None:
            self._writing.item(number, text, depth=len(self._lists) - 1, mark=self._item)
            self._item = None
        else:
            self._writing.paragraph(number, text)

    def _next(self) -> int:
        self._number += 1
        return self._number if self._fixed is None else self._fixed


def _spaced(text: str) -> str:
    """A text as it flows: its own line ends are spaces."""
    return re.sub(r"[ \t\n\r\f]+", " ", text)


def _walk(root: LexborNode, whole: Callable[[LexborNode], bool]) -> Iterator[tuple[LexborNode, bool]]:
    """Each node where it starts, and each element again where it ends. Without recursion: pages nest at will. What
    `whole` takes is left out."""
    stack: list[LexborNode | None] = [root]
    open_nodes: list[LexborNode] = []
    while stack:
        node = stack.pop()
        if node is None:
            yield open_nodes.pop(), False
            continue
        if node.next is not None and node.mem_id != root.mem_id:
            stack.append(node.next)
        if node.is_text_node:
            yield node, True
        elif node.is_element_node and not whole(node):
            yield node, True
            open_nodes.append(node)
            stack.append(None)
            if node.child is not None:
                stack.append(node.child)


def _rows(table: LexborNode) -> TableRows:
    rows = TableRows()

    def whole(node: LexborNode) -> bool:
        if _is_left_out(node) or node.tag == "caption":
            return True
        if node.tag == "tr":
            rows.begin()
        elif node.tag in _CELLS:
            rows.cell(_cell(node))
            return True
        return False

    for _ in _walk(table, whole):
        pass
    return rows


def _cell(cell: LexborNode) -> str:
    """A cell's words in one line."""
    parts: list[str] = []

    def whole(node: LexborNode) -> bool:
        if node.tag == "sup":
            parts.append(raised("".join(parts[-2:]), _spaced(node.text(deep=True))))
        elif node.tag == "math":
            parts.append(_formula(node))
        else:
            return _is_left_out(node)
        return True

    for node, is_start in _walk(cell, whole):
        if node.is_text_node:
            parts.append(_spaced(node.text_content or ""))
        elif node.tag not in _INLINE and is_start:
            parts.append(" ")
    return "".join(parts)


def _lines(pre: LexborNode) -> str:
    """Lines of code as they stand."""
    parts: list[str] = []
    for node, is_start in _walk(pre, _is_left_out):
        if node.is_text_node:
            parts.append(node.text_content or "")
        elif node.tag == "br" and is_start:
            parts.append("\n")
    return "".join(parts)


def _is_left_out(node: LexborNode) -> bool:
    """Whether it is no part of the text that a reader sees. A `¶` or `#` that links to its own heading is none."""
    attributes = node.attributes
    if node.tag in _UNSEEN or "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    displays = _DISPLAY.findall(attributes.get("style") or "")
    if displays and displays[-1].lower() == "none":
        return True
    is_own_link = node.tag == "a" and (attributes.get("href") or "").startswith("#")
    return is_own_link and node.text(deep=True).strip() in _SELF_LINKS


def _formula(node: LexborNode) -> str:
    tex = node.css_first("annotation[encoding*=tex i]")
    found = plain(tex.text(deep=True)) if tex is not None else node.attributes.get("alttext") or ""
    return f"${' '.join(found.split())}$" if found.strip() else "[formula]"
