"""The ledger's records: the queue's events, in order. Replaying them rebuilds the queue and every count."""

from enum import Enum

from msgspec import Struct

from schemas.bill import HeldTime
from schemas.corpus import DocumentRefused, Passage
from schemas.credit import CreditLabel, CreditTarget, KnownDraws, KnownStart, PolicyVersion
from schemas.ids import OrderId, PassageId, PoolName
from schemas.orders import Attempt, AttemptSummary, DeadLetter, Order
from schemas.probes import Probe, ProbeEnd, ProbeFacts
from schemas.recovery import Repair, RepairKind
from schemas.samples import Cost, Draft
from schemas.stop import PlanEnd
from schemas.until_dry import UntilDry
from schemas.vectors import Vector


class RunStarted(Struct, frozen=True, tag="run_started"):
    """A process began (or resumed) the run. `config_sha256` is of the resolved configuration."""

    at: float
    config_sha256: str
    versions: dict[str, str]


class AskedBefore(Struct, frozen=True, omit_defaults=True):
    """An accepted sample, which a later sample of its passage must not repeat."""

    order_id: OrderId
    draft: Draft
    vector: Vector | None = None


class Planned(Struct, frozen=True, tag="planned", omit_defaults=True):
    """A passage was planned: its orders were issued. Again for a known passage when it gets more of them."""

    at: float
    passage: Passage
    orders: tuple[Order, ...]
    asked: tuple[AskedBefore, ...] = ()
    """The accepted samples of a passage that was planned before, if its orders had all ended."""
    until: UntilDry | None = None
    """The rule under which the orders were issued; None: the configuration has a number."""
    follows: bool = False
    """Whether the passage's last end was what issued them, in the same transaction: the passage still gives. The corpus
    was not read for them, and the samples that it must not repeat are the ones known at that end."""


class Rejoined(Struct, frozen=True, tag="rejoined", omit_defaults=True):
    """An attempt was rejected and its order goes back to the queue with a repair (in `attempt.choice`)."""

    at: float
    order_id: OrderId
    attempt: Attempt


class AcceptedEnd(Struct, frozen=True, tag="accepted"):
    """An attempt was accepted: its order ended as a sample."""

    at: float
    order_id: OrderId
    attempt: Attempt


class DeadLetteredEnd(Struct, frozen=True, tag="dead_lettered"):
    """An order ended without a sample; `attempt` is None if no report ended it."""

    at: float
    order_id: OrderId
    attempt: Attempt | None
    end: DeadLetter


class NotNeededEnd(Struct, frozen=True, tag="not_needed", omit_defaults=True):
    """An order ended because the run wants no more samples. It is neither a sample nor a dead letter."""

    at: float
    order_id: OrderId
    attempt: Attempt | None = None
    """The attempt that was in flight then, whatever became of it; None if none was."""


class PlanEnded(Struct, frozen=True, tag="plan_ended"):
    """This queue issues no more orders, though its corpus may have more. A `StopRaised` undoes it; so does a later
    start, unless the run was ended by `gleaner end`."""

    at: float
    why: PlanEnd


class StopRaised(Struct, frozen=True, tag="stop_raised"):
    """The run is to go on (`gleaner run --more`). In every shard's ledger."""

    at: float
    more: int
    """What was asked for."""
    accepted: int
    """The accepted samples that the whole run is to end with."""
    stop: int | None
    """`stop.accepted` of the configuration then; when that is changed, it holds in place of this record."""


class Reopened(Struct, frozen=True, tag="reopened", omit_defaults=True):
    """A dead-lettered order is outstanding again (`gleaner replay`). It holds what the queue had forgotten of it."""

    at: float
    order: Order
    passage: Passage
    end_seq: int
    """Sequence number of the end that no longer holds."""
    end: DeadLetter
    """The end that no longer holds."""
    rejected: bool
    """Whether a gate has rejected one of its attempts."""
    history: tuple[AttemptSummary, ...] = ()
    """Every attempt so far, oldest first."""
    times: int = 1
    """How often the order has been put back, this time included."""
    repair: Repair | None = None
    """The repair of the next attempt, as it was chosen last; None: a fresh attempt."""
    first_repair: RepairKind | None = None
    """The first repair it was requeued with; None if it never was."""
    asked: tuple[AskedBefore, ...] = ()
    """The accepted samples of its passage."""
    drawn: tuple[KnownDraws, ...] = ()
    """Rollouts of its passage that were made (credit), so that none is made again. Not in ledgers before version 5."""
    starts: tuple[KnownStart, ...] = ()
    """First attempts of its passage's orders that were judged (credit): the problem's own solve rate."""
    changed: tuple[str, ...] = ()
    """The changes of the configuration that came with it, key by key."""

    @property
    def order_id(self) -> OrderId:
        return self.order.id

    @property
    def attempts_before(self) -> int:
        """Attempts so far. The next has this number plus one; from it, `max_attempts` counts anew."""
        return len(self.history)


class Rescored(Struct, frozen=True, tag="rescored"):
    """A dead letter is accepted: with its recorded scores, its last attempt passes every gate as configured now
    (`gleaner replay --rescore`).

    Law: it follows its order's `Reopened` in the same transaction. No attempt was made for it, and nothing was spent.
    """

    at: float
    order_id: OrderId
    attempt: Attempt
    """The order's last attempt, with the verdicts that its scores give now. The attempt is counted already."""


