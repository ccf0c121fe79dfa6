"""What the queue holds of one outstanding order, the accepted samples of the passages, and the queue's limits.

Law: nothing here outlives its passage's last outstanding order, so memory grows with the queue, not with the run.
"""

from collections.abc import Callable, Sequence
from enum import Enum

from msgspec import Struct

from actors.ledger.attempts import draft_of, vector_of
from actors.text.vectors import cosine
from schemas.corpus import Passage
from schemas.ids import PassageId
from schemas.ledger import AskedBefore, Planned
from schemas.order_kinds import KindPolicy
from schemas.orders import Attempt, AttemptSummary, Duplicate, Lease, Likeness, Order
from schemas.probes import Probe
from schemas.recovery import Repair
from schemas.samples import Draft
from schemas.stop import WHOLE
from schemas.vectors import Vector

Similarity = Callable[[Draft, Draft], float]
"""The similarity of two samples of one passage by their words, in [0, 1]."""


class QueueLimits(Struct, frozen=True):
    """Limits. `fresh_share`: of leases, while repairs wait too, in [0, 1]; `rollout_share`: while other orders wait
    too. `tokens`: generator and gate tokens of the run; None: no limit."""

    max_attempts: int
    lease_s: float
    fresh_share: float
    tokens: int | None = None
    similarity_threshold: float = 0.9
    """Samples at least this similar by their words are near-duplicates."""
    vector_threshold: float | None = None
    """Samples whose vectors have at least this cosine are near-duplicates; None: vectors are not compared."""
    axis: str | None = None
    """The variable whose values are the strata of the run's quotas; None: it has none."""
    rollout_share: float = 0.0
    together: int = 1
    """The most orders of one passage in one lease."""


class Depth(Struct, frozen=True):
    """Outstanding orders of samples by state, and when the oldest ready one became ready."""

    ready: int
    leased: int
    waiting: int
    oldest_since: float | None
    rollouts: int = 0
    """Outstanding rollouts; they are in no other number here."""


class OrderState(Enum):
    """The state of an outstanding order."""

    READY = "ready"
    LEASED = "leased"
    WAITING = "waiting"


class Held(Struct):
    """One outstanding order. `policy`: of its kind; `since`: when its state began. `stamp` changes with every move, so
    that old heap entries are recognised."""

    order: Order
    policy: KindPolicy
    passage: Passage
    since: float
    attempt: int = 1
    stamp: int = 0
    state: OrderState = OrderState.READY
    repair: Repair | None = None
    conductor: str | None = None
    history: tuple[AttemptSummary, ...] = ()
    lent: int = 0
    """How often the present attempt was leased: its cost may be charged as often."""
    attempts_before: int = 0
    """Attempts made before the order was put back from the dead letters."""
    probe: Probe | None = None
    """The probe that the order sends through the gates; None for other kinds."""
    stratum: str = WHOLE
    """The stratum that a sample counts for."""

    def lease(self, expires_at: float, beside: Sequence["Held"]) -> Lease:
        """A lease of the present attempt, shared with other orders of its passage, all at their first attempt."""
        others = tuple(other.order for other in beside)
        before, probe = self.attempts_before, self.probe
        return Lease(
            self.order, self.passage, self.attempt, expires_at, self.repair, self.history, before, None, probe, others
        )

    def told(self) -> str:
        """The order's history in one line, for an error message."""
        story = " → ".join(f"{past.mode or 'first'} ({past.repair or 'fresh'})" for past in self.history)
        return f"order {self.order.id} ({self.state.value}, attempt {self.attempt}; {story or 'no attempt yet'})"


class AskedQuestions:
    """The accepted samples of each passage that has outstanding orders.

    Law: two samples are near-duplicates by their words or, with a `vector_threshold`, by their vectors. Samples without
    vectors of the same embedder are compared by their words alone.
    """

    def __init__(self, similarity: Similarity, threshold: float, vector_threshold: float | None = None) -> None:
        self._similarity = similarity
        self._threshold = threshold
        self._vector_threshold = vector_threshold
        self._accepted: dict[PassageId, list[AskedBefore]] = {}
        self._forgotten: tuple[PassageId, list[AskedBefore]] | None = None
        """Of the passage that was forgotten last."""

    @property
    def passages(self) -> set[PassageId]:
        """The passages that have accepted samples."""
        return set(self._accepted)

    def add(self, order: Order, attempt: Attempt) -> None:
        """The order's sample was accepted."""
        draft = draft_of(attempt)
        if draft is not None:
            accepted = AskedBefore(order.id, draft, vector_of(attempt))
            self._accepted.setdefault(order.passage_id, []).append(accepted)

    def planned(self, planned: Planned, *, is_open: bool) -> None:
        """A passage gets orders. `is_open`: it has others that are outstanding.

        Orders that follow the passage's last end do so in the ledger too, before another passage is forgotten."""
        passage_id = planned.passage.id
        if planned.asked and not is_open:
            self.remember(passage_id, planned.asked)
        elif planned.follows and self._forgotten is not None and self._forgotten[0] == passage_id:
            self.remember(*self._forgotten)

    def remember(self, passage_id: PassageId, asked: Sequence[AskedBefore]) -> None:
        """Restores the accepted samples of a passage that had been forgotten."""
        if asked:
            self._accepted[passage_id] = list(asked)

    def again(self, order: Order, attempt: Attempt) -> Duplicate | None:
        """The first accepted sample of the same passage that is a near-duplicate."""
        draft = draft_of(attempt)
        if draft is None:
            return None
        for accepted in self._accepted.get(order.passage_id, ()):
            by, similarity, threshold = Likeness.WORDS, self._similarity(draft, accepted.draft), self._threshold
            if similarity < threshold and self._vector_threshold is not None:
                alike = _alike(vector_of(attempt), accepted.vector)
                if alike is not None and alike >= self._vector_threshold:
                    by, similarity, threshold = Likeness.VECTORS, alike, self._vector_threshold
            if similarity >= threshold:
                said = next(iter(accepted.draft.fields.values()), "")
                return Duplicate(order.id, accepted.order_id, said, similarity, threshold, by)
        return None

    def lacks_vector(self, order: Order, attempt: Attempt) -> bool:
        """Whether an accepted sample of the passage has a vector to compare with, and the attempt has none."""
        if self._vector_threshold is None or vector_of(attempt) is not None:
            return False
        return any(accepted.vector is not None for accepted in self._accepted.get(order.passage_id, ()))

    def forget(self, passage_id: PassageId) -> None:
        """The last order of the passage has ended."""
        self._forgotten = passage_id, self._accepted.pop(passage_id, [])


def _alike(one: Vector | None, other: Vector | None) -> float | None:
    """The cosine of two vectors; None if they cannot be compared."""
    return None if one is None or other is None else cosine(one, other)
