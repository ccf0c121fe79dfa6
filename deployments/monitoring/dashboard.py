"""Writes Grafana's dashboard from `panels`: `python -m deployments.monitoring.dashboard`.

Law: grafana/gleaner.json is what this writes and nothing else; a test holds the two together.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from deployments.monitoring.panel import Kind, Panel, Query
from deployments.monitoring.panels import ROWS

PATH = Path(__file__).parent / "grafana" / "gleaner.json"
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_SELECTION = 'instance=~"$instance"'
_SELECTOR = re.compile(r"\b(gleaner_\w+)(\{([^}]*)\})?")
_SINGLE: tuple[Kind, ...] = ("number", "name", "zero")
_ZERO = {
    "mode": "absolute",
    "steps": [{"color": "red", "value": None}, {"color": "green", "value": 0}, {"color": "red", "value": 1}],
}


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return {
        "uid": "gleaner",
        "title": "Gleaner",
        "description": "What is slow, idle or failing, and why. docs/monitoring.md says more.",
        "tags": ["gleaner"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source_variable(), _instance_variable()]},
        "panels": list(_panels()),
    }


def selected(expr: str) -> str:
    """The query for the runs that are selected."""

    def narrowed(found: re.Match[str]) -> str:
        return f"{found[1]}{{{found[3]}, {_SELECTION}}}" if found[3] else f"{found[1]}{{{_SELECTION}}}"

    return _SELECTOR.sub(narrowed, expr)


def text() -> str:
    """The file's content."""
    return msgspec.json.format(msgspec.json.encode(dashboard()), indent=1).decode() + "\n"


def _source_variable() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1}


def _instance_variable() -> dict[str, Any]:
    query = "label_values(gleaner_run_info, instance)"
    return {
        "name": "instance",
        "label": "Run",
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "instance"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, y = 0, 0
    for row in ROWS:
        number += 1
        place = {"x": 0, "y": y, "w": 24, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        y, x, height = y + 1, 0, 0
        for panel in row.panels:
            if x + panel.width > 24:
                y, x, height = y + height, 0, 0
            number += 1
            height = 4 if panel.kind in _SINGLE else 8
            yield _panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": height})
            x += panel.width
        y += height


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": "stat" if panel.kind in _SINGLE else "timeseries",
        "title": panel.title,
        "description": panel.question,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [_target(query, chr(ord("A") + index)) for index, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _target(query: Query, letter: str) -> dict[str, Any]:
    return {
        "refId": letter,
        "datasource": _SOURCE,
        "expr": selected(query.expr),
        "legendFormat": query.legend or "__auto",
        "range": True,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    if panel.kind == "zero":
        return {"unit": panel.unit, "thresholds": _ZERO}
    if panel.kind in _SINGLE:
        return {"unit": panel.unit}
    fill = {"stacked": 25, "bars": 60}
    custom = {
        "drawStyle": "bars" if panel.kind == "bars" else "line",
        "fillOpacity": fill.get(panel.kind, 0),
        "stacking": {"mode": "normal" if panel.kind == "stacked" else "none"},
        "showPoints": "never",
    }
    return {"unit": panel.unit, "min": 0, "custom": custom}


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind in _SINGLE:
        shown = "name" if panel.kind == "name" else "value"
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": shown, "colorMode": "value"}
    legend = {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]}
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
