"""A gate's verdict: passed, rejected or errored, as three types. An error is never a rejection."""

from typing import NewType

from msgspec import Struct

from schemas.bands import Band
from schemas.code import CodeExecution
from schemas.corpus import Passage
from schemas.errors import ErrorKind
from schemas.ids import PassageId
from schemas.queries import Execution
from schemas.recovery import FailureMode
from schemas.samples import Cost, Draft, Lane, Message, Texts, texts_of

GateName = NewType("GateName", str)
"""The name of a check in verdicts, counts, metrics and files: its key under `gates`, or one of these."""

FORMAT = GateName("format")
"""The completion could be read as a draft."""
PROVENANCE = GateName("provenance")
"""The passage agrees with its id, and a given quote is in it."""
DIVERSITY = GateName("diversity")
"""The draft is no near-duplicate of an accepted sample of the passage: the queue's own check."""
FAITHFULNESS = GateName("faithfulness")
REWARD = GateName("reward")
VERIFIER = GateName("verifier")

VERDICT_CUT_OFF = "the verdict was cut off at the token limit"
"""The detail of an errored verdict when the judge reached its `max_tokens`."""

ALWAYS_ASKED = (FORMAT, PROVENANCE, DIVERSITY)
"""Checks that every run has, so that no configuration names them."""
KNOWN_GATES = (FORMAT, PROVENANCE, FAITHFULNESS, REWARD, VERIFIER, DIVERSITY)
"""The usual gates, in the order of their score columns in files."""
MODEL_GATES = (FAITHFULNESS, REWARD)
"""The usual gates that have a model."""


class Quote(Struct, frozen=True, omit_defaults=True):
    """Words of a passage, with their exact place: `passage.text[start:end] == text`."""

    text: str
    start: int
    end: int
    passage_id: PassageId | None = None
    """The passage that holds them; None: the sample's own."""


class ClaimEvidence(Struct, frozen=True, omit_defaults=True):
    """One claim of an answer and the quote that supports it. `discounted`: why a given quote does not count."""

    claim: str
    supported: bool
    quote: Quote | None = None
    discounted: str | None = None


class Shown(Struct, frozen=True, omit_defaults=True):
    """What a judge was shown in place of the sample's own passage: passages found by a search, or nothing."""

    searched: bool
    """Whether there was a search."""
    passages: tuple[PassageId, ...] = ()
    """The best first; empty if nothing was shown."""
    rank: int | None = None
    """The rank of the sample's own passage among them, from 1; None if it was not among them."""


class Raised(Struct, frozen=True):
    """A repaired sample's threshold, raised so that several attempts do not pass a gate more easily than one."""

    configured: float
    """The threshold of a first attempt."""
    attempt: int


class CascadeStep(Struct, frozen=True, omit_defaults=True):
    """A gate that a cascade asked, and what that cost."""

    gate: GateName
    score: float | None = None
    """In [0, 1]; None: it could not judge."""
    cost: Cost = Cost()
    error: ErrorKind | None = None


class Cascaded(Struct, frozen=True, omit_defaults=True):
    """How a cascade came to its verdict. `steps`: the gates in the order in which they were asked; the score is that of
    the last one, which decided."""

    steps: tuple[CascadeStep, ...]
    band: Band | None = None
    """The band of that moment; None: probes were too few, so the judge decided."""

    @property
    def decided_by(self) -> GateName:
        return self.steps[-1].gate


class Evidence(Struct, frozen=True, omit_defaults=True):
    """Why a gate decided as it did."""

    claims: tuple[ClaimEvidence, ...] = ()
    dimensions: dict[str, float] = {}
    """Named parts of a score (a rubric's dimensions), each in [0, 1]."""
    note: str = ""
    shown: Shown | None = None
    """What the judge read instead of the exact passage; None if it read that."""
    raised: Raised | None = None
    """Set if the verdict's threshold is not the configured one (`recovery.bar`)."""
    executions: tuple[Execution, ...] = ()
    """The draft's query as it was executed, then the second query that it was compared with, if there is one."""
    cascade: Cascaded | None = None
    """Of a gate of `form: cascade`: which gates were asked, and which decided."""
    code: CodeExecution | None = None
    """The draft's function as it was executed with its tests."""


class Passed(Struct, frozen=True, tag="passed", omit_defaults=True):
    """The check was made and the draft reached its threshold."""

    gate: GateName
    score: float
    """In [0, 1], higher is better; at least `threshold`."""
    threshold: float
    evidence: Evidence = Evidence()
    cost: Cost = Cost()


class Rejected(Struct, frozen=True, tag="rejected", omit_defaults=True):
    """The check was made and the draft stayed below its threshold."""

    gate: GateName
    score: float
    """In [0, 1]; below `threshold`."""
    threshold: float
    evidence: Evidence = Evidence()
    cost: Cost = Cost()
    mode: FailureMode | None = None
    """Why, if the gate itself knows; None: the diagnoser finds out."""


class Errored(Struct, frozen=True, tag="errored", omit_defaults=True):
    """The gate could not judge: neither passed nor rejected."""

    gate: GateName
    error: ErrorKind
    detail: str
    cost: Cost = Cost()
    """Cost of all tries."""
    asked: tuple[Message, ...] = ()
    """The prompt of the last try that its model answered; empty if it never answered."""
    said: str = ""
    """The beginning of the model's last answer."""
    cascade: Cascaded | None = None
    """Of a gate of `form: cascade`: which gates were asked."""


Verdict = Passed | Rejected | Errored


def asks_a_model(said: Verdict) -> bool:
    """Whether the verdict is charged to a role of its own: its gate is one of the usual models, or it took tokens."""
    return said.gate in MODEL_GATES or said.cost.tokens > 0


def cascade_of(said: Verdict) -> Cascaded | None:
    """How a cascade came to the verdict; None if its gate is none."""
    return said.cascade if isinstance(said, Errored) else said.evidence.cascade


def charged(said: Verdict) -> tuple[tuple[GateName, Cost], ...]:
    """Each gate that a verdict is charged to, with its cost: for a cascade, every gate that it asked."""
    cascade = cascade_of(said)
    if cascade is not None:
        return tuple((step.gate, step.cost) for step in cascade.steps)
    return ((said.gate, said.cost),) if asks_a_model(said) else ()


class GateRequest(Struct, frozen=True, omit_defaults=True):
    """A request to a gate. `attempt` counts the order's attempts, `tries` the tries of this call; both from 1."""

    id: str
    passage: Passage
    draft: Draft
    attempt: int = 1
    tries: int = 1
    lane: Lane = Lane.SHARED
    is_trial: bool = False
    """Whether it only tests the gate; its verdict is thrown away."""
    claim: Texts | None = None
    """The texts to compare with the source, as the task says; None: every field of the draft but the quote."""
    shown: Texts | None = None
    """The texts to rate without the source, as the task says; None: every field of the draft but the quote."""
    scores: dict[GateName, float] = {}
    """Scores of gates that have judged the draft before, for gates that are asked after them."""
    bands: dict[GateName, Band] = {}
    """For cascades that probes have calibrated."""

    @property
    def claimed(self) -> Texts:
        """The texts that a faithfulness judge reads beside the source."""
        return texts_of(self.draft) if self.claim is None else self.claim

    @property
    def rated(self) -> Texts:
        """The texts that a reward model reads."""
        return texts_of(self.draft) if self.shown is None else self.shown


class GateReply(Struct, frozen=True):
    """A gate's verdict on the request of that id."""

    request_id: str
    verdict: Verdict
