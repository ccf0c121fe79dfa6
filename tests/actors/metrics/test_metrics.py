"""What a scrape says of a run: the right numbers, bounded series, counters that never fall, names that tools accept."""

import math
import subprocess
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from actors.counts.tally import Tally
from actors.metrics.collector import RunCollector
from actors.metrics.metric import GONE, PoolReplicas, Run, RunMoment, Type, values
from actors.metrics.table import METRICS
from schemas.bill import Accelerator, HeldTime
from schemas.credit import CreditCount
from schemas.errors import ErrorKind
from schemas.ledger import Metered, Record
from schemas.progress import RepairStat, RunSnapshot
from schemas.recovery import Modes, RepairKind
from schemas.scaling import Idle, PoolDecision, ScalingDecision, Why
from schemas.stages import GENERATE, CallFailures, ConductorStatus, Pause, StageFlow
from tests.doubles.ledgers import Scale, plausible_run
from tests.needs import needs

RUN = Run("towns", "0.1.0", ("generator", "strong"), ("starting", "running", "done"), math.inf)
BUSY = StageFlow(stage=GENERATE, in_flight=3, done=7, seconds=2.0)
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def told(records: Iterable[Record], *conductors: ConductorStatus, at: float = 100.0) -> RunMoment:
    tally = Tally()
    for record in records:
        tally.apply(record)
    summary = tally.summary()
    snapshot = RunSnapshot(
        at=at, summary=summary, ready=summary.counts.outstanding, distributions=tally.distributions()
    )
    return RunMoment(at=at, phase="running", snapshot=snapshot, conductors=conductors)


def text(collector: RunCollector) -> str:
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry).decode()


def scraped(collector: RunCollector) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(text(collector)) for sample in family.samples]


def series(collector: RunCollector) -> Series:
    samples = scraped(collector)
    found = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(found) == len(samples), "a series is told twice: Prometheus refuses the whole scrape"
    return found


def after(*moments: RunMoment, run: Run = RUN) -> Series:
    collector = RunCollector(run)
    for moment in moments:
        collector.tell(moment)
    return series(collector)


def value(found: Series, name: str, **labels: str) -> float:
    return found[(name, tuple(sorted(labels.items())))]


def total(found: Series, name: str) -> float:
    return sum(count for (each, _), count in found.items() if each == name)


def test_before_the_run_begins_nothing_is_told() -> None:
    """Prometheus asks while Ray still starts: an empty page, no zeros that would look like a reset later."""
    assert after() == {}


@given(seed=st.integers(0, 2**20), finished=st.sampled_from([0.3, 1.0]), cut=st.floats(0, 1))
@settings(max_examples=12, deadline=None)
def test_what_is_told_is_what_the_ledger_says(seed: int, finished: float, cut: float) -> None:
    """At any moment of any run: the metrics add up to the summary that status, manifest and report show."""
    records = list(plausible_run(seed, Scale(passages=12, finished=finished)))
    moment = told(records[: round(cut * len(records))])
    assert moment.snapshot is not None
    summary, found = moment.snapshot.summary, after(moment)
    counts = summary.counts
    assert total(found, "gleaner_orders_planned_total") == counts.issued
    assert total(found, "gleaner_orders_ended_total") == counts.accepted + counts.dead_lettered
    assert value(found, "gleaner_orders_ended_total", kind="fresh", end="accepted") == counts.accepted
    assert (
        total(found, "gleaner_attempt_seconds_count")
        == counts.attempts
        == total(found, "gleaner_queue_wait_seconds_count")
    )
    assert total(found, "gleaner_tokens_total") == summary.tokens
    assert total(found, "gleaner_calls_total") == sum(role.calls for role in summary.roles)
    assert total(found, "gleaner_stage_seconds_count") == total(found, "gleaner_calls_total")
    assert total(found, "gleaner_call_seconds_total") == pytest.approx(total(found, "gleaner_stage_seconds_sum"))
    assert total(found, "gleaner_diagnoses_total") == sum(mode.attempts for mode in summary.modes)
    for why in summary.malformed:
        assert value(found, "gleaner_malformed_total", defect=why.reason.value) == why.attempts
    malformed = value(found, "gleaner_diagnoses_total", mode="malformed")
    assert total(found, "gleaner_malformed_total") == malformed
    assert total(found, "gleaner_repairs_accepted_total") == sum(stat.accepted for stat in summary.repairs)
    scored = total(found, "gleaner_verdicts_total") - sum(error.count for error in summary.errors)
    assert total(found, "gleaner_gate_score_count") == scored


