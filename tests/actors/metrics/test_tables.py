"""Metrics that tables name at their fields: every key that a run knows, zeros included, and nothing else."""

import math

from actors.metrics.memory import Memory, seen
from actors.metrics.metric import GONE, Label, Run, RunMoment, Type
from actors.metrics.tables import COUNTS
from schemas.distributions import AttemptEnd, Distribution, Distributions
from schemas.orders import OrderKind
from schemas.progress import GateVerdicts, KindCount, ModeCount, RepairStat, RunSnapshot, Summary
from schemas.recovery import FailureMode, Modes, Repairs
from schemas.verdicts import FAITHFULNESS, GateName

RUN = Run("towns", "0.1.0", ("generator",), ("running",), math.inf, gates=("strict",), modes=("too_long",))
NONE = Distributions()
METRICS = {metric.name: metric for metric in COUNTS}


def read(name: str, summary: Summary, distributions: Distributions = NONE) -> dict[tuple[str, ...], object]:
    """The series of one metric."""
    snapshot = RunSnapshot(at=1.0, summary=summary, ready=3, distributions=distributions)
    moment = RunMoment(1.0, "running", snapshot)
    return dict(METRICS[name].read(seen(RUN, moment, Memory(snapshot=snapshot))))


def test_a_key_that_has_no_row_is_zero() -> None:
    """A dashboard that begins before the first repair shows 0, and no gap."""
    told = read("gleaner_orders_planned_total", Summary(kinds=(KindCount(OrderKind.FRESH, 4, 1),)))
    assert told == {(kind.value,): 4 * (kind is OrderKind.FRESH) for kind in OrderKind}


def test_modes_that_the_configuration_no_longer_names_are_one() -> None:
    """A gate was taken out: what it said of old attempts stays counted."""
    gone = tuple(ModeCount(FailureMode(name), 2) for name in ("once", "twice"))
    told = read("gleaner_diagnoses_total", Summary(modes=(*gone, ModeCount(FailureMode("too_long"), 1))))
    assert (told[(GONE,)], told[("too_long",)], told[(Modes.PARAMETRIC,)]) == (4, 1, 0)


def test_a_gate_that_the_configuration_no_longer_names_is_not_told() -> None:
    """Its name would be a label from no closed set."""
    said = (GateVerdicts(FAITHFULNESS, 5, 2, 1), GateVerdicts(GateName("gone"), 1, 1, 1))
    told = read("gleaner_verdicts_total", Summary(verdicts=said))
    assert [told[("faithfulness", verdict)] for verdict in ("passed", "rejected", "errored")] == [5, 2, 1]
    assert told[("strict", "passed")] == 0 and not any(gate == "gone" for gate, _ in told)


def test_of_several_keys_the_rows_that_there_are() -> None:
    """Modes times repairs would be hundreds of zeros."""
    stats = (RepairStat(Modes.PARAMETRIC, Repairs.RESAMPLE, 3, 1),)
    assert read("gleaner_repairs_total", Summary(repairs=stats)) == {(Modes.PARAMETRIC, "resample"): 3}


def test_several_fields_are_one_metric_by_their_names() -> None:
    """Orders that are ready, leased and waiting."""
    told = read("gleaner_orders_outstanding", Summary())
    assert told == {("ready",): 3, ("leased",): 0, ("waiting",): 0}
    assert METRICS["gleaner_orders_outstanding"].labels == (Label.STATE,)


def test_a_distribution_is_a_histogram() -> None:
    """Ends that no attempt came to have an empty one."""
    half = Distribution((1, 2), 3.0)
    told = read("gleaner_attempt_seconds", Summary(), Distributions(attempts={AttemptEnd.REJECTED: half}))
    assert (told[("rejected",)], told[("accepted",)]) == (half, Distribution())
    assert METRICS["gleaner_attempt_seconds"].type is Type.HISTOGRAM
