"""The text of a Word document, paragraph by paragraph. Macros, embedded files and everything linked are left alone.

Read are headings, paragraphs, lists, tables and text boxes as the document stands: what was deleted under review,
and the formatting of before, is left out. Not read are headers, footers, notes, comments and tables of contents.
"""

import posixpath
import re

from actors.corpus.extract.answers import Extracted, FileAsked, NoText, unreadable
from actors.corpus.extract.archive import Archive
from actors.corpus.extract.writing import TableRows, Writing, inline, raised
from actors.corpus.extract.xml_events import Leaves, read_xml
from actors.corpus.licenses import stated
from schemas.corpus import RefusalReason

EXTRACTOR = "docx/1"
_HEADING = re.compile(r"(?:heading|überschrift|titre) ?([1-9])", re.IGNORECASE)
_CODE = re.compile(r"html preformatted|source code|code\b.*|preformatted text|macro text?", re.IGNORECASE)
_CONTENTS = re.compile(r"toc \d|table of figures", re.IGNORECASE)
_LEFT_OUT = frozenset((
    "del", "moveFrom", "Fallback", "instrText", "delText", "delInstrText", "rubyPr", "rt",
    "pPrChange", "rPrChange", "tblPrChange", "tblPrExChange", "trPrChange", "tcPrChange", "sectPrChange",
    "tblGridChange", "numberingChange",
))  # fmt: skip
"""The second and third line: under review these hold the properties of before."""
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "noBreakHyphen": "\u2011"}
_OFFICE = "/officeDocument"
_CUSTOM = "docProps/custom.xml"
_RIGHTS = ("license", "licence", "rights", "copyright")


def docx_text(data: bytes, asked: FileAsked) -> Extracted:
    """The text of the document's body, its parts numbered by paragraph (empty ones count)."""
    parts = Archive(data)
    main = _main(parts)
    styles = posixpath.join(posixpath.dirname(main), "styles.xml")
    names = _style_names(parts.read(styles)) if parts.has(styles) else {}
    writing = Writing("paragraph", asked.most_characters)
    body = _Body(writing, names)
    read_xml(parts.read(main), main[:100], body)
    body.close()
    if not writing.text():
        raise NoText(RefusalReason.EMPTY, "no paragraph has a text")
    return Extracted(writing.text(), writing.places(), "markdown", EXTRACTOR, _license(parts))


def _main(parts: Archive) -> str:
    if parts.has("_rels/.rels"):
        relations = Leaves()
        read_xml(parts.read("_rels/.rels"), "_rels/.rels", relations)
        for _, attributes in relations.elements:
            if attributes.get("Type", "").endswith(_OFFICE):
                name = attributes.get("Target", "").lstrip("/")
                if parts.has(name):
                    return name
    if not parts.has("word/document.xml"):
        raise unreadable("not readable as DOCX: it has no document part")
    return "word/document.xml"


def _style_names(data: bytes) -> dict[str, str]:
    """Each style's name by its id: ids are in the author's language, names are not."""
    leaves = Leaves()
    read_xml(data, "its styles", leaves)
    names: dict[str, str] = {}
    current = ""
    for element, attributes in leaves.elements:
        if element == "style":
            current = attributes.get("styleId", "")
        elif element == "name" and current:
            names.setdefault(current, attributes.get("val", ""))
        elif element == "outlineLvl" and current and (level := attributes.get("val", "")).isdigit() and int(level) < 9:
            names[current] = f"heading {int(level) + 1}"
    return names


def _license(parts: Archive) -> str | None:
    if not parts.has(_CUSTOM):
        return None
    leaves = Leaves("property")
    read_xml(parts.read(_CUSTOM), _CUSTOM, leaves)
    named = [attributes.get("name", "").lower() for name, attributes in leaves.elements if name == "property"]
    return stated(text for name, text in zip(named, leaves.of("property"), strict=False) if name in _RIGHTS)


