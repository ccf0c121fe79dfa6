"""XHTML as a parser of HTML understands it. Law: what an XML parser reads as text or as an element without content is
the same afterwards; a page that is no XML is changed only where such a tag or section stands in it.

HTML takes `<title/>` for a beginning, and all that follows for the title; and `<![CDATA[x]]>` for a comment.
"""

import re
from html import escape

_VOID = frozenset((
    "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen", "link",
    "meta", "param", "source", "track", "wbr",
))  # fmt: skip
"""Elements that have no content in HTML either, where an end tag of theirs would be a fault."""
_PIECE = re.compile(
    r"""<!--.*?(?:-->|\Z) | <\?.*?(?:\?>|\Z) | <!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)
    | <(?P<name>[A-Za-z][^\s<>/"'=]*)
      (?P<attributes>(?:\s+[^\s<>/"'=]+\s*=\s*(?:"[^"]*"|'[^']*'))*+)
      (?P<empty>\s*/>)?""",
    re.DOTALL | re.VERBOSE,
)
"""A comment, an instruction, a section or a tag's beginning. Each matches from wherever it begins, so that no text is
read twice however it goes on."""


def as_html(text: str) -> str:
    """The page with an end tag behind each element that has none, and with text in place of sections of text."""
    return _PIECE.sub(_rewritten, text)


def _rewritten(piece: re.Match[str]) -> str:
    if piece["cdata"] is not None:
        return escape(piece["cdata"], quote=False)
    name = piece["name"]
    if name is None or piece["empty"] is None or name.lower() in _VOID:
        return piece[0]
    return f"<{name}{piece['attributes']}></{name}>"
