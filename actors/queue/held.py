"""What the queue keeps while orders are outstanding: the orders themselves, and what was asked of their passages; and
its bounds.

Law: nothing here outlives its passage's last outstanding order, so memory is bounded by the queue, not by the run.
"""

from collections.abc import Callable, Sequence
from enum import Enum

from msgspec import Struct

from actors.ledger.attempts import draft_of
from schemas.corpus import Passage
from schemas.ids import OrderId, PassageId
from schemas.ledger import AskedBefore
from schemas.orders import Attempt, AttemptSummary, Duplicate, Order
from schemas.recovery import Repair
from schemas.samples import Draft, answered

Similarity = Callable[[Draft, Draft], float]
"""How alike two samples of one passage are, in [0, 1]."""


class QueueLimits(Struct, frozen=True):
    """Bounds. `fresh_share`: of leases while repairs wait too, in [0, 1]. `tokens`: generator and gate tokens of the
    run; None for no bound."""

    max_attempts: int
    lease_s: float
    fresh_share: float
    tokens: int | None = None
    similarity_threshold: float = 0.9


class Depth(Struct, frozen=True):
    """Outstanding orders by state, and when the oldest ready one became so."""

    ready: int
    leased: int
    waiting: int
    oldest_since: float | None
    rollouts: int = 0
    """Those that are ready or leased; they are in no other number here."""


class OrderState(Enum):
    """Where an outstanding order is."""

    READY = "ready"
    LEASED = "leased"
    WAITING = "waiting"


class Held(Struct):
    """One outstanding order. `stamp` changes with every move, so that old heap entries are known as such."""

    order: Order
    passage: Passage
    attempt: int
    stamp: int
    state: OrderState
    since: float
    repair: Repair | None = None
    conductor: str | None = None
    history: tuple[AttemptSummary, ...] = ()
    lent: int = 0
    """How often the present attempt was leased: so often it may be paid for."""
    attempts_before: int = 0
    """Of earlier lives: made before the order was put back from the dead letters."""

    def told(self) -> str:
        """The order's story so far, for an error's one line."""
        story = " → ".join(f"{past.mode or 'first'} ({past.repair or 'fresh'})" for past in self.history)
        return f"order {self.order.id} ({self.state.value}, attempt {self.attempt}; {story or 'no attempt yet'})"


class AskedQuestions:
    """The accepted samples of each passage that has outstanding orders."""

    def __init__(self, similarity: Similarity, threshold: float) -> None:
        self._similarity = similarity
        self._threshold = threshold
        self._accepted: dict[PassageId, list[tuple[OrderId, Draft]]] = {}

    @property
    def passages(self) -> set[PassageId]:
        """Those that something was accepted of."""
        return set(self._accepted)

    def add(self, order: Order, attempt: Attempt) -> None:
        """The order's sample was accepted."""
        draft = draft_of(attempt)
        if draft is not None:
            self._accepted.setdefault(order.passage_id, []).append((order.id, draft))

    def remember(self, passage_id: PassageId, asked: Sequence[AskedBefore]) -> None:
        """Accepted samples of a passage that had been forgotten."""
        if asked:
            self._accepted[passage_id] = [(each.order_id, answered(each.question, each.answer)) for each in asked]

    def again(self, order: Order, attempt: Attempt) -> Duplicate | None:
        """The first accepted sample of the same passage that asks (nearly) the same."""
        draft = draft_of(attempt)
        if draft is None:
            return None
        for other, accepted in self._accepted.get(order.passage_id, ()):
            similarity = self._similarity(draft, accepted)
            if similarity >= self._threshold:
                return Duplicate(order.id, other, accepted.question, similarity, self._threshold)
        return None

    def forget(self, passage_id: PassageId) -> None:
        """Its last order has ended."""
        self._accepted.pop(passage_id, None)
