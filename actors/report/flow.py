"""The flow of orders by stage, as ribbons: issued, first judged, repaired, ended.

Law: every order is in exactly one path, so the ribbons into a stage are as wide as those out of it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from markupsafe import Markup
from msgspec import Struct

from actors.report.svg import figure, tag, text, title
from actors.report.words import count, percent, spoken

Path = tuple[str, ...]
"""The nodes that an order went through, one for each column, in order."""

LABEL_HEIGHT = 33.0
"""The height of two lines and the space below them."""
PASSING = "·"
"""Prefix of a node that only keeps a ribbon's place in a column and is not drawn."""
_TONES = {
    "first_pass": "accepted",
    "put_back": "accepted",
    "recovered": "recovered",
    "dead_lettered": "dead",
    "not_needed": "idle",
    "outstanding": "idle",
    "issued": "ink",
    "rejected": "rejected",
}
_LABELS = {
    "first_pass": "accepted at first",
    "put_back": "accepted after a replay",
    "recovered": "recovered",
    "dead_lettered": "dead-lettered",
    "not_needed": "not needed",
    "outstanding": "outstanding",
}
_ENDS = {"first_pass": 0, "put_back": 80, "recovered": 90, "dead_lettered": 95, "not_needed": 96, "outstanding": 97}
_RANK = {**_ENDS, f"{PASSING}first_pass": 0}


class Canvas(Struct, frozen=True):
    """Sizes, in pixels of the drawing's own scale."""

    width: float
    height: float
    margin_left: float
    margin_right: float
    gap: float = 14.0
    bar: float = 10.0
    inner_labels: Literal["beside", "above"] = "beside"
    """Where the names of the inner columns are written."""


WIDE = Canvas(width=1040, height=400, margin_left=72, margin_right=160, gap=17)
NARROW = Canvas(width=400, height=360, margin_left=62, margin_right=130, gap=18, inner_labels="above")


class _Node(Struct):
    key: str
    value: int
    top: float = 0.0
    into: float = 0.0
    out: float = 0.0


def flow_figure(paths: Mapping[Path, int], canvas: Canvas, *, class_: str) -> Markup:
    """Ribbons for paths of equal length. Paths without orders are left out."""
    flows = {path: number for path, number in paths.items() if number}
    label = "Flow of orders from issue to their ends"
    if not flows:
        return figure(
            canvas.width,
            60,
            [text(canvas.width / 2, 34, "no orders yet", class_="muted", anchor="middle")],
            label=label,
            class_=class_,
        )
    columns = _columns(flows)
    total = sum(flows.values())
    scale = _stack(columns, total, canvas)
    xs = _positions(len(columns), canvas)
    ribbons = _ribbons(flows, columns, xs, scale=scale, bar=canvas.bar)
    bars = [
        _bar(node, xs[index], scale, canvas)
        for index, column in enumerate(columns)
        for node in column
        if _visible(node)
    ]
    labels = [_label(node, xs[0], scale, place=_Place(total, True, canvas)) for node in columns[0]]
    for index, column in enumerate(columns[1:-1], 1):
        place = _Place(total, False, canvas)
        labels += [_label(node, xs[index], scale, place=place) for node in column if _visible(node)]
    labels += _end_labels(columns[-1], xs[-1] + canvas.bar + 8, scale, total)
    return figure(canvas.width, canvas.height, [*ribbons, *bars, *labels], label=label, class_=class_)


def _visible(node: _Node) -> bool:
    return not node.key.startswith(PASSING)


def _columns(flows: Mapping[Path, int]) -> list[list[_Node]]:
    columns: list[list[_Node]] = []
    for index in range(len(next(iter(flows)))):
        values: dict[str, int] = {}
        for path, number in flows.items():
            values[path[index]] = values.get(path[index], 0) + number
        nodes = [_Node(key, value) for key, value in values.items()]
        columns.append(sorted(nodes, key=lambda node: (_rank(node.key), -node.value, node.key)))
    return columns


def _rank(key: str) -> int:
    return _RANK.get(key, 99 if key.startswith(PASSING) else 50)


