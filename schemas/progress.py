"""The counts of a run so far: one fold over the ledger's records, for the live view, the manifest and the report."""

from typing import Annotated

from msgspec import UNSET, Struct, UnsetType

from schemas.bill import HeldTime
from schemas.corpus import RefusalReason
from schemas.credit import CreditCount
from schemas.distributions import SECONDS, AttemptEnd, Distribution, Distributions
from schemas.errors import ErrorKind
from schemas.firsts import FirstCount
from schemas.measures import Exposed, Together, Total, TotalSeconds
from schemas.orders import EndReason, OrderKind
from schemas.outlook import Cohort
from schemas.overlap import NO_OVERLAP, GateOverlap
from schemas.probes import Probes
from schemas.recovery import FailureMode, RepairKind
from schemas.samples import MalformedReason
from schemas.stop import PlanEnd
from schemas.verdicts import GateName

_OUTSTANDING = Exposed(
    "gleaner_orders_outstanding",
    "Orders without an end: ready to be worked on, leased to a conductor, or waiting for a later moment.",
    column="state",
)
_VERDICTS = Exposed("gleaner_verdicts_total", "What each gate said.", column="verdict")
_COMMITS = Exposed(
    "gleaner_commit_seconds", "Time of the ledger's transactions, since the queue started.", bounds=SECONDS
)


class Counts(Struct, frozen=True):
    """Orders by state and end. Law: issued = accepted + dead_lettered + not_needed + outstanding."""

    issued: Total = 0
    accepted: Total = 0
    dead_lettered: Total = 0
    outstanding: Total = 0
    first_pass: Annotated[
        Total, Exposed("gleaner_orders_first_pass_total", "Orders accepted at their first attempt.")
    ] = 0
    rejected: Annotated[
        Total, Exposed("gleaner_orders_rejected_total", "Orders that a gate rejected at least once.")
    ] = 0
    recovered: Annotated[
        Total, Exposed("gleaner_orders_recovered_total", "Orders that were rejected and accepted later.")
    ] = 0
    attempts: Total = 0
    refused_documents: Total = 0
    """Documents whose refusals still hold."""
    read_again_documents: Total = 0
    """Documents that were refused once and read later."""
    reopened: Total = 0
    """Dead letters that were put back or rescored (`gleaner replay`); an order counts each time."""
    not_needed: Total = 0
    """Orders that ended because the run wanted no more samples. They are in no yield."""

    @property
    def ended(self) -> int:
        return self.accepted + self.dead_lettered + self.not_needed

    @property
    def needed(self) -> int:
        """Orders that the yield is a share of: issued, without those that were not needed."""
        return self.issued - self.not_needed

    @property
    def yield_(self) -> float:
        """accepted / needed; 0 when none was."""
        return self.accepted / self.needed if self.needed else 0.0

    @property
    def recovery_rate(self) -> float:
        """recovered / rejected; 0 when nothing was rejected."""
        return self.recovered / self.rejected if self.rejected else 0.0


class RoleCost(Struct, frozen=True, omit_defaults=True):
    """The cost of one role: a pool, a gate or the embedder by its name, or `rollouts`, `probe` or `stale`."""

    role: str
    calls: Total
    prompt_tokens: Total
    completion_tokens: Total
    seconds: TotalSeconds
    """Added up over calls that ran side by side: no wall time."""
    estimated_tokens: Total = 0
    """How many of the tokens are estimates, because the server did not count them."""
    cached_tokens: Total = 0
    """How many of the prompts' tokens engines took from their caches, as far as they say."""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Spent(Struct, frozen=True):
    """The cost of one role for attempts that ended alike. All rows of a role add up to its RoleCost."""

    role: str
    end: AttemptEnd
    calls: Total
    prompt_tokens: Total
    completion_tokens: Total
    seconds: TotalSeconds
    cached_tokens: Total = 0


class KindCount(Struct, frozen=True):
    """Orders of one kind: issued, accepted, dead-lettered by reason, and not needed."""

    kind: OrderKind
    issued: Annotated[Total, Exposed("gleaner_orders_planned_total", "Orders issued.")]
    accepted: Total
    ends: tuple["EndCount", ...] = ()
    not_needed: Total = 0


class Retrieval(Struct, frozen=True):
    """Verdicts based on a search for evidence, and those for which the sample's own passage was found."""

    searches: Annotated[Total, Exposed("gleaner_searches_total", "Verdicts that rest on a search for evidence.")] = 0
    hits: Annotated[
        Total, Exposed("gleaner_searches_hit_total", "Of these, searches that found the sample's own passage.")
    ] = 0

    @property
    def hit_rate(self) -> float:
        """hits / searches; 0 when there was no search."""
        return self.hits / self.searches if self.searches else 0.0


