"""Records of probes for tests of what is counted of them."""

from collections.abc import Sequence
from typing import Any

from schemas.flaws import Worth
from schemas.ids import OrderId, content_id
from schemas.ledger import ProbeEnded, ProbeIssued, ProbeRejoined
from schemas.orders import Attempt
from schemas.probes import Probe, ProbeEnd, ProbeFacts
from schemas.recovery import Diagnosis, FailureMode
from schemas.samples import answered
from schemas.verdicts import Verdict
from tests.doubles.attempts import candidate, passage


def probe(number: int, label: Worth = Worth.GOOD, **others: Any) -> Probe:
    """A row of a labelled file, unless said otherwise."""
    row = answered("Who?", "Oda")
    return Probe(OrderId(content_id(number)), passage(number), row, label, f"rows#line={number}", **others)


def issued(number: int, label: Worth = Worth.GOOD) -> ProbeIssued:
    """A probe is outstanding."""
    return ProbeIssued(0.0, probe(number, label))


def facts(number: int, label: Worth, **others: Any) -> ProbeFacts:
    """Of an attempt whose text is worth what the label says, unless said otherwise."""
    return ProbeFacts(**{"label": label, "origin": f"rows#line={number}", "worth": label, **others})


def attempt(verdicts: Sequence[Verdict], *, number: int = 1, mode: FailureMode | None = None) -> Attempt:
    """An attempt of a probe."""
    diagnosis = None if mode is None else Diagnosis(mode, 0.5)
    return Attempt(number, None, candidate("Who?"), tuple(verdicts), diagnosis=diagnosis)


def ended(number: int, of: Attempt | None, known: ProbeFacts, end: ProbeEnd = ProbeEnd.JUDGED) -> ProbeEnded:
    """A probe's end."""
    return ProbeEnded(1.0, OrderId(content_id(number)), end, of, known)


def rejoined(number: int, of: Attempt, known: ProbeFacts) -> ProbeRejoined:
    """A probe goes back with a repair."""
    return ProbeRejoined(1.0, OrderId(content_id(number)), of, known)