class _Paragraph:
    """A paragraph that is open."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.parts: list[str] = []
        self.style = ""
        self.depth: int | None = None
        """How deep in a list; None outside."""
        self.raised = False


class _Table(TableRows):
    """A table that is open."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class _Body:
    """Gets the events of the document's XML. Tables and text boxes may stand in each other."""

    def __init__(self, writing: Writing, names: dict[str, str]) -> None:
        self._writing = writing
        self._names = names
        self._count = 0
        self._skipped = 0
        self._open: list[_Paragraph] = []
        self._tables: list[_Table] = []
        self._code: list[str] = []
        self._code_from = 1
        self._is_text = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self._skipped or name in _LEFT_OUT or name == "oMath":
            self._formula(name)
            self._skipped += 1
        elif name == "p":
            self._count += 1
            self._open.append(_Paragraph(self._count))
        elif name == "tbl":
            self._tables.append(_Table(self._count + 1))
        elif name == "tr" and self._tables:
            self._tables[-1].begin()
        elif name == "tc" and self._tables and self._tables[-1].rows:
            self._tables[-1].cell()
        elif self._open:
            self._inside(self._open[-1], name, attributes)

    def _formula(self, name: str) -> None:
        if name == "oMath" and not self._skipped and self._open:
            self._open[-1].parts.append("[formula]")

    def _inside(self, paragraph: _Paragraph, name: str, attributes: dict[str, str]) -> None:
        if name == "t":
            self._is_text += 1
        elif name in _BREAKS:
            paragraph.parts.append(_BREAKS[name])
        elif name == "pStyle":
            paragraph.style = self._names.get(attributes.get("val", ""), attributes.get("val", ""))
        elif name == "outlineLvl" and (level := attributes.get("val", "")).isdigit() and int(level) < 9:
            paragraph.style = f"heading {int(level) + 1}"
        elif name == "numPr":
            paragraph.depth = 0
        elif name == "ilvl" and (level := attributes.get("val", "")).isdigit():
            paragraph.depth = int(level)
        elif name == "r":
            paragraph.raised = False
        elif name == "vertAlign":
            paragraph.raised = attributes.get("val") == "superscript"

    def data(self, text: str) -> None:
        if self._is_text and not self._skipped and self._open:
            paragraph = self._open[-1]
            before = "".join(paragraph.parts[-2:])
            paragraph.parts.append(raised(before, text) if paragraph.raised else text)

    def end(self, name: str) -> None:
        if self._skipped:
            self._skipped -= 1
        elif name == "t":
            self._is_text = max(0, self._is_text - 1)
        elif name == "p" and self._open:
            self._end_paragraph(self._open.pop())
        elif name == "tbl" and self._tables:
            self._end_table(self._tables.pop())

    def close(self) -> None:
        """Ends the last block."""
        if self._code:
            self._writing.code(self._code_from, "\n".join(self._code))
            self._code.clear()

    def _end_paragraph(self, paragraph: _Paragraph) -> None:
        text = "".join(paragraph.parts)
        if self._tables:
            if (cell := self._tables[-1].last) is not None:
                cell.append(text)
            return
        if _CODE.fullmatch(paragraph.style):
            self._code_from = self._code_from if self._code else paragraph.number
            self._code.append(text)
            return
        self.close()
        heading = _HEADING.fullmatch(paragraph.style)
        if heading is not None or paragraph.style.lower() == "title":
            self._writing.heading(paragraph.number, int(heading[1]) if heading else 1, text)
        elif _CONTENTS.fullmatch(paragraph.style):
            return
        elif paragraph.depth is not None:
            self._writing.item(paragraph.number, text, depth=paragraph.depth)
        else:
            self._writing.paragraph(paragraph.number, text)

    def _end_table(self, table: _Table) -> None:
        if self._tables:  # a table in a cell: its words stand in that cell
            if (cell := self._tables[-1].last) is not None:
                cell.append(_words(table))
            return
        self.close()
        self._writing.table(table.number, table)


def _words(table: TableRows) -> str:
    """A table in one line."""
    rows = ([words for texts in row if (words := inline(" ".join(texts)))] for row in table.rows)
    return "; ".join(", ".join(row) for row in rows if row)
