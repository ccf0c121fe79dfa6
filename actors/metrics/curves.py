"""A run as curves: one number a name, for trackers that draw numbers over time. Pure.

Law: a curve that is a metric of `table` has the metric's name, and its labels' values behind it
(`gleaner_verdicts_total/faithfulness/rejected`). What is computed of several, and no metric, is listed in `COMPUTED`.
"""

import math
import re
from collections.abc import Iterator, Mapping

from actors.metrics.metric import Seen, Type
from actors.metrics.table import METRICS
from schemas.bill import Bill
from schemas.distributions import Distribution

COMPUTED = {
    "gleaner_worked_seconds": "Seconds in which a process worked on the run: the steps of the curves.",
    "gleaner_yield": "Accepted orders, of those that were issued and needed.",
    "gleaner_recovery_rate": "Recovered orders, of those that a gate rejected at least once.",
    "gleaner_gate_pass_rate/GATE": "Passed drafts, of those that the gate passed or rejected.",
    "gleaner_tokens_per_accepted": "Tokens of the whole run, of each accepted sample.",
    "gleaner_cost": "What the run has cost, by the prices of its configuration.",
    "gleaner_cost_per_accepted": "The same, of each accepted sample.",
}
"""The curves that are no metric, with their meaning; the page of trackers shows them."""
_NO_CURVES = frozenset({"gleaner_run_info", "gleaner_run_start_timestamp_seconds", "gleaner_told_timestamp_seconds"})
"""Metrics whose value says nothing over time."""
_NOT_OF_NAMES = re.compile(r"[^\w.-]")
"""What some trackers take in no name: `(gone)` becomes `gone`."""


def curves(seen: Seen, bill: Bill | None) -> dict[str, float]:
    """The value of each curve now, zeros included. `bill`: None without prices."""
    return dict(_of_metrics(seen)) | dict(_computed(seen, bill))


def news(now: Mapping[str, float], told: Mapping[str, float]) -> dict[str, float]:
    """The curves that have changed since they were told. One that never was anything but 0 is left out."""
    return {name: value for name, value in now.items() if value != told.get(name, 0.0)}


def _of_metrics(seen: Seen) -> Iterator[tuple[str, float]]:
    for metric in METRICS:
        if metric.name in _NO_CURVES:
            continue
        for labels, value in metric.read(seen):
            if isinstance(value, Distribution):
                if value.count:
                    yield _name(f"{metric.name}_mean", labels), value.total / value.count
            elif math.isfinite(value):
                yield _name(metric.name, labels), float(value)
            else:
                assert metric.type is Type.GAUGE, f"{metric.name} counts to {value}"


def _computed(seen: Seen, bill: Bill | None) -> Iterator[tuple[str, float]]:
    summary = seen.snapshot.summary
    counts = summary.counts
    yield "gleaner_worked_seconds", summary.worked_s
    yield "gleaner_yield", counts.yield_
    yield "gleaner_recovery_rate", counts.recovery_rate
    for each in summary.verdicts:
        if judged := each.passed + each.rejected:
            yield _name("gleaner_gate_pass_rate", (each.gate,)), each.passed / judged
    if counts.accepted:
        yield "gleaner_tokens_per_accepted", summary.tokens / counts.accepted
    if bill is not None:
        yield "gleaner_cost", bill.cost
        if bill.accepted is not None:
            yield "gleaner_cost_per_accepted", bill.accepted


def _name(metric: str, labels: tuple[str, ...]) -> str:
    return "/".join((metric, *(_NOT_OF_NAMES.sub("", label) for label in labels)))
