"""Canaries: labelled samples that go through the live gates to measure them, and what was measured.

Law: a canary is an order of a kind of its own, whose row in `schemas.order_kinds` says that it is no sample. It is
issued and ended by records of its own, so that it is in no count, no file and no repair of the samples.
"""

from enum import Enum
from typing import Annotated

from msgspec import Struct

from schemas.corpus import Passage
from schemas.gate_audit import Rate
from schemas.ids import OrderId
from schemas.injection import InjectionKind, Worth
from schemas.measures import Together, Total
from schemas.samples import Draft
from schemas.verdicts import FAITHFULNESS, REWARD, VERIFIER, GateName

CANARIES = "canary"
"""The role under which what canaries take is told."""
FAULTS_OF = {
    FAITHFULNESS: frozenset(
        {
            InjectionKind.CONTRADICTS_SOURCE,
            InjectionKind.PARAMETRIC,
            InjectionKind.CROSS_PASSAGE,
            InjectionKind.DOMAIN_MISMATCH,
            InjectionKind.HIGH_TEMPERATURE,
        }
    ),
    REWARD: frozenset(
        {InjectionKind.INSTRUCTION_QUALITY, InjectionKind.RESPONSE_QUALITY, InjectionKind.HIGH_TEMPERATURE}
    ),
    VERIFIER: frozenset(InjectionKind),
}
"""Which flaws a gate is there to see: a vague question with a true answer is no miss of the faithfulness gate."""


class Canary(Struct, frozen=True, omit_defaults=True):
    """A labelled sample before the gates. Its id looks like an order's, and so does its passage's provenance."""

    id: OrderId
    passage: Passage
    draft: Draft
    """As the labelled file has it; of an injector's canary, what is to be spoilt or, if good, left alone."""
    label: Worth
    """Good: every gate should pass it. Bad: a gate should reject it."""
    origin: str
    """The labelled file and line, or the order whose first attempt it was made of."""
    flaw: InjectionKind | None = None
    """In what way it is bad, where that is known."""
    gate: GateName | None = None
    """The only gate that its label speaks of; None: all that may see its flaw."""
    checked: bool = True
    """The label is known. Otherwise the injector says, before the gates are asked, whether it holds."""

    def concerns(self, gate: GateName) -> bool:
        """Whether the gate should judge as the label says."""
        return concerns(gate, self.label, self.flaw, self.gate)


def concerns(
    gate: GateName, label: Worth, flaw: InjectionKind | None, only: GateName | None, *, kind: GateName | None = None
) -> bool:
    """Whether a gate should judge as this label says. `kind`: the usual gate that it is like, where it is another; a
    gate like none is there for what only its own labels (`only`) say."""
    if only is not None:
        return gate == only
    seen = FAULTS_OF.get(gate if kind is None else kind)
    return label is Worth.GOOD or (seen is not None and (flaw is None or flaw in seen))


class CanaryEnd(Enum):
    """How a canary ended."""

    JUDGED = "judged"
    """A gate that is a model, or the verifier, said what it thinks of it."""
    ERRORED = "errored"
    """No gate could judge it."""
    UNVERIFIED = "unverified"
    """The injector did not find it as its label says: no gate was asked."""
    BUDGET = "budget"
    """The token budget was spent before anybody took it."""
    FAILED = "failed"
    """Our own code, or the injector's, failed on it."""


class CanaryRates(Struct, frozen=True):
    """One gate's rates over some canaries, each with its 95% Wilson interval."""

    recall: Rate
    """Of the bad ones, rejected."""
    precision: Rate
    """Of the rejected ones, bad: it depends on how many of the canaries are good."""
    good_passed: Rate
    """Of the good ones, passed."""


class KindRecall(Struct, frozen=True):
    """Bad canaries of one kind at one gate; `kind` None: the file does not say how they are bad."""

    kind: InjectionKind | None
    expected: Annotated[bool, Together.ANY]
    """The gate is there to see this flaw: it counts in the gate's recall."""
    recall: Rate
    recent: Rate
    """Among the canaries of the window."""


class DriftOf(Enum):
    """Which of a gate's rates has changed."""

    RECALL = "recall"
    GOOD_PASSED = "good_passed"


class Drift(Struct, frozen=True):
    """The test of one rate for a change, since the gate's version began. Of a change that is flagged it tells where."""

    of: DriftOf
    flagged: Annotated[bool, Together.ANY]
    evidence: Annotated[float, Together.LARGEST]
    """log10 of the largest e-value so far; flagged at 2 (a false alarm in one run of a hundred at most)."""
    before: Rate
    after: Rate
    """Since the likeliest moment of a change; without trials where nothing speaks for one."""


class GateCanaries(Struct, frozen=True, kw_only=True):
    """One version of one gate, held against the canaries that it judged."""

    gate: GateName
    version: str
    """What identifies the judge: its model and fingerprint, its threshold, what it is shown and how it is asked."""
    judged: Total
    errored: Total
    """Canaries that it could not judge: in no rate."""
    whole: CanaryRates
    """Of all of them."""
    window: CanaryRates
    """Of the last ones (see `actors.counts.canaries.WINDOW`)."""
    in_window: Total
    kinds: tuple[KindRecall, ...]
    drift: tuple[Drift, ...]
    last: Annotated[bool, Together.ANY]
    """The version that the last canary of this gate met: the present one."""


class EndedCanaries(Struct, frozen=True):
    """Canaries by how they ended."""

    end: CanaryEnd
    canaries: Total


class Canaries(Struct, frozen=True):
    """All canaries of a run. Law: issued = ended + outstanding."""

    issued: Total = 0
    ended: Total = 0
    ends: tuple[EndedCanaries, ...] = ()
    tokens: Total = 0
    """What they took, the injector's checks included."""
    gates: tuple[GateCanaries, ...] = ()

    @property
    def outstanding(self) -> int:
        return self.issued - self.ended

    @property
    def drifting(self) -> tuple[tuple[GateCanaries, Drift], ...]:
        """Every flagged change of a gate's present version."""
        return tuple((gate, each) for gate in self.gates if gate.last for each in gate.drift if each.flagged)