def _stack(columns: Sequence[Sequence[_Node]], total: int, canvas: Canvas) -> float:
    """Places the nodes of each column and gives the pixels per order."""
    top, bottom = 28.0, 16.0
    room = canvas.height - top - bottom - canvas.gap * max(len(column) - 1 for column in columns)
    scale = max(room, 40.0) / total
    for column in columns:
        y = top
        for node in column:
            node.top = node.into = node.out = y
            y += node.value * scale + canvas.gap
    return scale


def _positions(columns: int, canvas: Canvas) -> list[float]:
    span = canvas.width - canvas.margin_left - canvas.margin_right - canvas.bar
    return [canvas.margin_left + span * index / max(columns - 1, 1) for index in range(columns)]


def _ribbons(
    flows: Mapping[Path, int], columns: Sequence[Sequence[_Node]], xs: Sequence[float], *, scale: float, bar: float
) -> list[Markup]:
    places = [{node.key: (row, node) for row, node in enumerate(column)} for column in columns]
    drawn: list[Markup] = []
    for index in range(len(columns) - 1):
        left, right = places[index], places[index + 1]
        steps = sorted(flows.items(), key=lambda flow: [places[i][key][0] for i, key in enumerate(flow[0])][::-1])
        leaving = sorted(steps, key=lambda flow: (left[flow[0][index]][0], right[flow[0][index + 1]][0]))
        starts: dict[Path, float] = {}
        for path, number in leaving:
            node = left[path[index]][1]
            starts[path] = node.out
            node.out += number * scale
        arriving = sorted(leaving, key=lambda flow: (right[flow[0][index + 1]][0], left[flow[0][index]][0]))
        for path, number in arriving:
            node = right[path[index + 1]][1]
            shape = _ribbon(
                xs[index] + (0.0 if path[index].startswith(PASSING) else bar),
                starts[path],
                xs[index + 1],
                node.into,
                number * scale,
            )
            node.into += number * scale
            words = f"{spoken(path[index].lstrip(PASSING))} → {spoken(path[-1])}: {count(number)}"
            drawn.append(tag("path", title(words), d=shape, class_=f"ribbon tone-{_TONES.get(path[-1], 'idle')}"))
    return drawn


def _ribbon(x1: float, y1: float, x2: float, y2: float, width: float) -> str:
    middle = (x1 + x2) / 2
    return (
        f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        f"V{y2 + width:.1f}C{middle:.1f} {y2 + width:.1f} {middle:.1f} {y1 + width:.1f} {x1:.1f} {y1 + width:.1f}Z"
    )


def _bar(node: _Node, x: float, scale: float, canvas: Canvas) -> Markup:
    tone = _TONES.get(node.key, "repair")
    return tag(
        "rect", x=x, y=node.top, width=canvas.bar, height=max(node.value * scale, 1.0), rx=2, class_=f"node tone-{tone}"
    )


class _Place(Struct, frozen=True):
    total: int
    first: bool
    canvas: Canvas


def _label(node: _Node, x: float, scale: float, *, place: _Place) -> Markup:
    name = _LABELS.get(node.key, spoken(node.key))
    middle = node.top + node.value * scale / 2
    if place.first:
        lines = (name, count(node.value))
        return _two_lines(x - 8, middle, lines, anchor="end")
    named = f"{name} {count(node.value)}"
    if place.canvas.inner_labels == "above":
        return text(x + place.canvas.bar / 2, node.top - 4, named, class_="node-label", anchor="middle")
    return text(x + place.canvas.bar + 7, middle + 4, named, class_="node-label")


def _end_labels(nodes: Sequence[_Node], x: float, scale: float, total: int) -> list[Markup]:
    """Labels beside their nodes, moved down where labels of small nodes would overlap."""
    labels: list[Markup] = []
    free_from = 0.0
    for node in nodes:
        middle = max(node.top + node.value * scale / 2, free_from)
        free_from = middle + LABEL_HEIGHT
        lines = (_LABELS.get(node.key, spoken(node.key)), f"{count(node.value)} · {percent(node.value / total)}")
        labels.append(_two_lines(x, middle, lines, anchor="start"))
    return labels


def _two_lines(x: float, middle: float, lines: tuple[str, str], *, anchor: str) -> Markup:
    return text(x, middle - 2, lines[0], class_="node-label", anchor=anchor) + text(
        x, middle + 13, lines[1], class_="node-count", anchor=anchor
    )