@given(
    seed=st.integers(0, 2**20),
    pools=st.lists(st.sampled_from(["generator", "strong", "reward", "other", "large-2"]), unique=True),
    why=st.sampled_from(list(Why)),
    idle=st.sampled_from(list(Idle)),
    kind=st.sampled_from(list(ErrorKind)),
)
@settings(max_examples=12, deadline=None)
def test_every_label_comes_from_a_closed_set(
    seed: int, pools: list[str], why: Why, idle: Idle, kind: ErrorKind
) -> None:
    """A run resumed with other pools, a conductor of another run's pools: no series outside the configuration's."""
    run = replace(RUN, pools=tuple(pools))
    status = ConductorStatus(
        "conductor-9", 1, 0, (BUSY,), (Pause("elsewhere", 1.0, "gone"),), (CallFailures("elsewhere", kind, 3),)
    )
    decision = PoolDecision(wanted=2, before=1, needed=1.5, why=why, idle=idle)
    moment = replace(
        told(plausible_run(seed, Scale(passages=8)), status),
        replicas={"elsewhere": PoolReplicas(1, 1)},
        scaling=ScalingDecision(at=1.0, pools={"elsewhere": decision, **dict.fromkeys(pools, decision)}),
    )
    labels = {metric.name: {label.value: values(label, run) for label in metric.labels} for metric in METRICS}
    suffixes = ("_bucket", "_sum", "_count")
    for name, found in after(moment, run=run):
        base = next((name.removesuffix(end) for end in suffixes if name.removesuffix(end) in labels), name)
        plain = {key: said for key, said in found if key != "le"}
        assert plain.keys() == labels[base].keys(), name
        assert all(said in labels[base][key] for key, said in plain.items()), (name, found)


@given(seed=st.integers(0, 2**20), cuts=st.lists(st.integers(0, 200), min_size=2, max_size=5))
@settings(max_examples=10, deadline=None)
def test_a_counter_never_falls(seed: int, cuts: list[int]) -> None:
    """A conductor dies between two scrapes and another begins at nothing: every count stands, then grows."""
    records = list(plausible_run(seed, Scale(passages=15)))
    collector = RunCollector(RUN)
    counters = {metric.name for metric in METRICS if metric.type is Type.COUNTER}
    before: Series = {}
    for number, cut in enumerate(sorted(cuts)):
        failures = (CallFailures("generator", ErrorKind.CRASHED, 1),)
        status = ConductorStatus(f"conductor-{number}", 3, 1, (BUSY,), failures=failures)
        collector.tell(told(records[:cut], status, at=100.0 + number))
        now = series(collector)
        counting = {key for key in before if key[0] in counters or key[0].endswith(("_bucket", "_count", "_sum"))}
        assert all(now[key] >= before[key] for key in counting)
        assert value(now, "gleaner_call_failures_total", pool="generator", error="crashed") == number + 1
        assert value(now, "gleaner_outcomes_unreported_total") == number + 1
        before = now


def test_a_conductor_that_is_busy_for_a_tick_stays_in_flight_and_a_dead_one_does_not() -> None:
    """One missed answer is no drop on the panel; three seconds of silence are."""
    status = ConductorStatus("conductor-1", 3, 0, (BUSY,))
    begun = told([], status)
    missed, gone = replace(begun, at=101.0, conductors=()), replace(begun, at=110.0, conductors=())
    in_flight = [value(after(begun, later), "gleaner_in_flight", stage="generate") for later in (missed, gone)]
    assert in_flight == [3, 0]


def test_a_moment_without_the_queue_keeps_what_was_counted() -> None:
    """The queue is made anew while the run goes on: its last word stands, no counter falls to nothing."""
    moment = told(plausible_run(1, Scale(passages=5)))
    silent = replace(moment, at=101.0, snapshot=None)
    assert total(after(moment, silent), "gleaner_orders_planned_total") == 15


def test_a_decision_is_counted_once_however_often_it_is_told() -> None:
    """Progress comes four times a second, decisions once: a change of replicas is one change."""
    grow = PoolDecision(wanted=2, before=1, needed=1.7, why=Why.WORK, idle=Idle.STARTING)
    stay = replace(grow, before=2, why=Why.STEADY, idle=Idle.BUSY)
    moments = [
        replace(told([]), scaling=ScalingDecision(at=at, pools={"generator": decision}))
        for at, decision in ((1.0, grow), (1.0, grow), (2.0, stay), (3.0, replace(grow, wanted=3, before=2)))
    ]
    found = after(*moments)
    assert value(found, "gleaner_scale_changes_total", pool="generator", why="work") == 2
    assert total(found, "gleaner_scale_changes_total") == 2
    assert value(found, "gleaner_pool_idle", pool="generator", reason="starting") == 1
    assert value(found, "gleaner_replicas_wanted", pool="generator") == 3


