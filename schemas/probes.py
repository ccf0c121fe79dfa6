"""Probes: labelled samples that go through the live gates to measure them, and what was measured.

Law: a probe is an order of a kind of its own, whose row in `schemas.order_kinds` says that it is no sample. It is
issued, repaired and ended by records of its own, so that it is in no count, no file and no lesson of the samples.
"""

from enum import Enum
from typing import Annotated

from msgspec import Struct

from schemas.corpus import Passage
from schemas.flaws import FlawKind, Worth
from schemas.gate_audit import Rate
from schemas.ids import OrderId
from schemas.measures import Together, Total
from schemas.recovery import FailureMode
from schemas.samples import Draft, Sampling
from schemas.verdicts import FAITHFULNESS, REWARD, VERIFIER, GateName

PROBES = "probe"
"""The role under which what probes take is told."""
FAULTS_OF = {
    FAITHFULNESS: frozenset(
        {
            FlawKind.CONTRADICTS_SOURCE,
            FlawKind.PARAMETRIC,
            FlawKind.CROSS_PASSAGE,
            FlawKind.DOMAIN_MISMATCH,
            FlawKind.HIGH_TEMPERATURE,
        }
    ),
    REWARD: frozenset({FlawKind.INSTRUCTION_QUALITY, FlawKind.RESPONSE_QUALITY, FlawKind.HIGH_TEMPERATURE}),
    VERIFIER: frozenset(FlawKind),
}
"""Which flaws a gate is there to see: a vague question with a true answer is no miss of the faithfulness gate."""


class Probe(Struct, frozen=True, omit_defaults=True):
    """A labelled sample before the gates. Its id looks like an order's, and so does its passage's provenance."""

    id: OrderId
    passage: Passage
    draft: Draft
    """As the labelled file has it; of an injector, the draft of the order beside: to be spoilt if bad."""
    label: Worth
    """Good: every gate should pass it. Bad: a gate should reject it."""
    origin: str
    """The labelled file and line, or the order whose first attempt it was made of."""
    flaw: FlawKind | None = None
    """In what way it is bad, where the file says so."""
    gate: GateName | None = None
    """The only gate that its label speaks of; None: all that may see its flaw."""
    checked: bool = True
    """The label is known. Otherwise an injector makes it true, and says whether it is."""
    sampling: Sampling = Sampling()
    """How the draft of the order beside was drawn: recovery reads it."""


class ProbeFacts(Struct, frozen=True, omit_defaults=True):
    """What a record of a probe's attempt knows beside the attempt: all that rates are made of."""

    label: Worth
    origin: str
    worth: Worth = Worth.UNKNOWN
    """Of this attempt's own text."""
    flaw: FlawKind | None = None
    gate: GateName | None = None
    judges: dict[GateName, str] = {}
    """The version of each gate at that moment."""
    kinds: dict[GateName, GateName] = {}
    """The usual gate that each is like, where that is another."""

    def concerns(self, gate: GateName) -> bool:
        """Whether the gate should judge the first draft as the label says. A gate that is like no usual one is there
        for what only its own labels say."""
        if self.gate is not None:
            return gate == self.gate
        seen = FAULTS_OF.get(self.kinds.get(gate, gate))
        return self.label is Worth.GOOD or (seen is not None and (self.flaw is None or self.flaw in seen))


class ProbeEnd(Enum):
    """How a probe ended."""

    JUDGED = "judged"
    """A gate that is a model, or the verifier, said what it thinks of it."""
    ERRORED = "errored"
    """No gate could judge it, or no generator answered for its repair."""
    UNVERIFIED = "unverified"
    """It is not known to be as its label says: no gate was asked."""
    BUDGET = "budget"
    """The token budget was spent before anybody took it."""
    FAILED = "failed"
    """Our own code, or the injector's, failed on it."""


class ProbeRates(Struct, frozen=True):
    """One gate's rates over some probes, each with its 95% Wilson interval."""

    recall: Rate
    """Of the bad ones, rejected."""
    precision: Rate
    """Of the rejected ones, bad: it depends on how many of the probes are good."""
    good_passed: Rate
    """Of the good ones, passed."""


class FlawRecall(Struct, frozen=True):
    """Bad probes with one flaw at one gate; `flaw` None: the file does not say how they are bad."""

    flaw: FlawKind | None
    expected: Annotated[bool, Together.ANY]
    """The gate is there to see this flaw: it counts in the gate's recall."""
    recall: Rate
    recent: Rate
    """Among the probes of the window."""


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


class ProbedGate(Struct, frozen=True, kw_only=True):
    """One version of one gate, held against the probes that it judged at their first attempt."""

    gate: GateName
    version: str
    """What identifies the judge: its model and fingerprint, its threshold, what it is shown and how it is asked."""
    judged: Total
    errored: Total
    """Probes that it could not judge: in no rate."""
    whole: ProbeRates
    """Of all of them."""
    window: ProbeRates
    """Of the last ones (see `actors.counts.probed_gates.WINDOW`)."""
    in_window: Total
    flaws: tuple[FlawRecall, ...]
    drift: tuple[Drift, ...]
    last: Annotated[bool, Together.ANY]
    """The version that the last probe of this gate met: the present one."""


class GateCatch(Struct, frozen=True):
    """Bad probes that a gate rejected at their first attempt; `alone`: of these, those that no other gate rejected."""

    gate: GateName
    caught: Total
    alone: Total


class FlawDiagnosis(Struct, frozen=True):
    """Bad probes with one flaw that were diagnosed as one mode at their first attempt, and whether that is right."""

    mode: FailureMode
    probes: Total
    right: Annotated[bool, Together.ANY]


class FlawProbes(Struct, frozen=True, kw_only=True):
    """Bad probes with one flaw, all gates together. Law: repaired = healed + still_bad + unknown + given_up, and those
    that are still outstanding or were left when the budget was spent."""

    flaw: FlawKind | None
    """None: the file does not say."""
    caught: Total
    """Rejected by a gate at the first attempt."""
    missed: Total
    """Passed by every gate."""
    errored: Total
    """A gate could not judge it: in no rate."""
    by_gate: tuple[GateCatch, ...]
    diagnoses: tuple[FlawDiagnosis, ...]
    repaired: Total
    """Of those caught, given to a repair."""
    healed: Total
    """Accepted after a repair, and known to be good."""
    still_bad: Total
    """Accepted after a repair, and known to be bad."""
    unknown: Total
    """Accepted after a repair; nobody knows what it is worth."""
    given_up: Total
    """Not accepted after repairs."""


class EndedProbes(Struct, frozen=True):
    """Probes by how they ended."""

    end: ProbeEnd
    probes: Total


class Probes(Struct, frozen=True):
    """All probes of a run. Law: issued = ended + outstanding."""

    issued: Total = 0
    ended: Total = 0
    ends: tuple[EndedProbes, ...] = ()
    tokens: Total = 0
    """What they took: injector, repairs and gates."""
    gates: tuple[ProbedGate, ...] = ()
    flaws: tuple[FlawProbes, ...] = ()

    @property
    def outstanding(self) -> int:
        return self.issued - self.ended

    @property
    def drifting(self) -> tuple[tuple[ProbedGate, Drift], ...]:
        """Every flagged change of a gate's present version."""
        return tuple((gate, each) for gate in self.gates if gate.last for each in gate.drift if each.flagged)