class Reconfigured(Struct, frozen=True, tag="reconfigured"):
    """The folder's run.yaml was replaced: attempts recorded up to here ran under `before`, or an earlier one."""

    at: float
    before: str
    """The run.yaml until then."""
    models: dict[PoolName, str]
    """Pools of that run.yaml by name, with their models."""
    changed: tuple[str, ...]
    """The changes that matter to samples, key by key."""


class CreditBegun(Struct, frozen=True, tag="credit_begun"):
    """The credit of a rejected solution begins. Law: each ends with one `Credited`, however its order ends."""

    at: float
    order_id: OrderId
    target: CreditTarget
    passage: Passage


class Rolled(Struct, frozen=True, tag="rolled", omit_defaults=True):
    """One rollout ended: a continuation of a prefix, verified. It is no sample, and in no count of samples."""

    at: float
    order_id: OrderId
    """The rollout's own id, from its prefix and draw."""
    passage_id: PassageId
    prefix: str
    draw: int
    policy: PolicyVersion
    right: bool | None
    """Whether its final answer is the reference answer; None: no answer could be compared."""
    text: str = ""
    """The text that continues the prefix."""
    cost: Cost = Cost()
    """Cost of the pool and the gates together."""


class Credited(Struct, frozen=True, tag="credited"):
    """The credit of a rejected solution is known. An order that waited for it goes on."""

    at: float
    order_id: OrderId
    label: CreditLabel


class StaleReport(Struct, frozen=True, tag="stale_report"):
    """A second report on one attempt: it changes nothing, but its cost is counted. The attempt was leased again after
    its lease ended or its conductor died, and both conductors reported."""

    at: float
    order_id: OrderId
    attempt: int
    cost: Cost
    """Cost of the pools and the gates together."""


class Metered(Struct, frozen=True, tag="metered"):
    """How long replicas have held accelerators since the last such record. What a killed run had not recorded is not
    counted: at most what a period of `METER_S` is (`deployments.ray.supervisor`)."""

    at: float
    held: tuple[HeldTime, ...]


class Voided(Struct, frozen=True, tag="voided"):
    """Takes the place of a record that could not be replayed, and keeps its bytes (`gleaner repair`)."""

    at: float
    was: str
    """The kind of record."""
    why: str
    """The error when it was replayed."""
    body: bytes
    """The record itself, as it was stored."""


class Refused(Struct, frozen=True, tag="refused"):
    """A document of the corpus could not be used."""

    at: float
    document: DocumentRefused


class CorpusEnded(Struct, frozen=True, tag="corpus_ended"):
    """The reader came to the end: no more passages will come."""

    at: float
    documents: int
    passages: int
    skipped: dict[str, int] = {}
    """Files in the corpus's folders that are not read, by suffix; the same in every shard's ledger."""
    read_again: tuple[DocumentRefused, ...] = ()
    """Refusals by an earlier reading that are over, because this reading could use the documents. In the ledger that
    holds the refusals."""


class ProbeIssued(Struct, frozen=True, tag="probe_issued"):
    """A probe is outstanding from now on: recorded with the first attempt of the order that it goes beside."""

    at: float
    probe: Probe

    @property
    def order_id(self) -> OrderId:
        return self.probe.id


class ProbeRejoined(Struct, frozen=True, tag="probe_rejoined"):
    """A probe's attempt was rejected, and it goes back to the queue with a repair (in `attempt.choice`)."""

    at: float
    order_id: OrderId
    attempt: Attempt
    facts: ProbeFacts


class ProbeEnded(Struct, frozen=True, tag="probe_ended", omit_defaults=True):
    """A probe ended."""

    at: float
    order_id: OrderId
    """The probe's id."""
    end: ProbeEnd
    attempt: Attempt | None
    """Its last attempt; None if no report ended the probe."""
    facts: ProbeFacts
    detail: str = ""
    """Why it was not judged, if it was not."""


class ShardKind(Enum):
    """The content of a shard."""

    DATASET = "dataset"
    DEAD_LETTERS = "dead_letters"


class ShardWritten(Struct, frozen=True, tag="shard_written", omit_defaults=True):
    """A shard is on disk under its final name. It holds the ends of its kind with numbers in [first_seq, last_seq].

    A later record of the same kind and first_seq takes its place.
    """

    at: float
    kind: ShardKind
    name: str
    """Path relative to the output folder."""
    rows: int
    sha256: str
    first_seq: int
    last_seq: int
    without: int = 0
    """Ends in the range without a row, because they no longer held when the shard was written."""


Record = (
    RunStarted
    | Planned
    | Rejoined
    | AcceptedEnd
    | DeadLetteredEnd
    | NotNeededEnd
    | Reopened
    | Rescored
    | Reconfigured
    | CreditBegun
    | Rolled
    | Credited
    | Refused
    | CorpusEnded
    | PlanEnded
    | StopRaised
    | ShardWritten
    | ProbeIssued
    | ProbeRejoined
    | ProbeEnded
    | StaleReport
    | Metered
    | Voided
)