class RepairStat(Struct, frozen=True):
    """How often a repair was tried after a diagnosis, and how often the attempt under it was accepted."""

    mode: FailureMode
    repair: RepairKind
    tried: Annotated[
        Total, Exposed("gleaner_repairs_total", "Attempts made under a repair, by the diagnosis it was chosen for.")
    ]
    accepted: Annotated[Total, Exposed("gleaner_repairs_accepted_total", "Of these, attempts that were accepted.")]
    tokens: Annotated[
        Total, Exposed("gleaner_repair_tokens_total", "Tokens of attempts made under a repair, with those of gates.")
    ] = 0


class EndCount(Struct, frozen=True):
    """Dead letters by reason."""

    reason: EndReason
    orders: Total


class EndWords(Struct, frozen=True):
    """Dead letters of one reason whose error begins with the same words."""

    reason: EndReason
    words: str
    orders: Total


class ModeCount(Struct, frozen=True):
    """Rejected attempts by diagnosis."""

    mode: FailureMode
    attempts: Annotated[Total, Exposed("gleaner_diagnoses_total", "Rejected attempts by the failure mode diagnosed.")]


class MalformedCount(Struct, frozen=True):
    """Attempts whose completion was malformed, by reason."""

    reason: MalformedReason
    attempts: Annotated[
        Total, Exposed("gleaner_malformed_total", "Rejected attempts whose completion was no draft, by what it lacked.")
    ]


class GateErrors(Struct, frozen=True):
    """Errored verdicts, by gate and kind."""

    gate: GateName
    kind: ErrorKind
    count: Total


class GateVerdicts(Struct, frozen=True):
    """The verdicts of one gate."""

    gate: GateName
    passed: Annotated[Total, _VERDICTS]
    rejected: Annotated[Total, _VERDICTS]
    errored: Annotated[Total, _VERDICTS]


_CASCADE = Exposed("gleaner_cascade_verdicts_total", "Verdicts of cascades, by the gate that decided.", "by")


class CascadeCount(Struct, frozen=True):
    """The verdicts of one cascade by the gate that decided: the cheap one alone, or the judge."""

    gate: GateName
    cheap: Annotated[Total, _CASCADE]
    judge: Annotated[Total, _CASCADE]


class SampledGate(Struct, frozen=True):
    """A gate that judges a share of the orders alone (`gates.NAME.share`)."""

    gate: GateName
    unjudged: Annotated[
        Total, Exposed("gleaner_samples_unjudged_total", "Accepted samples that the gate did not judge.")
    ]
    judged: Total
    """Orders of the share, of which a draft passed every other gate."""
    passed: Total
    """Of these, orders whose first such draft the gate passed too."""


class EngineErrors(Struct, frozen=True):
    """Orders that ended because no generator answered, by kind of error."""

    kind: ErrorKind
    count: Total


class RefusalCount(Struct, frozen=True):
    """Documents of the corpus that could not be used for one reason, with the first of them."""

    reason: RefusalReason
    documents: Total
    uri: Annotated[str, Together.FIRST]
    detail: Annotated[str, Together.FIRST]


class StratumCount(Struct, frozen=True):
    """Orders that were given one value of one variable (`task.vary`)."""

    variable: str
    value: str
    issued: Total
    accepted: Total
    dead_lettered: Total
    not_needed: Total


class Carried(Struct, frozen=True):
    """Passages that get orders until they are dry (`task.samples_per_passage: auto`), by the samples that each gave."""

    dry: Annotated[dict[int, int], Together.ADDED] = {}
    """Their last orders gave no sample."""
    capped: Annotated[dict[int, int], Together.ADDED] = {}
    """They had `at_most` orders, and the last ones still gave."""
    going: Total = 0
    """They may still get orders: some of theirs are outstanding, or the run ended before they were dry."""


class DiversityCount(Struct, frozen=True):
    """How alike accepted samples are, of those that one embedder made vectors of. Samples of one queue shard are
    compared with each other."""

    embedder: str
    samples: Total
    pairs: Total
    cosines: Annotated[float, Together.ADDED]
    """The sum over the pairs."""

    @property
    def mean_cosine(self) -> float | None:
        """Of any two samples, in [-1, 1]; None without a pair."""
        return self.cosines / self.pairs if self.pairs else None


