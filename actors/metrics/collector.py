"""Answers a scrape from the run's last report.

Law: a report costs the run a dictionary or two. Families are built during a scrape, in its thread, from values that no
longer change. Nothing is registered globally, and nothing is counted here.
"""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from actors.metrics.memory import Memory, remember, seen
from actors.metrics.metric import Metric, Run, RunMoment, Type
from actors.metrics.table import METRICS
from schemas.distributions import Distribution


class RunCollector(Collector):
    """The collector. Register it with a registry of its own, and `tell` it every moment."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._memory = Memory()
        self._told: tuple[RunMoment, Memory] | None = None

    def tell(self, moment: RunMoment) -> None:
        """Takes in the run as it is now. Call it from one thread only; scrapes may run meanwhile."""
        self._memory = remember(self._memory, moment)
        self._told = (moment, self._memory)

    def describe(self) -> Iterator[Family]:
        """Names of all metrics, for the registry."""
        for metric in METRICS:
            yield _family(metric)

    def collect(self) -> Iterator[Family]:
        """Every metric; none before the first moment."""
        if self._told is None:
            return
        now = seen(self._run, *self._told)
        for metric in METRICS:
            family = _family(metric)
            for labels, value in metric.read(now):
                _add(family, metric, labels, value)
            yield family


def _family(metric: Metric) -> Family:
    labels = [label.value for label in metric.labels]
    match metric.type:
        case Type.COUNTER:
            return CounterMetricFamily(metric.name, metric.help, labels=labels)
        case Type.GAUGE:
            return GaugeMetricFamily(metric.name, metric.help, labels=labels)
        case Type.HISTOGRAM:
            return HistogramMetricFamily(metric.name, metric.help, labels=labels)


def _add(family: Family, metric: Metric, labels: tuple[str, ...], value: float | Distribution) -> None:
    if isinstance(value, Distribution):
        assert isinstance(family, HistogramMetricFamily)
        family.add_metric(labels, _buckets(value, metric.bounds), value.total)
    else:
        assert isinstance(family, CounterMetricFamily | GaugeMetricFamily)
        family.add_metric(labels, value)


def _buckets(distribution: Distribution, bounds: tuple[float, ...]) -> list[tuple[str, float]]:
    counts = distribution.counts or (0,) * (len(bounds) + 1)
    names = (*(floatToGoString(bound) for bound in bounds), "+Inf")
    return list(zip(names, accumulate(counts), strict=True))
