"""What a gate says: passed, rejected or errored, as three types. An error is never a rejection."""

from typing import NewType

from msgspec import Struct

from schemas.corpus import Passage
from schemas.errors import ErrorKind
from schemas.ids import PassageId
from schemas.recovery import FailureMode
from schemas.samples import Cost, Draft, Lane, Message, Texts, texts_of

GateName = NewType("GateName", str)
"""The name by which verdicts, counts, metrics and files know a check: its key under `gates`, or one of these."""

FORMAT = GateName("format")
"""The completion could be read as a draft."""
PROVENANCE = GateName("provenance")
"""The passage is what its id says, and a given quote stands in it."""
DIVERSITY = GateName("diversity")
"""No accepted sample of the passage is nearly the same: the queue's own check."""
FAITHFULNESS = GateName("faithfulness")
REWARD = GateName("reward")
VERIFIER = GateName("verifier")

VERDICT_CUT_OFF = "the verdict was cut off at the token limit"
"""What an errored verdict says of a judge that reached its `max_tokens`."""

ALWAYS_ASKED = (FORMAT, PROVENANCE, DIVERSITY)
"""Checks that no configuration names, for every run has them."""
KNOWN_GATES = (FORMAT, PROVENANCE, FAITHFULNESS, REWARD, VERIFIER, DIVERSITY)
"""The usual ones, in the order of the columns in which files keep their scores."""
MODEL_GATES = (FAITHFULNESS, REWARD)
"""The usual ones that a model of their own answers."""


class Quote(Struct, frozen=True, omit_defaults=True):
    """Words of a passage, at their exact place: `passage.text[start:end] == text`."""

    text: str
    start: int
    end: int
    passage_id: PassageId | None = None
    """The passage they stand in; None for the sample's own."""


class ClaimEvidence(Struct, frozen=True, omit_defaults=True):
    """One claim of an answer and what backs it. `discounted`: why the quote that was given does not count."""

    claim: str
    supported: bool
    quote: Quote | None = None
    discounted: str | None = None


class Shown(Struct, frozen=True, omit_defaults=True):
    """What a judge was shown in place of the sample's own passage: passages found by a search, or nothing."""

    searched: bool
    """Whether anything was looked for at all."""
    passages: tuple[PassageId, ...] = ()
    """Best first; empty when nothing was shown."""
    rank: int | None = None
    """The place of the sample's own passage among them, from 1; None when it was not among them."""


class Raised(Struct, frozen=True):
    """A repaired sample's threshold, raised so that several tries before one judge are no easier than one."""

    configured: float
    """What a first attempt must reach."""
    attempt: int


class Evidence(Struct, frozen=True, omit_defaults=True):
    """Why a gate decided as it did."""

    claims: tuple[ClaimEvidence, ...] = ()
    dimensions: dict[str, float] = {}
    """Named parts of a score (a rubric's dimensions), each in [0, 1]."""
    note: str = ""
    shown: Shown | None = None
    """What the judge read instead of the exact passage; None where it read that."""
    raised: Raised | None = None
    """Where the verdict's threshold is not the configured one (`recovery.bar`)."""


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
    """Why, where the gate itself knows; None: the diagnoser finds out."""


class Errored(Struct, frozen=True, tag="errored", omit_defaults=True):
    """The gate could not judge: neither passed nor rejected."""

    gate: GateName
    error: ErrorKind
    detail: str
    cost: Cost = Cost()
    """Of all tries."""
    asked: tuple[Message, ...] = ()
    """What its model was asked at the last try; empty where it never answered."""
    said: str = ""
    """How the model's last answer begins."""


Verdict = Passed | Rejected | Errored


def asks_a_model(said: Verdict) -> bool:
    """Whether the verdict is paid for as a role of its own: its gate is one of the usual models, or it took tokens."""
    return said.gate in MODEL_GATES or said.cost.tokens > 0


class GateRequest(Struct, frozen=True, omit_defaults=True):
    """What is put before a gate. `attempt` counts the order's attempts, `tries` this hop's tries; both from 1."""

    id: str
    passage: Passage
    draft: Draft
    attempt: int = 1
    tries: int = 1
    lane: Lane = Lane.SHARED
    claim: Texts | None = None
    """What must be found in the source, as the task says; None: every field of the draft."""
    shown: Texts | None = None
    """What is rated with the source unseen, as the task says; None: every field of the draft."""
    scores: dict[GateName, float] = {}
    """Of gates that have judged the draft before: for those that are asked after others."""

    @property
    def claimed(self) -> Texts:
        """What a faithfulness judge reads beside the source."""
        return texts_of(self.draft) if self.claim is None else self.claim

    @property
    def rated(self) -> Texts:
        """What a reward model reads."""
        return texts_of(self.draft) if self.shown is None else self.shown


class GateReply(Struct, frozen=True):
    """A gate's verdict on the request of that id."""

    request_id: str
    verdict: Verdict