class Summary(Struct, frozen=True):
    """All counts: each field is a table."""

    counts: Counts = Counts()
    roles: tuple[RoleCost, ...] = ()
    overlap: GateOverlap = NO_OVERLAP
    modes: tuple[ModeCount, ...] = ()
    malformed: tuple[MalformedCount, ...] = ()
    """Attempts of the mode `malformed`, without those from versions that recorded no reasons."""
    repairs: tuple[RepairStat, ...] = ()
    ends: tuple[EndCount, ...] = ()
    errors: tuple[GateErrors, ...] = ()
    engine_errors: tuple[EngineErrors, ...] = ()
    spent: tuple[Spent, ...] = ()
    kinds: tuple[KindCount, ...] = ()
    verdicts: tuple[GateVerdicts, ...] = ()
    retrieval: Retrieval = Retrieval()
    credit: CreditCount = CreditCount()
    probes: Probes = Probes()
    refusals: tuple[RefusalCount, ...] = ()
    skipped_files: Annotated[dict[str, int], Together.LARGEST] = {}
    """Files in the corpus's folders that are not read, by suffix, at the last whole reading."""
    corpus_ended: Annotated[bool, Together.ALL] = False
    plan_ended: Annotated[PlanEnd | None, Together.FIRST] = None
    """Why no more orders are issued though the corpus may have more; None while they are."""
    all_planned: Annotated[bool, Together.ALL] = False
    """Whether no more orders are issued: the corpus was read to its end, or the plan has ended before."""
    started_at: Annotated[float | None, Together.SMALLEST] = None
    """When the first process of the run began; seconds since the epoch."""
    first_accepted_at: Annotated[float | None, Together.SMALLEST] = None
    first_accepted_s: Annotated[float | None, Together.SMALLEST] = None
    """Seconds of work until then, as in `worked_s`."""
    last_at: Annotated[float | None, Together.LARGEST] = None
    worked_s: Annotated[float, Together.LARGEST] = 0.0
    """Seconds in which a process worked on the run, up to its last record: the one duration that is shown anywhere."""
    end_words: tuple[EndWords, ...] = ()
    """Dead letters by the first words of their errors."""
    sampled: tuple[SampledGate, ...] = ()
    """The gates that judge a share of the orders alone."""
    cascades: tuple[CascadeCount, ...] = ()
    """Which gate decided, of each gate of `form: cascade`."""
    strata: tuple[StratumCount, ...] = ()
    """What came of the orders of each value of each variable that has few of them."""
    carried: Carried | UnsetType = UNSET
    """What passages gave that get orders until they are dry; not there for a run with a number of orders."""
    held: tuple[HeldTime, ...] = ()
    """How long replicas held accelerators, by role; empty in a run of an earlier version."""
    firsts: tuple[FirstCount, ...] = ()
    """The first completions and verdicts of each role; `actors.counts.advice` makes advice of them."""
    diversity: tuple[DiversityCount, ...] = ()
    """How alike accepted samples are, of a run with an embedder."""
    cohort: Cohort = Cohort()
    """The orders that were issued first: what the rest is reckoned by."""

    @property
    def tokens(self) -> int:
        return sum(role.tokens for role in self.roles)


class RunSnapshot(Struct, frozen=True):
    """A run at one moment: the summary, and the queue's depth."""

    at: Annotated[float, Together.LARGEST]
    summary: Summary
    ready: Annotated[Total, _OUTSTANDING] = 0
    leased: Annotated[Total, _OUTSTANDING] = 0
    waiting: Annotated[Total, _OUTSTANDING] = 0
    """Orders that wait until their solution is credited, or until a time limit."""
    oldest_s: Annotated[
        float, Together.LARGEST, Exposed("gleaner_queue_oldest_seconds", "Age of the oldest order that is ready.")
    ] = 0.0
    rollouts: Annotated[
        Total,
        Exposed(
            "gleaner_rollouts_outstanding", "Rollouts asked for and not answered; they are in no other count of orders."
        ),
    ] = 0
    stale: Annotated[
        Total,
        Exposed(
            "gleaner_outcomes_stale_total",
            "Outcomes dropped because their attempt was no longer the current one, since the queue started.",
        ),
    ] = 0
    recovering: Annotated[str, Together.FIRST] = ""
    """The token of a restarted queue that still waits for its conductors to join; "" otherwise."""
    unaccounted: Annotated[
        Total,
        Exposed(
            "gleaner_orders_unaccounted",
            "Orders planned less accepted, dead-lettered, not needed and outstanding ones: "
            "anything but 0 is a lost or doubled order.",
        ),
    ] = 0
    distributions: Distributions = Distributions()
    commits: Annotated[Distribution, _COMMITS] = Distribution()

    @property
    def complete(self) -> bool:
        """Whether no more orders are issued and no order, rollout or probe is outstanding."""
        left = self.summary.counts.outstanding + self.summary.probes.outstanding + self.rollouts
        return self.summary.all_planned and not left

    @property
    def counts(self) -> Counts:
        return self.summary.counts
