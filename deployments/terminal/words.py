"""Numbers, durations and foreign text as the terminal shows them.

Law: text that models or documents wrote never reaches the terminal raw: its control characters are shown, not obeyed.
"""

from datetime import UTC, datetime

_VISIBLE = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
_VISIBLE[0x7F] = 0x2421
_VISIBLE.update(dict.fromkeys(range(0x80, 0xA0), 0xFFFD))
_VISIBLE.update(dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD))

SHORT_ID = 8
"""Hex digits of an id where it is only mentioned: unique among some ten thousand orders."""


def printable(text: str) -> str:
    """The text with control characters and writing-direction overrides replaced by visible signs."""
    return text.translate(_VISIBLE)


def one_line(text: str, *, width: int) -> str:
    """The text on one line of at most `width` characters, cut with an ellipsis."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= width else line[: max(0, width - 1)].rstrip() + "…"


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
    """A moment (seconds since the epoch) in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def plural(count: int, word: str) -> str:
    """`1 order`, `2 orders`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
