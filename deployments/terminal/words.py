"""Numbers, durations and foreign text as the terminal shows them.

Law: text that models or documents wrote never reaches the terminal raw: its control characters are shown, not obeyed.
"""

import shlex
from datetime import UTC, datetime
from pathlib import Path

from rich.cells import cell_len

_VISIBLE = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
_VISIBLE[0x7F] = 0x2421
_UNSEEN = (
    range(0x80, 0xA0),  # further control characters: U+009B begins an escape code
    (0xAD, 0x61C, 0x180E, 0xFEFF, 0xE0001),  # soft hyphen, Arabic letter mark, vowel separator, BOM, language tag
    range(0x200B, 0x2010),  # zero-width space and joiners, marks of the writing direction
    range(0x2028, 0x202F),  # line and paragraph separators, overrides of the writing direction
    range(0x2060, 0x2070),
    range(0xD800, 0xE000),  # halves of a character, which no encoding writes
    range(0xFFF9, 0xFFFC),
    range(0xE0020, 0xE0080),  # tag characters: a whole text that is not seen
)
_VISIBLE.update({code: 0xFFFD for codes in _UNSEEN for code in codes})

SHORT_ID = 8
"""Hex digits of an id where it is only mentioned: unique among some ten thousand orders."""


def printable(text: str) -> str:
    """The text with each character that a terminal obeys, or shows as nothing, replaced by one visible sign."""
    return text.translate(_VISIBLE)


def quoted(path: Path | str) -> str:
    """A path as a shell reads it back, in a command that is shown."""
    return shlex.quote(str(path))


def one_line(text: str, *, width: int) -> str:
    """The text on one line of at most `width` cells, cut between letters with an ellipsis."""
    line = printable(" ".join(text.split()))
    if cell_len(line) <= width:
        return line
    kept, room = "", width - 1
    for letter in line:  # an accent takes no cell: it stays with its letter
        room -= cell_len(letter)
        if room < 0:
            break
        kept += letter
    return kept.rstrip() + "…"


def short(order_id: str) -> str:
    """The first digits of an id, for a mention."""
    return order_id[:SHORT_ID]


def number(value: float) -> str:
    """At most four significant digits: 0.42, 7.3, 128, 12,040, 3.4 M."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:,.1f} M"
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}" if value < 1 else f"{value:.1f}"


def per_second(value: float) -> str:
    """A rate, with a decimal while it is small: 0.4, 7.0, 128, 12,040."""
    return f"{value:.1f}" if value < 100 else number(value)


def percent(part: float, whole: float) -> str:
    """A share in per cent; a dash when there is no whole."""
    return f"{100 * part / whole:.1f}%" if whole else "–"


def clock(seconds: float) -> str:
    """A duration as on a stopwatch: 0:07, 1:12, 2:05:40."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def spoken(seconds: float) -> str:
    """A duration in words short enough for a table: 4 ms, 0.41 s, 12 s, 3 min, 2.1 h."""
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def moment(at: float) -> str:
    """A moment (seconds since the epoch) in UTC; a dash for what is none, as a forged ledger may have."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return "–"


def plural(count: int, word: str) -> str:
    """`1 order`, `2 orders`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
