"""Orders, each a request for one sample; leases; attempts, and how they ended."""

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from schemas.bands import Band
from schemas.corpus import Passage
from schemas.errors import ErrorKind
from schemas.flaws import Probed
from schemas.ids import OrderId, PassageId, content_id
from schemas.probes import Probe
from schemas.recovery import Choice, Diagnosis, Experience, Repair
from schemas.samples import Candidate, Cost, ModelCall
from schemas.vectors import Embedded
from schemas.verdicts import GateName, Verdict

STALE = "stale"
"""The role to which second reports on one attempt are charged."""


class OrderKind(Enum):
    """The purpose of an order. A repair is a later attempt of the same order, so that an order has one end."""

    FRESH = "fresh"
    ROLLOUT = "rollout"
    PROBE = "probe"


class Order(Struct, frozen=True, omit_defaults=True):
    """One request to produce one sample from one passage. `slot` counts the orders of a passage from 0."""

    id: OrderId
    passage_id: PassageId
    task: str
    slot: int
    kind: OrderKind = OrderKind.FRESH
    vary: dict[str, str] = {}
    """The variables that were drawn for it, by name (`task.vary`)."""

    @staticmethod
    def fresh(passage_id: PassageId, task: str, slot: int, vary: dict[str, str] | None = None) -> "Order":
        """The order of that number of a passage. What is drawn for it is no part of its id."""
        of = OrderId(content_id("order", passage_id, task, slot))
        return Order(of, passage_id, task, slot, vary=vary or {})


class Lease(Struct, frozen=True, omit_defaults=True):
    """Permission to make attempt number `attempt` (from 1) of an order until `expires_at` (seconds, the queue's clock).

    A lease is a hint; the attempt number is the truth: a result for any other attempt is stale.
    """

    order: Order
    passage: Passage
    attempt: int
    expires_at: float
    repair: Repair | None = None
    """The directive of this attempt; None for the first."""
    history: tuple["AttemptSummary", ...] = ()
    """Earlier attempts, oldest first: evidence for the diagnoser."""
    attempts_before: int = 0
    """Attempts made before the order was put back from the dead letters (`gleaner replay`); 0 if it never was."""
    learnt: Experience | None = None
    """The results of the run's repairs so far (`recovery.policy: adaptive`). Only some leases bring them."""
    probe: Probe | None = None
    """The probe of an order of kind probe; None for others."""
    beside: tuple[Order, ...] = ()
    """Other orders of the passage, at their first attempts too: one completion may serve them all."""
    bands: dict[GateName, Band] = {}
    """Of cascades (`form: cascade`), as far as probes have calibrated them."""

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every order of the lease: `order`, then `beside`."""
        return (self.order, *self.beside)

    def apart(self) -> list["Lease"]:
        """One lease for each of its orders."""
        return [replace(self, order=order, beside=()) for order in self.orders] if self.beside else [self]

    @property
    def charged(self) -> int:
        """Attempts that count towards `max_attempts`, this one included."""
        return self.attempt - self.attempts_before


class AttemptSummary(Struct, frozen=True, omit_defaults=True):
    """An earlier attempt, as far as the diagnoser needs it."""

    mode: str
    repair: str | None
    scores: dict[str, float] = {}


class Attempt(Struct, frozen=True, omit_defaults=True):
    """One whole attempt as the ledger keeps it: text, verdicts, diagnosis and the choice of a repair."""

    number: int
    repair: Repair | None
    candidate: Candidate | None
    """None if the attempt failed before a completion was read, mostly because no generator answered."""
    verdicts: tuple[Verdict, ...] = ()
    diagnosis: Diagnosis | None = None
    choice: Choice | None = None
    started_at: float = 0.0
    """Seconds since the epoch."""
    seconds: float = 0.0
    earlier: tuple[ModelCall, ...] = ()
    """Calls before the candidate's own; without a candidate, before the call that failed."""
    embedded: Embedded | None = None
    """The vector of a draft that its gates passed, if the run has an embedder (`judging.embedder`)."""
    unjudged: tuple[GateName, ...] = ()
    """Gates that were not asked about the draft, because its order is not in their share (`gates.NAME.share`)."""


def calls_of(attempt: Attempt) -> tuple[ModelCall | Candidate, ...]:
    """Every answered call of a generator that is charged to this attempt, in order; the candidate is the last one."""
    candidate = attempt.candidate
    return attempt.earlier if candidate is None or candidate.paid_by is not None else (*attempt.earlier, candidate)


def cost_of(attempt: Attempt) -> Cost:
    """The cost of an attempt: generators, gates and the embedder."""
    taken = sum((paid.cost for paid in (*calls_of(attempt), *attempt.verdicts)), Cost())
    return taken if attempt.embedded is None else taken + attempt.embedded.cost


class EndReason(Enum):
    """Why an order was dead-lettered."""

    REJECTED = "rejected"
    """The policy stopped, or no attempts are left."""
    GATE_ERROR = "gate_error"
    ENGINE_ERROR = "engine_error"
    BUDGET = "budget"
    INTERNAL_ERROR = "internal_error"
    """Our own code, or a user's, failed on this order; `detail` says where."""


class Accept(Struct, frozen=True, tag="accept"):
    """Every gate passed."""


class Requeue(Struct, frozen=True, tag="requeue", omit_defaults=True):
    """Rejected: the next attempt follows the repair."""

    repair: Repair


class DeadLetter(Struct, frozen=True, tag="dead_letter", omit_defaults=True):
    """The order ends without a sample."""

    reason: EndReason
    detail: str = ""
    gates: tuple[GateName, ...] = ()
    error: ErrorKind | None = None


Decision = Accept | Requeue | DeadLetter


class Holding(Struct, frozen=True):
    """An attempt that a conductor works on."""

    order_id: OrderId
    attempt: int


class Outcome(Struct, frozen=True, omit_defaults=True):
    """A conductor's report on one lease."""

    order_id: OrderId
    attempt: Attempt
    decision: Decision
    probed: Probed | None = None
    """Worth and flaw of the draft of a probe; None for samples."""


class Recorded(Struct, frozen=True, tag="recorded"):
    """The outcome is durable."""

    order_id: OrderId


class Stale(Struct, frozen=True, tag="stale"):
    """The outcome is for an attempt that is not the current one: it is dropped, and counted."""

    order_id: OrderId


class Likeness(Enum):
    """How two samples of a passage were found to be near-duplicates."""

    WORDS = "words"
    VECTORS = "vectors"


class Duplicate(Struct, frozen=True, tag="duplicate", omit_defaults=True):
    """Accept was refused: the draft is a near-duplicate of an accepted sample. The conductor decides again and
    reports."""

    order_id: OrderId
    of: OrderId
    question: str
    similarity: float
    threshold: float
    by: Likeness = Likeness.WORDS


Settlement = Recorded | Stale | Duplicate
