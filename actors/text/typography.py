"""Maps characters that only look different to one form: full width, typographic marks, invisible characters.

Law: every mapping is for one character, so that each position of a folded text has one position in the original.
Superscripts, fractions and circled digits are content (10² is not 102) and stay.
"""

import unicodedata
from collections.abc import Mapping

_DASHES = "-‐‑‒–—―−⁃﹘﹣－"
_QUOTES = "'\"‘’‚‛“”„‟‹›«»`´′″＇＂ʼ"
_BELOW = "‹〈〈⟨❮❬❰˂ᐸ⧼"
_ABOVE = "›〉〉⟩❯❭❱˃ᐳ⧽"
_FAR_BELOW = "«≪《⟪⪡"
_FAR_ABOVE = "»≫》⟫⪢"
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
"""Characters that are not displayed but are in no category that says so. Variation selectors are checked elsewhere."""
KEPT = "\u034f"
"""The combining grapheme joiner, which prompts put into markup. Even a careless reader notices it."""
_SPACELESS = (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"), ("\u3040", "\u30ff"),
              ("\u3400", "\u4dbf"), ("\u4e00", "\u9fff"), ("\U00020000", "\U0003ffff"))  # fmt: skip
_CONTENT = ("<super>", "<sub>", "<fraction>", "<circle>")


def is_invisible(letter: str) -> bool:
    """Whether the character is not seen: zero-width, soft hyphen, mark of direction, variation selector."""
    code = ord(letter)
    if unicodedata.category(letter) == "Cf" or letter in _INVISIBLE:
        return True
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


def is_spaceless(letter: str) -> bool:
    """Whether its script has no spaces between words, so that a word may begin or end anywhere."""
    return any(first <= letter <= last for first, last in _SPACELESS)


def is_dash(letter: str) -> bool:
    """Whether it is a hyphen, a dash or a minus."""
    return letter in _DASHES


def plain(letter: str) -> str:
    """A character in its plainest form: nothing for an invisible one, `...` for an ellipsis, 5 for full-width 5."""
    if letter.isascii():
        return "'" if letter in _QUOTES else letter
    if is_invisible(letter):
        return ""
    if letter in _DASHES:
        return "-"
    if letter in _QUOTES:
        return "'"
    if unicodedata.decomposition(letter).startswith(_CONTENT):
        return letter
    return unicodedata.normalize("NFKC", letter)


class _FoldingTable(dict[int, str]):
    """A table for `str.translate`, filled as it is used: at most one entry for each Unicode character."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        if letter == KEPT:
            found = letter
        elif letter in _BELOW or letter in _FAR_BELOW:
            found = "<<" if letter in _FAR_BELOW else "<"
        elif letter in _ABOVE or letter in _FAR_ABOVE:
            found = ">>" if letter in _FAR_ABOVE else ">"
        else:
            found = "" if is_invisible(letter) else unicodedata.normalize("NFKC", letter)
        self[code] = found
        return found


LOOSELY: Mapping[int, str] = _FoldingTable()
"""For `str.translate`: each character as a careless reader takes it. Angle quotation marks become angle brackets."""