def test_a_pool_that_the_configuration_no_longer_names_keeps_its_spend() -> None:
    """Resumed without the strong pool: its tokens are spent all the same, under one name for all that is gone."""
    moment = told(plausible_run(3, Scale(passages=60)))
    without = after(moment, run=replace(RUN, pools=("generator",)))
    gone = sum(
        n for (name, labels), n in without.items() if name == "gleaner_tokens_total" and ("pool", GONE) in labels
    )
    assert gone > 0
    assert total(without, "gleaner_tokens_total") == total(after(moment), "gleaner_tokens_total")


def test_a_repair_of_ones_own_is_told_by_its_name() -> None:
    """And one that the configuration has no more is gone, as a pool is: nothing is counted less."""
    own = RepairStat(Modes.PARAMETRIC, RepairKind("shorter"), tried=7, accepted=3)
    moment = told(plausible_run(3, Scale(passages=2)))
    assert moment.snapshot is not None
    summary = replace(moment.snapshot.summary, repairs=(own,))
    seen = replace(moment, snapshot=replace(moment.snapshot, summary=summary))
    for run, name in ((replace(RUN, repairs=("shorter",)), "shorter"), (RUN, GONE)):
        assert value(after(seen, run=run), "gleaner_repairs_total", mode="parametric", repair=name) == 7


def test_buckets_are_cumulative_and_end_with_the_count() -> None:
    """What Prometheus takes quantiles from: each bucket holds the ones below it."""
    found = after(told(plausible_run(5, Scale(passages=20))))
    buckets = [
        n
        for (name, labels), n in found.items()
        if name == "gleaner_stage_seconds_bucket" and ("pool", "generator") in labels
    ]
    assert buckets == sorted(buckets) and buckets[0] < buckets[-1]
    assert buckets[-1] == value(found, "gleaner_stage_seconds_count", stage="generate", pool="generator")


@needs("promtool", "prometheus")
def test_promtool_finds_nothing_to_say() -> None:
    """Prometheus' own linter on what a scrape says: names, units, help texts and the format itself."""
    collector = RunCollector(RUN)
    collector.tell(told(plausible_run(5), ConductorStatus("conductor-1", 3, 0, (BUSY,))))
    linted = subprocess.run(
        ["promtool", "check", "metrics"], input=text(collector), capture_output=True, text=True, check=False, timeout=60
    )
    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")


def test_credits_and_rollouts_are_told_apart() -> None:
    """What a label costs is two counters; a rollout is an order in no other count."""
    counts = CreditCount(
        begun=5, labelled=4, decided=3, restartable=2, steps=20, rollouts=90, right=50, wrong=37, failed=3
    )
    moment = told([])
    assert moment.snapshot is not None
    summary = replace(moment.snapshot.summary, credit=counts)
    found = after(replace(moment, snapshot=replace(moment.snapshot, summary=summary, rollouts=6)))
    assert value(found, "gleaner_credits_begun_total") == 5
    assert value(found, "gleaner_credits_labelled_total", finding="decided") == 3
    assert value(found, "gleaner_credits_labelled_total", finding="undecided") == 1
    assert value(found, "gleaner_credits_restartable_total") == 2
    assert total(found, "gleaner_rollouts_total") / value(found, "gleaner_credit_steps_total") == 4.5
    assert value(found, "gleaner_rollouts_total", answer="failed") == 3
    assert value(found, "gleaner_rollouts_outstanding") == 6


def test_accelerators_are_told_by_pool() -> None:
    """Held and busy seconds of every pool, zeros included; what is no longer configured becomes one."""
    held = (HeldTime("generator", Accelerator.GPU, 60.0, 45.0), HeldTime("old", Accelerator.GPU, 5.0, 0.0))
    found = after(told([Metered(5.0, held), Metered(9.0, held)]))
    for name, seconds in (("held", 120.0), ("busy", 90.0)):
        metric = f"gleaner_accelerator_{name}_seconds_total"
        assert value(found, metric, role="generator", pool="generator") == seconds
        assert value(found, metric, role="generator", pool="strong") == 0
    assert total(found, "gleaner_accelerator_held_seconds_total") == 130.0
