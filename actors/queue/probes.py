"""Probes in the queue: which are issued, and the record that a report on one becomes.

Law: pure; a record holds all of its probe that a replay and the rates need. Here it is decided if a probe is repaired.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from actors.queue.held import Held, QueueLimits
from schemas.corpus import Passage
from schemas.flaws import Probed, Worth
from schemas.ledger import ProbeEnded, ProbeIssued, ProbeRejoined, Rejoined
from schemas.order_kinds import POLICIES
from schemas.orders import Attempt, DeadLetter, EndReason, Order, OrderKind, Outcome, Requeue
from schemas.probes import Probe, ProbeEnd, ProbeFacts
from schemas.verdicts import PROVENANCE, Errored, GateName, Verdict, cascade_of

Beside = Callable[[Order, Passage, Attempt], Probe | None]
"""The probe that is issued beside an order, chosen from the order's first attempt; None for most orders."""


class ProbeTerms(Struct, frozen=True):
    """Settings for probes. `task`: of their orders; `beside`: chooses those that are issued; `repair`: whether probes
    that an injector made bad are repaired; `judges`: the version of each gate that is measured; `kinds`: the usual gate
    that each gate is like, if it is another."""

    task: str = "probe"
    beside: Beside = lambda order, passage, attempt: None
    repair: bool = True
    judges: Mapping[GateName, str] = {}
    kinds: Mapping[GateName, GateName] = {}


def held_probe(issued: ProbeIssued, task: str) -> Held:
    """The order that sends a probe through the gates. `task`: as in the terms."""
    probe = issued.probe
    order = Order(probe.id, probe.passage.id, task, 0, OrderKind.PROBE)
    return Held(order, POLICIES[order.kind], probe.passage, issued.at, probe=probe)


def probe_record(
    held: Held, outcome: Outcome, now: float, limits: QueueLimits, terms: ProbeTerms
) -> ProbeRejoined | ProbeEnded:
    """The record of a report on a probe. A rejected probe that an injector made bad may be repaired."""
    probe, attempt, decision = held.probe, outcome.attempt, outcome.decision
    assert probe is not None, held.told()
    facts = _facts(probe, outcome, terms)
    repairable = terms.repair and not probe.checked and probe.label is Worth.BAD
    if isinstance(decision, Requeue) and repairable and held.attempt < limits.max_attempts:
        return ProbeRejoined(now, probe.id, attempt, facts)
    failed = isinstance(decision, DeadLetter) and decision.reason is EndReason.INTERNAL_ERROR
    end = ProbeEnd.FAILED if failed else _end_of(attempt)
    detail = decision.detail if isinstance(decision, DeadLetter) else ""
    return ProbeEnded(now, probe.id, end, attempt, facts, detail)


def unjudged(held: Held, now: float, detail: str) -> ProbeEnded:
    """The end of a probe that is not leased when the budget is spent."""
    probe = held.probe
    assert probe is not None, held.told()
    return ProbeEnded(now, probe.id, ProbeEnd.BUDGET, None, ProbeFacts(probe.label, probe.origin), detail)


def spoilt(probe: Probe | None, record: Rejoined | ProbeRejoined) -> Probe | None:
    """The probe for its later attempts: it keeps the flaw of its first draft."""
    if probe is None or isinstance(record, Rejoined):
        return probe
    return replace(probe, flaw=record.facts.flaw)


def _facts(probe: Probe, outcome: Outcome, terms: ProbeTerms) -> ProbeFacts:
    unsaid = Probed(probe.label if probe.checked else Worth.UNKNOWN, probe.flaw)
    known = unsaid if outcome.probed is None else outcome.probed
    asked = {gate for verdict in outcome.attempt.verdicts for gate in _asked(verdict)}
    return ProbeFacts(
        label=probe.label,
        origin=probe.origin,
        worth=known.worth,
        flaw=known.flaw,
        gate=probe.gate,
        judges={gate: version for gate, version in terms.judges.items() if gate in asked},
        kinds={gate: kind for gate, kind in terms.kinds.items() if gate != kind and gate in asked},
    )


def _asked(verdict: Verdict) -> tuple[GateName, ...]:
    cascade = cascade_of(verdict)
    return (verdict.gate, *(() if cascade is None else (step.gate for step in cascade.steps)))


def _end_of(attempt: Attempt) -> ProbeEnd:
    if not attempt.verdicts:
        return ProbeEnd.UNVERIFIED if attempt.number == 1 else ProbeEnd.ERRORED
    models = [said for said in attempt.verdicts if said.gate != PROVENANCE]
    return ProbeEnd.ERRORED if all(isinstance(said, Errored) for said in models) else ProbeEnd.JUDGED
