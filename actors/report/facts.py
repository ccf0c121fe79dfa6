"""One pass over the ledger collects all that the manifest and the page show, except the examples' texts.

Law: memory does not grow with the number of samples. Counts come from the one tally that all parts of the product use.
"""

from collections.abc import Iterable
from heapq import heapify, heappush, heappushpop

from actors.counts.distributions import AttemptDistributions
from actors.counts.run_clock import RunClock
from actors.counts.tally import Tally
from actors.report.histogram import Histograms
from actors.report.latency import FINE
from actors.report.paths import Paths
from actors.report.timeline import Timeline
from schemas.corpus import DocumentRefused
from schemas.distributions import Distributions
from schemas.ids import OrderId, content_id
from schemas.ledger import (
    AcceptedEnd,
    CorpusEnded,
    DeadLetteredEnd,
    NotNeededEnd,
    Planned,
    Record,
    Refused,
    Reopened,
    Rescored,
    RunStarted,
)
from schemas.progress import Summary

KEPT_REFUSALS = 12
KEPT_EXAMPLES = 3
"""For each kind of end."""
ENDS = (AcceptedEnd, DeadLetteredEnd, NotNeededEnd)


class Drawn:
    """Chooses the orders whose ids have the smallest hashes: a fixed, arbitrary choice for any number of orders."""

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self._size = size
        self._heap: list[tuple[int, OrderId]] = []
        self.offered = 0

    def offer(self, order_id: OrderId) -> None:
        """Keeps the order if its hash is among the smallest so far."""
        self.offered += 1
        rank = -int(content_id("example", self._seed, order_id)[:15], 16)
        if len(self._heap) < self._size:
            heappush(self._heap, (rank, order_id))
        else:
            heappushpop(self._heap, (rank, order_id))

    def withdraw(self, order_id: OrderId) -> None:
        """Removes an order that no longer belongs here. Its place stays empty, because passed-over orders are not
        kept."""
        self._heap = [entry for entry in self._heap if entry[1] != order_id]
        heapify(self._heap)

    def orders(self) -> list[OrderId]:
        return [order_id for _, order_id in sorted(self._heap, reverse=True)]


class ReportFold:
    """Collects facts from the records, which it must get in order."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._tally = Tally(AttemptDistributions(FINE))
        self.clock = RunClock()
        self.timeline = Timeline()
        self.histograms = Histograms()
        self.paths = Paths()
        self.passages = 0
        self.documents: int | None = None
        self.refused: list[DocumentRefused] = []
        self.versions: dict[str, str] = {}
        self.config_sha256 = ""
        self.last_end_at: float | None = None
        self._examples: dict[tuple[str, str], Drawn] = {}

    def apply(self, record: Record) -> None:
        """Reads one record."""
        self._tally.apply(record)
        seconds = self.clock.apply(record)
        self.timeline.apply(record, seconds)
        self.histograms.apply(record)
        self.paths.apply(record)
        self.last_end_at = record.at if isinstance(record, ENDS) else self.last_end_at
        match record:
            case RunStarted():
                self.versions, self.config_sha256 = record.versions, record.config_sha256
            case Planned():
                self.passages += record.orders[0].slot == 0
            case CorpusEnded():
                self.documents = record.documents
                self.refused = [document for document in self.refused if document not in record.read_again]
            case Refused():
                if len(self.refused) < KEPT_REFUSALS:
                    self.refused.append(record.document)
            case Rescored() | AcceptedEnd():
                self._offer_accepted(record)
            case DeadLetteredEnd():
                self._offer_dead(record)
            case Reopened():
                self._withdraw_dead(record.order_id)
            case _:
                pass

    def distributions(self) -> Distributions:
        """Durations and scores counted so far."""
        return self._tally.distributions()

    def summary(self) -> Summary:
        """The counts so far."""
        return self._tally.summary()

    def examples(self, end: str) -> list[OrderId]:
        """Orders to show for an end (`accepted`, `recovered`, `dead_lettered`): one of each sort, most frequent
        first."""
        sorts = [(-drawn.offered, sort, drawn) for (kind, sort), drawn in self._examples.items() if kind == end]
        drawn = [orders for *_, found in sorted(sorts, key=lambda found: found[:2]) if (orders := found.orders())]
        return [orders[0] for orders in drawn] + [order_id for orders in drawn for order_id in orders[1:]]

    def _offer_accepted(self, record: AcceptedEnd | Rescored) -> None:
        repair = record.attempt.repair
        if repair is None:
            self._offer("accepted", "", record.order_id)
        else:
            self._offer("recovered", repair.kind, record.order_id)

    def _offer_dead(self, record: DeadLetteredEnd) -> None:
        diagnosis = record.attempt.diagnosis if record.attempt else None
        mode = diagnosis.mode if diagnosis else ""
        self._offer("dead_lettered", f"{record.end.reason.value} {mode}", record.order_id)

    def _withdraw_dead(self, order_id: OrderId) -> None:
        for (end, _), drawn in self._examples.items():
            if end == "dead_lettered":
                drawn.withdraw(order_id)

    def _offer(self, end: str, variety: str, order_id: OrderId) -> None:
        self._examples.setdefault((end, variety), Drawn(self._seed, KEPT_EXAMPLES)).offer(order_id)


def facts_of(records: Iterable[tuple[int, Record]], *, seed: int) -> ReportFold:
    """Folds all records of a ledger. `seed` chooses the examples."""
    facts = ReportFold(seed=seed)
    for _, record in records:
        facts.apply(record)
    return facts
