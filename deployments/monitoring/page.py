"""Writes the tables of docs/monitoring.md from the metrics: `python -m deployments.monitoring.page`.

Law: the text between the marks comes from the code, and a test compares the two. The rest is written by hand.
"""

from pathlib import Path

from actors.metrics.metric import Label, Run, values
from actors.metrics.table import METRICS
from deployments.monitoring.progress import Phase

PAGE = Path(__file__).parents[2] / "docs" / "monitoring.md"
BEGIN = "<!-- written by python -m deployments.monitoring.page -->"
END = "<!-- end of what is written by it -->"
_RUN = Run(
    "(its name)",
    "(its version)",
    ("(each pool)",),
    tuple(phase.value for phase in Phase),
    0.0,
    gates=("(each gate)",),
    judges=("(each gate that asks a model)",),
    modes=("(each mode that a gate brings)",),
    embedders=("(the embedder)",),
)
_NAMES = (_RUN.name, _RUN.version, *_RUN.pools, *_RUN.gates, *_RUN.judges, *_RUN.modes, *_RUN.embedders)


def tables() -> str:
    """Every metric, and every label with its possible values."""
    lines = ["| metric | type | labels | |", "| --- | --- | --- | --- |"]
    for metric in METRICS:
        labels = ", ".join(f"`{label.value}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.type.value} | {labels} | {metric.help} |")
    lines += ["", "| label | values |", "| --- | --- |"]
    for label in Label:
        said = sorted(values(label, _RUN), key=lambda value: (value.startswith("("), value))
        lines.append(f"| `{label.value}` | {', '.join(value if value in _NAMES else f'`{value}`' for value in said)} |")
    return "\n".join(lines)


def renewed(page: str) -> str:
    """The page with the tables of now."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
