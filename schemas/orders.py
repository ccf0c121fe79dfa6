"""Orders: one request each to produce one sample; how they are leased, and how an attempt ended."""

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

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
"""The role under which second reports on one attempt are paid for."""


class OrderKind(Enum):
    """What an order is for. A repair is a later attempt of the same order, so that an order has one end."""

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

    @staticmethod
    def fresh(passage_id: PassageId, task: str, slot: int) -> "Order":
        return Order(
            id=OrderId(content_id("order", passage_id, task, slot)), passage_id=passage_id, task=task, slot=slot
        )


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
    """What the run has shown of its repairs, from time to time, on the first of several leases (`recovery.policy:
    adaptive`)."""
    probe: Probe | None = None
    """What its first draft is made of: such a lease is of kind probe."""
    beside: tuple[Order, ...] = ()
    """Other orders of the passage, each at its first attempt too: one completion may serve them all."""

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every order of the lease, in the order of their slots."""
        return (self.order, *self.beside)

    def apart(self) -> list["Lease"]:
        """A lease of each of its orders alone."""
        return [replace(self, order=order, beside=()) for order in self.orders] if self.beside else [self]

    @property
    def charged(self) -> int:
        """Attempts of the present budget of `max_attempts`, this one included."""
        return self.attempt - self.attempts_before


class AttemptSummary(Struct, frozen=True, omit_defaults=True):
    """What the diagnoser needs to know of an earlier attempt."""

    mode: str
    repair: str | None
    scores: dict[str, float] = {}


class Attempt(Struct, frozen=True, omit_defaults=True):
    """One whole attempt as the ledger keeps it: text, verdicts, diagnosis and what was decided next."""

    number: int
    repair: Repair | None
    candidate: Candidate | None
    """None when the generator did not answer, or not to the end."""
    verdicts: tuple[Verdict, ...] = ()
    diagnosis: Diagnosis | None = None
    choice: Choice | None = None
    started_at: float = 0.0
    """Seconds since the epoch."""
    seconds: float = 0.0
    earlier: tuple[ModelCall, ...] = ()
    """Calls before the one that the candidate is of; without a candidate, before the one that failed."""
    embedded: Embedded | None = None
    """Of a draft that its gates passed, where the run has an embedder (`judging.embedder`)."""


def calls_of(attempt: Attempt) -> tuple[ModelCall | Candidate, ...]:
    """Every answered call of a generator that this attempt pays for, in order; the candidate is the last one."""
    candidate = attempt.candidate
    return attempt.earlier if candidate is None or candidate.paid_by is not None else (*attempt.earlier, candidate)


def cost_of(attempt: Attempt) -> Cost:
    """What an attempt took: generators, gates and the embedder."""
    taken = sum((paid.cost for paid in (*calls_of(attempt), *attempt.verdicts)), Cost())
    return taken if attempt.embedded is None else taken + attempt.embedded.cost


class EndReason(Enum):
    """Why an order was dead-lettered."""

    REJECTED = "rejected"
    """The policy stopped, or attempts ran out."""
    GATE_ERROR = "gate_error"
    ENGINE_ERROR = "engine_error"
    BUDGET = "budget"
    INTERNAL_ERROR = "internal_error"
    """Our own code failed on this order; `detail` holds where."""


class Accept(Struct, frozen=True, tag="accept"):
    """Every gate passed."""


class Requeue(Struct, frozen=True, tag="requeue", omit_defaults=True):
    """Rejected: try again as the repair says."""

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
    """What is known of the draft where the order is a probe; never of a sample."""


class Recorded(Struct, frozen=True, tag="recorded"):
    """The outcome is durable."""

    order_id: OrderId


class Stale(Struct, frozen=True, tag="stale"):
    """The outcome is of an attempt that is no longer the current one: dropped, and counted."""

    order_id: OrderId


class Likeness(Enum):
    """What two samples of a passage were found alike by."""

    WORDS = "words"
    VECTORS = "vectors"


class Duplicate(Struct, frozen=True, tag="duplicate", omit_defaults=True):
    """Accept was refused: an accepted sample of the passage asks the same. The lease goes on: diagnose and report."""

    order_id: OrderId
    of: OrderId
    question: str
    similarity: float
    threshold: float
    by: Likeness = Likeness.WORDS


Settlement = Recorded | Stale | Duplicate
