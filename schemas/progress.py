"""What a run amounts to so far: one fold over the ledger's records, for the live view, the manifest and the report."""

from msgspec import Struct

from schemas.corpus import RefusalReason
from schemas.distributions import AttemptEnd, Distribution, Distributions
from schemas.errors import ErrorKind
from schemas.orders import EndReason, OrderKind
from schemas.probes import Probes
from schemas.recovery import FailureMode, RepairKind
from schemas.samples import MalformedReason
from schemas.verdicts import FAITHFULNESS, REWARD, GateName


class Counts(Struct, frozen=True):
    """Orders by state and end. Law: issued = accepted + dead_lettered + outstanding."""

    issued: int = 0
    accepted: int = 0
    dead_lettered: int = 0
    outstanding: int = 0
    first_pass: int = 0
    """Accepted at the first attempt."""
    rejected: int = 0
    """Orders that were rejected at least once."""
    recovered: int = 0
    """Of those, accepted later."""
    attempts: int = 0
    refused_documents: int = 0
    """Those that the last reading of the corpus could not use either."""
    read_again_documents: int = 0
    """Refused once, and read later."""
    reopened: int = 0
    """Dead letters that were put back (`gleaner replay`), or accepted by their scores; an order counts each time."""

    @property
    def yield_(self) -> float:
        """accepted / issued; 0 when none was issued."""
        return self.accepted / self.issued if self.issued else 0.0

    @property
    def recovery_rate(self) -> float:
        """recovered / rejected; 0 when nothing was rejected."""
        return self.recovered / self.rejected if self.rejected else 0.0


class RoleCost(Struct, frozen=True, omit_defaults=True):
    """What one role took: a generator pool by its name, `faithfulness` or `reward`."""

    role: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    """Summed over calls that ran side by side: not wall time."""
    estimated_tokens: int = 0
    """Of the tokens: the server did not count them."""


class Spent(Struct, frozen=True):
    """What one role took for attempts that ended alike. Of a role, these add up to its RoleCost."""

    role: str
    end: AttemptEnd
    calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float


class KindCount(Struct, frozen=True):
    """Orders of one kind: issued, accepted, and dead-lettered by reason."""

    kind: OrderKind
    issued: int
    accepted: int
    ends: tuple["EndCount", ...] = ()


class RejectedTogether(Struct, frozen=True):
    """Attempts that all of the gates `scored` gave a score, and exactly the gates `rejected` rejected; none: passed."""

    scored: tuple[GateName, ...]
    rejected: tuple[GateName, ...]
    attempts: int


class GateOverlap(Struct, frozen=True, omit_defaults=True):
    """Rejections of the usual two gates over the attempts that both scored, and of whatever gates a run has."""

    scored: int
    both: int
    only_faithfulness: int
    only_reward: int
    sets: tuple[RejectedTogether, ...] = ()
    """Attempts that other gates scored, or other gates as well; empty where a run has but the usual two."""

    @property
    def jaccard(self) -> float:
        """Of the usual two: rejected by both / rejected by either; 0 when neither rejected anything."""
        either = self.both + self.only_faithfulness + self.only_reward
        return self.both / either if either else 0.0

    @property
    def compared(self) -> tuple[RejectedTogether, ...]:
        """Every set of gates, the usual two alone included: they are what `scored` and the others say beside the
        sets."""
        pair = (FAITHFULNESS, REWARD)
        counted: dict[tuple[GateName, ...], int] = {
            (): self.scored - self.both - self.only_faithfulness - self.only_reward
        }
        counted |= {pair: self.both, pair[:1]: self.only_faithfulness, pair[1:]: self.only_reward}
        for row in self.sets:
            if set(pair) <= set(row.scored):
                counted[tuple(gate for gate in pair if gate in row.rejected)] -= row.attempts
        usual = (RejectedTogether(pair, rejected, attempts) for rejected, attempts in counted.items() if attempts)
        return (*usual, *self.sets)


NO_OVERLAP = GateOverlap(scored=0, both=0, only_faithfulness=0, only_reward=0)


class Retrieval(Struct, frozen=True):
    """Verdicts that rest on a search for evidence, and those for which the sample's own passage was found."""

    searches: int = 0
    hits: int = 0

    @property
    def hit_rate(self) -> float:
        """hits / searches; 0 when nothing was searched for."""
        return self.hits / self.searches if self.searches else 0.0


class RepairStat(Struct, frozen=True):
    """How often a repair was tried after a diagnosis, and how often the attempt under it was accepted."""

    mode: FailureMode
    repair: RepairKind
    tried: int
    accepted: int


