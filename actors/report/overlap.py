"""Shows whether the gates reject the same attempts. For two gates: two circles whose areas, and whose common area, are
the numbers of rejections. For more: a bar for each set of gates."""

import math

from markupsafe import Markup
from msgspec import Struct

from actors.counts.order import known_first
from actors.report.statistics import distance_for
from actors.report.svg import figure, tag, text, title
from actors.report.words import count, spoken
from schemas.overlap import GateOverlap
from schemas.verdicts import FAITHFULNESS, KNOWN_GATES, REWARD, GateName

WIDTH, HEIGHT = 440.0, 230.0
LARGEST = 82.0
"""The radius of the larger circle."""
MOST_BARS = 10
BAR_HEIGHT, NUMBER_WIDTH = 36.0, 70.0
USUAL = (FAITHFULNESS, REWARD)


class _Parts(Struct, frozen=True):
    """Rejections by the left gate alone, by both, and by the right gate alone."""

    left: int
    both: int
    right: int


def overlap_figure(overlap: GateOverlap) -> Markup:
    """Two gates as circles, more gates as a bar for each set that rejected an attempt; a text when nothing was
    rejected."""
    if not overlap.sets:
        return _circles(USUAL, overlap)
    gates = tuple(known_first((gate for row in overlap.compared for gate in row.scored), KNOWN_GATES))
    if len(gates) == 2:
        return _circles(gates, overlap)
    return _bars(overlap)


def _circles(gates: tuple[GateName, ...], overlap: GateOverlap) -> Markup:
    """The first gate on the left, the second on the right."""
    names = tuple(map(spoken, gates))
    counted = overlap.rejected
    both = counted.get(gates, 0)
    parts_of = _Parts(counted.get(gates[:1], 0), both, counted.get(gates[1:], 0))
    left, right = both + parts_of.left, both + parts_of.right
    label = f"Rejections by the {names[0]} gate, by the {names[1]} gate, and by both"
    if not left and not right:
        scored = any(row.attempts for row in overlap.compared)
        words = "neither gate rejected anything" if scored else "no attempt was scored by both gates"
        return figure(WIDTH, 60, [text(WIDTH / 2, 34, words, class_="muted", anchor="middle")], label=label)
    unit = LARGEST / math.sqrt(max(left, right))
    r1, r2 = unit * math.sqrt(left), unit * math.sqrt(right)
    distance = distance_for(r1, r2, math.pi * unit * unit * both) if both else r1 + r2 + 14
    x1 = (WIDTH - (r1 + distance + r2)) / 2 + r1
    x2, y = x1 + distance, HEIGHT / 2 + 10
    if distance + r2 < r1 or distance + r1 < r2:  # one inside the other
        x1 = WIDTH / 2
        x2 = x1 + distance
    parts = [
        tag("circle", title(f"{names[0]}: {count(left)}"), cx=x1, cy=y, r=r1, class_="circle tone-dead"),
        tag("circle", title(f"{names[1]}: {count(right)}"), cx=x2, cy=y, r=r2, class_="circle tone-rejected"),
        _caption(min(x1 - r1 * 0.5, WIDTH / 2 - 60), names[0], left),
        _caption(max(x2 + r2 * 0.5, WIDTH / 2 + 60), names[1], right),
    ]
    parts += _numbers(parts_of, (x1 - r1, x2 - r2, x1 + r1, x2 + r2), y)
    return figure(WIDTH, HEIGHT, parts, label=label)


def _bars(overlap: GateOverlap) -> Markup:
    """A bar for each set of gates, the most frequent first. The last bar counts all other sets."""
    label = "Rejected attempts by the gates that rejected them, each set alone"
    counted = [(" + ".join(map(spoken, gates)), number) for gates, number in overlap.rejected.items()]
    if not counted:
        return figure(
            WIDTH, 60, [text(WIDTH / 2, 34, "no gate rejected anything", class_="muted", anchor="middle")], label=label
        )
    rest = sum(number for _, number in counted[MOST_BARS:])
    counted = counted[:MOST_BARS] + ([("other sets", rest)] if rest else [])
    most = max(number for _, number in counted)
    parts: list[Markup] = []
    for place, (names, number) in enumerate(counted):
        y = place * BAR_HEIGHT
        width = max(1.0, (WIDTH - NUMBER_WIDTH) * number / most)
        parts.append(text(0, y + 14, names, class_="node-label"))
        parts.append(
            tag(
                "rect",
                title(f"{names}: {count(number)}"),
                x=0,
                y=y + 19,
                width=width,
                height=9,
                class_="bar tone-rejected",
            )
        )
        parts.append(text(width + 6, y + 28, count(number), class_="region"))
    return figure(WIDTH, BAR_HEIGHT * len(counted) + 6, parts, label=label)


def _caption(x: float, name: str, total: int) -> Markup:
    return text(min(max(x, 70.0), WIDTH - 70.0), 16, f"{name} {count(total)}", class_="node-label", anchor="middle")


def _numbers(overlap: _Parts, edges: tuple[float, float, float, float], y: float) -> list[Markup]:
    """Each part's number, where the part is wide enough for it. The table beside the figure has all numbers."""
    left1, left2, right1, right2 = edges
    spans = (
        (overlap.left, left1, min(right1, left2)),
        (overlap.both, max(left1, left2), min(right1, right2)),
        (overlap.right, max(right1, left2), right2),
    )
    return [
        text((start + end) / 2, y + 5, count(number), class_="region", anchor="middle")
        for number, start, end in spans
        if number and end - start > 9 * len(count(number)) + 4
    ]
