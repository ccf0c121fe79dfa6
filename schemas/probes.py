"""Probes: labelled samples that go through the live gates to measure them, and the measurements.

Law: a probe is an order of its own kind, whose row in `schemas.order_kinds` says that it is no sample. It is issued,
repaired and ended by records of its own. So no count, no file and no policy of the samples takes it in.
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
"""The role to which probes are charged."""
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
"""The flaws that each gate should see: a vague question with a true answer is no miss of the faithfulness gate."""


class Probe(Struct, frozen=True, omit_defaults=True):
    """A labelled sample before the gates. Its id looks like an order's, and so does its passage's provenance."""

    id: OrderId
    passage: Passage
    draft: Draft
    """From the labelled file; or, for an injector, the draft of the order beside, which is spoilt if the label is
    bad."""
    label: Worth
    """Good: every gate should pass it. Bad: a gate should reject it."""
    origin: str
    """The labelled file and line, or the order whose first attempt it was made from."""
    flaw: FlawKind | None = None
    """The flaw, if the file names it."""
    gate: GateName | None = None
    """The only gate that its label is about; None: every gate that should see its flaw."""
    checked: bool = True
    """Whether the label is known. Otherwise an injector makes the draft so, and says if it is."""
    sampling: Sampling = Sampling()
    """How the draft of the order beside was drawn: recovery reads it."""


class ProbeFacts(Struct, frozen=True, omit_defaults=True):
    """What a record holds of a probe beside the attempt: the rates are computed from it."""

    label: Worth
    origin: str
    worth: Worth = Worth.UNKNOWN
    """The worth of this attempt's own text."""
    flaw: FlawKind | None = None
    gate: GateName | None = None
    judges: dict[GateName, str] = {}
    """The version of each gate at that moment."""
    kinds: dict[GateName, GateName] = {}
    """The usual gate that each gate is like, if it is another."""

    def concerns(self, gate: GateName) -> bool:
        """Whether the gate should judge the first draft as its label says. If a gate is like no usual one, a bad label
        concerns it only if it names the gate."""
        if self.gate is not None:
            return gate == self.gate
        seen = FAULTS_OF.get(self.kinds.get(gate, gate))
        return self.label is Worth.GOOD or (seen is not None and (self.flaw is None or self.flaw in seen))


class ProbeEnd(Enum):
    """How a probe ended."""

    JUDGED = "judged"
    """A gate other than the provenance check gave a verdict that is no error."""
    ERRORED = "errored"
    """No gate could judge it, or no generator answered for its repair."""
    UNVERIFIED = "unverified"
    """Its draft is not known to agree with its label, so no gate was asked."""
    BUDGET = "budget"
    """The token budget was spent while it was not leased."""
    FAILED = "failed"
    """Our own code, or the injector's, failed on it."""


class ProbeRates(Struct, frozen=True):
    """One gate's rates over some probes, each with its 95% Wilson interval."""

    recall: Rate
    """Rejected probes among the bad ones."""
    precision: Rate
    """Bad probes among the rejected ones: it depends on the share of good probes."""
    good_passed: Rate
    """Passed probes among the good ones."""


class FlawRecall(Struct, frozen=True):
    """Bad probes with one flaw at one gate; `flaw` None: the file names no flaw."""

    flaw: FlawKind | None
    expected: Annotated[bool, Together.ANY]
    """Whether the gate should see this flaw: it counts in the gate's recall."""
    recall: Rate
    recent: Rate
    """Recall among the probes of the window."""


class DriftOf(Enum):
    """The rate of a gate that is tested for a change."""

    RECALL = "recall"
    GOOD_PASSED = "good_passed"


class Drift(Struct, frozen=True):
    """The test of one rate for a change since the gate's version began."""

    of: DriftOf
    flagged: Annotated[bool, Together.ANY]
    evidence: Annotated[float, Together.LARGEST]
    """log10 of the largest e-value so far; flagged at 2 (a false alarm in one run of a hundred at most)."""
    before: Rate
    after: Rate
    """The rate since the likeliest moment of a change; without trials if there is no sign of one."""


class ProbedGate(Struct, frozen=True, kw_only=True):
    """One version of one gate, measured by the probes that it judged at their first attempt."""

    gate: GateName
    version: str
    """Identifies the judge: its model and fingerprint, its threshold, what it is shown and how it is asked."""
    judged: Total
    errored: Total
    """Probes that it could not judge: in no rate."""
    whole: ProbeRates
    """Rates over all probes."""
    window: ProbeRates
    """Rates over the last probes (see `actors.counts.probed_gates.WINDOW`)."""
    in_window: Total
    flaws: tuple[FlawRecall, ...]
    drift: tuple[Drift, ...]
    last: Annotated[bool, Together.ANY]
    """Whether this version judged the gate's last probe: it is the present one."""


class GateCatch(Struct, frozen=True):
    """Bad probes that a gate rejected at their first attempt; `alone`: those of them that no other gate rejected."""

    gate: GateName
    caught: Total
    alone: Total


class FlawDiagnosis(Struct, frozen=True):
    """Bad probes with one flaw that got one diagnosis at their first attempt, and whether it is right."""

    mode: FailureMode
    probes: Total
    right: Annotated[bool, Together.ANY]


class FlawProbes(Struct, frozen=True, kw_only=True):
    """Bad probes with one flaw, all gates together. Law: repaired = healed + still_bad + unknown + given_up + those
    that are outstanding or were left when the budget was spent."""

    flaw: FlawKind | None
    """None: the file names no flaw."""
    caught: Total
    """Rejected by a gate at the first attempt."""
    missed: Total
    """Passed by every gate."""
    errored: Total
    """A gate could not judge it: in no rate."""
    by_gate: tuple[GateCatch, ...]
    diagnoses: tuple[FlawDiagnosis, ...]
    repaired: Total
    """Caught probes that went on to a repair."""
    healed: Total
    """Accepted after a repair, and known to be good."""
    still_bad: Total
    """Accepted after a repair, and known to be bad."""
    unknown: Total
    """Accepted after a repair; not known to be good or bad."""
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
    """Tokens of injector, repairs and gates."""
    gates: tuple[ProbedGate, ...] = ()
    flaws: tuple[FlawProbes, ...] = ()

    @property
    def outstanding(self) -> int:
        return self.issued - self.ended

    @property
    def drifting(self) -> tuple[tuple[ProbedGate, Drift], ...]:
        """Every flagged change of a gate's present version."""
        return tuple((gate, each) for gate in self.gates if gate.last for each in gate.drift if each.flagged)
