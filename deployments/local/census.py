"""Reads a corpus as a run does, and says which orders the run would issue; no ledger, no queue, no model.

Law: reader, chunker, order numbers, draws and `stop.orders` are the run's own functions. Memory does not grow with the
passages: a random sample of them is kept, the same for the same seed and corpus.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from heapq import heappush, heappushpop

from msgspec import Struct

from actors.corpus.chunker import Chunker
from actors.corpus.files import Skipped
from actors.counts.refusals import Refusals
from actors.queue.plan import Plan
from actors.queue.planning import fresh_orders
from deployments.build.readers import read_corpus
from deployments.build.tasks import build_task
from deployments.build.wiring import passage_orders, service_settings
from schemas.config import RunConfig
from schemas.config_gates import shares
from schemas.corpus import Document, DocumentRefused, Passage
from schemas.forecast import CorpusForecast, OrdersForecast
from schemas.ids import derived_seed
from schemas.ledger import Refused
from schemas.orders import Order
from schemas.queue_shard import QueueShard, shard_of
from schemas.shares import in_share
from schemas.until_dry import most_orders

Told = Callable[[str], None]
"""Is given a line about how far the reading is."""
TOLD_EVERY_S = 10.0


class OrderedPassage(Struct, frozen=True):
    """A passage and the orders that a run issues for it."""

    passage: Passage
    orders: tuple[Order, ...]


class Census(Struct, frozen=True):
    """What was read, and a random sample of the passages in the order of the corpus."""

    corpus: CorpusForecast
    orders: OrdersForecast
    sample: Sequence[OrderedPassage]


def take_census(
    config: RunConfig, *, sample: int, clock: Callable[[], float], tell: Told = lambda line: None
) -> Census:
    """Reads the corpus to its end, or until `stop.orders` wants no more. Of a passage that goes on until it is dry, the
    most orders are counted that it may have. `clock`: in seconds. Raises UserError for a
    corpus, a reader or a tokenizer that cannot be used."""
    taker = _Taker(config, sample)
    began = told = clock()
    for found in read_corpus(config.corpus, taker.skipped):
        if not taker.take(found):
            break
        if clock() - told >= TOLD_EVERY_S:
            told = clock()
            tell(f"{taker.documents:,} documents, {taker.passages:,} passages after {told - began:.0f} s")
    return taker.census(clock() - began)


class _Issuer:
    """One queue's part in issuing orders."""

    def __init__(self, config: RunConfig, shard: QueueShard, slots: int) -> None:
        self._settings = service_settings(config, shard)
        self._slots = slots
        self._plan = Plan(self._settings.stop)
        self._issued = 0
        self.wants = True

    def issue(self, passage: Passage) -> list[Order]:
        """The orders of a passage; none once there may be no more."""
        settings = self._settings
        orders = fresh_orders(passage.id, settings.task, range(self._slots), settings.vary, issued=self._issued)
        self.wants = self.wants and not self._plan.is_full(self._issued, len(orders))
        if not self.wants:
            return []
        self._issued += len(orders)
        return orders


class _Taker:
    def __init__(self, config: RunConfig, sample: int) -> None:
        self._config = config
        self._chunker = Chunker(config.corpus.chunking)
        self._slots = most_orders(passage_orders(config))
        self._issuers = [_Issuer(config, shard, self._slots) for shard in QueueShard(0, config.queue.shards).all]
        self._refusals = Refusals()
        self._sample = _Sample(sample, config.seed)
        self._vary: dict[str, Counter[str]] = {}
        self._shares = shares(config.gates)
        self._judged = Counter[str](dict.fromkeys(self._shares, 0))
        self.skipped = Skipped()
        self.documents = self.passages = 0
        self._characters = self._issued = 0
        self._whole = True

    def take(self, found: Document | DocumentRefused) -> bool:
        """Counts a document; whether more are wanted."""
        if isinstance(found, DocumentRefused):
            self._refusals.apply(Refused(0.0, found))
            return True
        self.documents += 1
        for passage in self._chunker.passages(found):
            orders = self._issuers[shard_of(passage.id, len(self._issuers))].issue(passage)
            if orders:
                self._count(passage, orders)
            elif not any(issuer.wants for issuer in self._issuers):
                self._whole = False
                return False
        return True

    def _count(self, passage: Passage, orders: Sequence[Order]) -> None:
        self.passages += 1
        self._characters += len(passage.text)
        self._issued += len(orders)
        self._sample.offer(OrderedPassage(passage, tuple(orders)))
        for order in orders:
            for name, value in order.vary.items():
                self._vary.setdefault(name, Counter())[value] += 1
            for gate, share in self._shares.items():
                self._judged[gate] += in_share(self._config.seed, gate, order.id, share)

    def census(self, seconds: float) -> Census:
        """What was counted so far."""
        return Census(
            CorpusForecast(
                self.documents,
                self.passages,
                self._characters,
                seconds,
                self._refusals.counts(),
                self.skipped.counts(),
                self._whole,
            ),
            OrdersForecast(
                self._issued,
                self._slots,
                min(build_task(self._config).together, self._slots),
                {name: dict(counts) for name, counts in self._vary.items()},
                dict(self._judged),
            ),
            self._sample.kept(),
        )


class _Sample:
    """So many of all that are offered, each as likely as any other: those whose passages have the smallest seeds."""

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._seed = seed
        self._kept: list[tuple[int, int, OrderedPassage]] = []
        self._offered = 0

    def offer(self, passage: OrderedPassage) -> None:
        """Keeps it, perhaps in another's place."""
        entry = (-derived_seed(self._seed, "plan", passage.passage.id), self._offered, passage)
        (heappush if self._offered < self._size else heappushpop)(self._kept, entry)
        self._offered += 1

    def kept(self) -> list[OrderedPassage]:
        """Those that are kept, in the order in which they came."""
        return [passage for _, _, passage in sorted(self._kept, key=lambda kept: kept[1])]
