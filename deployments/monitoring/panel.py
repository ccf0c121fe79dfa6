"""What a panel of the dashboard is: a question, and the PromQL that answers it."""

from typing import Literal

from msgspec import Struct

Kind = Literal["number", "name", "zero", "lines", "stacked", "bars"]
"""`name` shows which series there is, `zero` a number that must be 0."""


class Query(Struct, frozen=True):
    """One expression; `legend` names its series by their labels."""

    expr: str
    legend: str = ""


class Panel(Struct, frozen=True):
    """One panel. `question`: what it answers; `unit`: Grafana's name of it; `width`: of 24."""

    title: str
    question: str
    kind: Kind
    unit: str
    queries: tuple[Query, ...]
    width: int = 8


class Row(Struct, frozen=True):
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


def quantiles(histogram: str, by: str, legend: str) -> tuple[Query, ...]:
    """Median and 95th percentile of a histogram."""
    grouped = f"le, {by}" if by else "le"
    return tuple(
        Query(
            f"histogram_quantile({quantile}, sum by ({grouped}) (rate({histogram}_bucket[$__rate_interval])))",
            f"{legend} {name}".strip(),
        )
        for quantile, name in ((0.5, "median"), (0.95, "95%"))
    )


def rate_of(counter: str, by: str) -> str:
    return f"sum by ({by}) (rate({counter}[$__rate_interval]))"
