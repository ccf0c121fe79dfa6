"""Do the two gates reject the same attempts? Two circles whose areas, and whose common area, are the rejections."""

import math

from markupsafe import Markup

from actors.report.statistics import distance_for
from actors.report.svg import figure, tag, text, title
from actors.report.words import count
from schemas.progress import GateOverlap

WIDTH, HEIGHT = 440.0, 230.0
LARGEST = 82.0
"""Radius of the larger circle."""


def overlap_figure(overlap: GateOverlap) -> Markup:
    """Faithfulness on the left, reward on the right; words instead of circles when nothing was rejected."""
    left = overlap.both + overlap.only_faithfulness
    right = overlap.both + overlap.only_reward
    label = "Rejections by the faithfulness gate, by the reward gate, and by both"
    if not left and not right:
        words = "neither gate rejected anything" if overlap.scored else "no attempt was scored by both gates"
        return figure(WIDTH, 60, [text(WIDTH / 2, 34, words, class_="muted", anchor="middle")], label=label)
    unit = LARGEST / math.sqrt(max(left, right))
    r1, r2 = unit * math.sqrt(left), unit * math.sqrt(right)
    distance = distance_for(r1, r2, math.pi * unit * unit * overlap.both) if overlap.both else r1 + r2 + 14
    x1 = (WIDTH - (r1 + distance + r2)) / 2 + r1
    x2, y = x1 + distance, HEIGHT / 2 + 10
    if distance + r2 < r1 or distance + r1 < r2:  # one inside the other
        x1 = WIDTH / 2
        x2 = x1 + distance
    parts = [
        tag("circle", title(f"faithfulness: {count(left)}"), cx=x1, cy=y, r=r1, class_="circle tone-dead"),
        tag("circle", title(f"reward: {count(right)}"), cx=x2, cy=y, r=r2, class_="circle tone-rejected"),
        _caption(min(x1 - r1 * 0.5, WIDTH / 2 - 60), "faithfulness", left),
        _caption(max(x2 + r2 * 0.5, WIDTH / 2 + 60), "reward", right),
    ]
    parts += _numbers(overlap, (x1 - r1, x2 - r2, x1 + r1, x2 + r2), y)
    return figure(WIDTH, HEIGHT, parts, label=label)


def _caption(x: float, name: str, total: int) -> Markup:
    return text(min(max(x, 70.0), WIDTH - 70.0), 16, f"{name} {count(total)}", class_="node-label", anchor="middle")


def _numbers(overlap: GateOverlap, edges: tuple[float, float, float, float], y: float) -> list[Markup]:
    """Each part's number, where the part is wide enough to hold it; all numbers stand in the table beside it too."""
    left1, left2, right1, right2 = edges
    spans = (
        (overlap.only_faithfulness, left1, min(right1, left2)),
        (overlap.both, max(left1, left2), min(right1, right2)),
        (overlap.only_reward, max(right1, left2), right2),
    )
    return [
        text((start + end) / 2, y + 5, count(number), class_="region", anchor="middle")
        for number, start, end in spans
        if number and end - start > 9 * len(count(number)) + 4
    ]