class CreditCount(Struct, frozen=True, kw_only=True):
    """Rejected solutions that were credited. Laws: begun = labelled + open; rollouts = right + wrong + failed."""

    begun: int = 0
    labelled: int = 0
    decided: int = 0
    """Of the labelled: the first pit was found as surely as asked."""
    restartable: int = 0
    """Of the labelled: there is a good step before the first pit."""
    steps: int = 0
    """Of the labelled solutions, those that can be drawn from: all but each last one."""
    rollouts: int = 0
    """Those of open credits, and late ones, included."""
    right: int = 0
    wrong: int = 0
    failed: int = 0
    """No answer could be had."""
    tokens: int = 0

    @property
    def open(self) -> int:
        """Being credited."""
        return self.begun - self.labelled

    @property
    def per_step(self) -> float:
        """Rollouts for each labelled step; 0 when there is none."""
        return self.rollouts / self.steps if self.steps else 0.0


FIXED = 16
"""Rollouts of each step with a fixed number, what the cost is compared with."""


class EndCount(Struct, frozen=True):
    """Dead letters by reason."""

    reason: EndReason
    orders: int


class EndWords(Struct, frozen=True):
    """Dead letters of one reason whose error begins with the same words."""

    reason: EndReason
    words: str
    orders: int


class ModeCount(Struct, frozen=True):
    """Rejected attempts by diagnosis."""

    mode: FailureMode
    attempts: int


class MalformedCount(Struct, frozen=True):
    """Attempts whose completion was no draft, by why."""

    reason: MalformedReason
    attempts: int


class GateErrors(Struct, frozen=True):
    """Errored verdicts, by gate and kind."""

    gate: GateName
    kind: ErrorKind
    count: int


class GateVerdicts(Struct, frozen=True):
    """What one gate said."""

    gate: GateName
    passed: int
    rejected: int
    errored: int


class EngineErrors(Struct, frozen=True):
    """Orders that ended because no generator answered, by what was the matter."""

    kind: ErrorKind
    count: int


class RefusalCount(Struct, frozen=True):
    """Documents of the corpus that could not be used for one reason, with the first of them."""

    reason: RefusalReason
    documents: int
    uri: str
    detail: str


class Summary(Struct, frozen=True):
    """Everything that is counted."""

    counts: Counts = Counts()
    roles: tuple[RoleCost, ...] = ()
    overlap: GateOverlap = NO_OVERLAP
    modes: tuple[ModeCount, ...] = ()
    malformed: tuple[MalformedCount, ...] = ()
    """Of the mode `malformed`; attempts recorded before reasons were are in none."""
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
    skipped_files: dict[str, int] = {}
    """Files of the corpus's folders that are not read, by suffix, as of the last whole reading."""
    corpus_ended: bool = False
    started_at: float | None = None
    """When the first process of the run began; seconds since the epoch."""
    first_accepted_at: float | None = None
    last_at: float | None = None
    worked_s: float = 0.0
    """Seconds in which a process worked on the run, up to its last record: the one duration that is shown anywhere."""
    end_words: tuple[EndWords, ...] = ()
    """What errors said, of the reasons that are errors."""

    @property
    def tokens(self) -> int:
        return sum(role.prompt_tokens + role.completion_tokens for role in self.roles)


class RunSnapshot(Struct, frozen=True):
    """A run at one moment: the summary, and the queue's depth."""

    at: float
    summary: Summary
    ready: int = 0
    leased: int = 0
    waiting: int = 0
    """Not before a later moment, or until their solution is credited."""
    oldest_s: float = 0.0
    """Age of the oldest order that is ready."""
    rollouts: int = 0
    """Rollouts that are ready or leased, beside the orders."""
    stale: int = 0
    """Outcomes of attempts that were no longer current."""
    recovering: str = ""
    """Of a queue that was made again and waits to be told what conductors hold: its token."""
    unaccounted: int = 0
    """Orders outstanding by the ledger's count less those that the queue holds. Anything but 0 is a lost order."""
    distributions: Distributions = Distributions()
    commits: Distribution = Distribution()
    """Seconds that each transaction of the ledger took, since this process opened it."""

    @property
    def complete(self) -> bool:
        """The corpus has been read to its end; no order, rollout or probe is left to be done."""
        left = self.summary.counts.outstanding + self.summary.probes.outstanding + self.rollouts
        return self.summary.corpus_ended and not left

    @property
    def counts(self) -> Counts:
        return self.summary.counts
