"""Several queues with their ledgers in one folder: each passage in one, and the run the sum of all."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.counts.firsts import LOOKED_AT
from actors.counts.rates import rate
from actors.counts.tally import Tally
from actors.counts.together import together
from actors.dataset.spans import Span
from actors.ledger.folder import Ledgers, has_orders
from actors.ledger.sqlite import LedgerReader, MemoryLedger, SqliteLedger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.queue.service import QueueService, ServiceSettings
from actors.report.facts import facts_of
from actors.report.finish import finish
from schemas.audit import Severity
from schemas.distributions import Distribution
from schemas.errors import OutputError
from schemas.flaws import FlawKind
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, CorpusEnded, PlanEnded, Planned, Record, RunStarted, ShardKind, ShardWritten
from schemas.orders import EndReason, Lease, OrderKind, Outcome
from schemas.probes import (
    Drift,
    DriftOf,
    FlawDiagnosis,
    FlawProbes,
    FlawRecall,
    GateCatch,
    ProbedGate,
    ProbeRates,
    Probes,
)
from schemas.progress import Counts, EndCount, KindCount, RoleCost, RunSnapshot, Summary
from schemas.queue_shard import ONLY, QueueShard, shard_of
from schemas.recovery import Modes
from schemas.stop import PlanEnd
from schemas.verdicts import FAITHFULNESS
from tests.actors.audit.test_fold import honest
from tests.actors.counts.records import counted
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.folders import keep, write_shards
from tests.doubles.attempts import accepted, given_up, orders, passage, rejected
from tests.doubles.ledgers import Scale, plausible_run
from tests.doubles.parted import parted

THREE = QueueShard(0, 3).all
RECORDS = list(plausible_run(5, Scale(passages=60)))
LIMITS = QueueLimits(max_attempts=3, lease_s=300, fresh_share=0.25)


def unordered(value: object) -> object:
    """Tables as sets of rows, seconds rounded: the order of a sum's terms says nothing."""
    match value:
        case msgspec.Struct():
            return type(value).__name__, tuple(unordered(getattr(value, name)) for name in value.__struct_fields__)
        case tuple():
            return frozenset(map(unordered, value))
        case float():
            return round(value, 6)
    return value


def test_passages_spread_evenly_and_stay() -> None:
    """A place follows from the id alone: a few per cent more or less in each, the same in every process."""
    ids = [passage(number).id for number in range(6000)]
    places = Counter(shard_of(each, 3) for each in ids)
    assert max(places.values()) - min(places.values()) < 0.1 * len(ids) / 3
    assert [shard_of(each, 3) for each in ids[:5]] == [int(each[:8], 16) % 3 for each in ids[:5]]
    assert {shard_of(each, 1) for each in ids} == {0}
    assert all([shard.holds(each) for shard in THREE].count(True) == 1 for each in ids[:100])


@given(whole=st.integers(0, 10**9), count=st.integers(1, 64))
def test_shares_of_a_bound_add_up_to_it(whole: int, count: int) -> None:
    """No run spends more than its budget because it has several queues."""
    shares = [shard.share(whole) for shard in QueueShard(0, count).all]
    assert sum(shares) == whole
    assert max(shares) - min(shares) <= 1


def test_the_first_shard_keeps_the_names_of_a_run_without_shards() -> None:
    """What reads an old folder reads it as it is; no two shards share a file."""
    assert (ONLY.ledger, ONLY.lock) == (THREE[0].ledger, THREE[0].lock) == ("ledger.sqlite", "ledger.lock")
    assert [shard.ledger for shard in THREE[1:]] == ["ledger-1.sqlite", "ledger-2.sqlite"]
    names = [Span(3, 1, 9, edition, queue).name for queue in (0, 1, 2) for edition in (1, 2)]
    assert names[:2] == ["part-00003.parquet", "part-00003-2.parquet"]
    assert names[2:4] == ["part-q1-00003.parquet", "part-q1-00003-2.parquet"]
    for span in (Span(3, 1, 9), Span(3, 1, 9, 2), Span(3, 1, 9, 1, 2), Span(12345678, 1, 9, 4, 63)):
        recorded = ShardWritten(NOW, ShardKind.DATASET, f"dataset/{span.name}", 1, "", 1, 9)
        assert Span.of(recorded) == span
    with pytest.raises(OutputError, match="not a shard"):
        Span.of(ShardWritten(NOW, ShardKind.DATASET, "dataset/part-x.parquet", 1, "", 1, 9))


@pytest.mark.parametrize("count", [2, 3, 7])
def test_summaries_of_parts_add_up_to_the_summary_of_the_whole(count: int) -> None:
    """Every figure of the live view, and every one that will be added to it; but for the first calls, of which each
    shard looks at as many as a whole run."""
    parts = [counted(part) for part in parted(RECORDS, count).values()]
    assert all(part.counts.issued for part in parts)
    both, whole = together(parts), counted(RECORDS)
    assert unordered(replace(both, firsts=())) == unordered(replace(whole, firsts=()))
    looked_at = _looked_at(both)
    assert all(seen <= looked_at[role] <= count * LOOKED_AT for role, seen in _looked_at(whole).items())


def _looked_at(summary: Summary) -> Counter[str]:
    """First calls of each role."""
    looked: Counter[str] = Counter()
    for row in summary.firsts:
        looked[row.role] += row.number
    return looked


def test_tables_add_up_row_by_row() -> None:
    """A row of one shard alone stays, nested tables add up too, and a moment is the earliest or the latest."""
    one = Summary(
        Counts(issued=2), (RoleCost("a", 1, 2, 3, 0.5),), started_at=5.0, last_at=9.0, corpus_ended=True,
        kinds=(KindCount(OrderKind.FRESH, 2, 1, (EndCount(EndReason.REJECTED, 1),)),),
    )  # fmt: skip
    two = Summary(
        Counts(issued=3), (RoleCost("b", 1, 1, 1, 1.0), RoleCost("a", 1, 1, 1, 1.0)), started_at=4.0, last_at=8.0,
        kinds=(KindCount(OrderKind.FRESH, 3, 0, (EndCount(EndReason.REJECTED, 2),)),),
    )  # fmt: skip
    both = together([one, two])
    assert both.counts.issued == 5
    assert both.roles == (RoleCost("a", 2, 3, 4, 1.5), RoleCost("b", 1, 1, 1, 1.0))
    assert both.kinds == (KindCount(OrderKind.FRESH, 5, 1, (EndCount(EndReason.REJECTED, 3),)),)
    assert (both.started_at, both.first_accepted_at, both.last_at, both.corpus_ended) == (4.0, None, 9.0, False)


def test_rates_of_probes_are_rates_of_all_of_them() -> None:
    """An interval is no sum: it follows from what is; a gate's drift in one shard is the run's."""
    calm = Summary(probes=_probes(Drift(DriftOf.RECALL, False, 0.5, rate(8, 10), rate(0, 0)), last=True))
    alarm = Summary(probes=_probes(Drift(DriftOf.RECALL, True, 3.0, rate(8, 10), rate(0, 0)), last=False))
    both = together([calm, alarm]).probes
    (gate,) = both.gates
    assert (both.issued, gate.judged, gate.last) == (20, 20, True)
    assert gate.whole.recall == rate(16, 20)
    assert gate.drift == (Drift(DriftOf.RECALL, True, 3.0, rate(16, 20), rate(0, 0)),)
    (flaw,) = both.flaws
    assert (flaw.flaw, flaw.caught, flaw.healed) == (FlawKind.PARAMETRIC, 16, 4)
    assert (flaw.by_gate, flaw.diagnoses) == (
        (GateCatch(FAITHFULNESS, 16, 10),),
        (FlawDiagnosis(Modes.PARAMETRIC, 12, right=True),),
    )


def test_snapshots_add_up_and_the_oldest_order_is_the_oldest_of_all() -> None:
    """One that recovers is told of; histograms add up, empty ones too."""
    one = RunSnapshot(
        at=10.0, summary=Summary(Counts(issued=4)), ready=2, oldest_s=3.0, commits=Distribution((1, 2), 0.5)
    )
    two = RunSnapshot(at=11.0, summary=Summary(Counts(issued=1)), ready=1, oldest_s=7.0, recovering="token")
    both = together([one, two])
    assert (both.at, both.ready, both.oldest_s, both.recovering, both.counts.issued) == (11.0, 3, 7.0, "token", 5)
    assert both.commits == Distribution((1, 2), 0.5)
    assert together([one]) is one


@settings(deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 11), st.sampled_from((accepted, rejected, given_up))), max_size=60))
def test_conservation_over_the_sum_of_the_queues(steps: list[tuple[int, Callable[[Lease], Outcome]]]) -> None:
    """issued = accepted + dead-lettered + outstanding, in each and in all, after every step."""
    queues = [RegenerationQueue(LIMITS, lambda a, b: 0.0) for _ in THREE]
    tallies = [Tally() for _ in THREE]
    for now, (number, outcome) in enumerate(steps):
        place = shard_of(passage(number).id, 3)
        queue, tally = queues[place], tallies[place]
        planned = queue.plan(passage(number), orders(passage(number), 2), now)
        settled = [queue.settle(outcome(lease), now)[1] for lease in queue.lease(now, "conductor", 1)]
        records: list[Record | None] = [planned, *settled]
        for record in filter(None, records):
            tally.apply(record)
        counts = together([each.summary() for each in tallies]).counts
        queue.check()
        assert counts.issued == counts.accepted + counts.dead_lettered + counts.outstanding
        assert counts.outstanding == sum(each.outstanding for each in queues)
        assert not any(queues[other].passages.knows(passage(number).id) for other in range(3) if other != place)


async def test_a_budget_ends_every_queue_within_its_part() -> None:
    """One queue may have spent its part while another goes on; together they stay within the whole."""
    services = [_service(QueueLimits(3, 300, 0.25, tokens=shard.share(100))) for shard in THREE]
    for shard, service in zip(THREE, services, strict=True):
        await service.offer([found for number in range(60) if shard.holds((found := passage(number)).id)])
        while leases := await service.lease("conductor", 1, 0.0):
            await service.settle([accepted(lease) for lease in leases])
        await service.lease("conductor", 1, 0.0)
        assert service.finished()
    run = together([service.snapshot() for service in services])
    assert 100 <= run.summary.tokens <= 100 + 3 * 10
    assert (run.counts.outstanding, run.unaccounted) == (0, 0)


async def test_a_folder_with_three_ledgers_says_what_one_says(tmp_path: Path) -> None:
    """Counts, report, manifest and verify: only the files' names tell the two folders apart."""
    records, documents = honest(RECORDS)
    summaries, reports, shards = [], [], []
    for name, count in (("one", 1), ("three", 3)):
        output = tmp_path / name
        output.mkdir()
        keep(output, records, count)
        await write_shards(output, rows_per_shard=10)
        manifest = finish(output, now=NOW, versions={})
        report = verify(output, lambda uris: (documents[uri] for uri in uris))
        assert not report.faults, report.findings
        with Ledgers(output) as ledgers:
            summaries.append(unordered(counted([record for _, record in ledgers.records()])))
            facts = facts_of(ledgers.records(), seed=0)
        figures = (facts.passages, facts.documents, manifest.wall_seconds, manifest.complete, manifest.seed)
        reports.append((report.orders, report.accepted, report.rows, report.passages_checked, report.quotes, *figures))
        shards.append({shard.name for shard in manifest.shards})
    assert summaries[0] == summaries[1]
    assert reports[0] == reports[1]
    assert {"dataset/part-00000.parquet", "dataset/part-q1-00000.parquet", "dataset/part-q2-00000.parquet"} <= shards[1]


def test_the_corpus_has_ended_when_every_ledger_says_so(tmp_path: Path) -> None:
    """A queue whose budget is spent is not told the end: the run is not complete."""
    parts = parted(RECORDS, 3)
    for shard, part in parts.items():
        unread = shard.number == 1
        with SqliteLedger(tmp_path, shard) as ledger:
            ledger.append([record for record in part if not (unread and isinstance(record, CorpusEnded))])
    with Ledgers(tmp_path) as ledgers:
        merged = [record for _, record in ledgers.records()]
        assert not any(isinstance(record, CorpusEnded) for record in merged)
        assert sum(isinstance(record, RunStarted) for record in merged) == 1
        order = next(record.order_id for record in parts[THREE[2]] if isinstance(record, AcceptedEnd))
        assert ledgers.orders_like(order[:20], 3) == [order]
        assert isinstance(ledgers.story(order)[0], Planned)
        assert ledgers.story(OrderId(order[::-1])) == ()


@pytest.mark.parametrize(("why", "undone"), [(PlanEnd.ACCEPTED, True), (PlanEnd.ASKED, False)])
def test_a_plan_that_is_taken_up_again_has_ended_when_every_ledger_says_so_again(
    tmp_path: Path, why: PlanEnd, undone: bool
) -> None:
    """A start undoes the end of a plan in each ledger, but not an end on purpose;
    then one ledger's word is not all's."""
    for shard in THREE:
        ends = [CorpusEnded(1.5, 1, 1)] if shard.number == 2 else [PlanEnded(2.0, why)]
        again = [PlanEnded(4.0, PlanEnd.ORDERS)] if shard.number == 0 and undone else []
        with SqliteLedger(tmp_path, shard) as ledger:
            ledger.append([RunStarted(1.0, "sha", {}), *ends, RunStarted(3.0, "sha", {}), *again])
    with Ledgers(tmp_path) as ledgers:
        merged = [record for _, record in ledgers.records()]
    assert [record.at for record in merged if isinstance(record, PlanEnded)] == [2.0]
    assert counted(merged).plan_ended is (None if undone else why)


async def test_a_passage_in_the_wrong_ledger_is_found(tmp_path: Path) -> None:
    """Verify names the passage and where it belongs."""
    records, documents = honest(RECORDS)
    parts = list(parted(records, 3).values())
    moved = next(record for record in parts[0] if isinstance(record, Planned))
    ids = {order.id for order in moved.orders}
    strays = [record for record in parts[0] if record is moved or getattr(record, "order_id", None) in ids]
    for shard, part in zip(THREE, parts, strict=True):
        with SqliteLedger(tmp_path, shard) as ledger:
            ledger.append([*part, *strays] if shard.number == 1 else [each for each in part if each not in strays])
    await write_shards(tmp_path)
    finish(tmp_path, now=NOW, versions={})
    report = verify(tmp_path, lambda uris: (documents[uri] for uri in uris))
    found = [(each.where, each.what) for each in report.findings if each.severity is Severity.ERROR]
    planned = sum(isinstance(record, Planned) for record in parts[0])
    assert found == [
        ("ledger", f"the corpus ended with {planned} passages read, and {planned - 1} are planned"),
        ("ledger-1", f"passage {moved.passage.id} belongs into the ledger of shard 0"),
    ]


def test_a_ledger_knows_its_place(tmp_path: Path) -> None:
    """With orders it is never another shard's; without, an attempt that never began binds nobody."""
    for shard in THREE:
        SqliteLedger(tmp_path, shard).close()
    SqliteLedger(tmp_path).close()
    for shard in THREE:
        SqliteLedger(tmp_path, shard).close()
    assert not has_orders(tmp_path)
    keep(tmp_path, RECORDS, 3)
    assert has_orders(tmp_path)
    for wrong in (ONLY, QueueShard(1, 2)):
        with pytest.raises(OutputError, match="never changes"):
            SqliteLedger(tmp_path, wrong)
    with LedgerReader(tmp_path, THREE[1]) as reader:
        assert reader.shard == THREE[1]


def test_a_lost_ledger_is_told_and_never_made_anew(tmp_path: Path) -> None:
    """Its orders would be paid for again, and their rows removed."""
    keep(tmp_path, RECORDS, 3)
    (tmp_path / "ledger-1.sqlite").unlink()
    for read in (Ledgers, has_orders):
        with pytest.raises(OutputError, match=r"ledger-1\.sqlite is missing"):
            read(tmp_path)


def test_ledgers_that_changed_places_are_told(tmp_path: Path) -> None:
    """Files restored under each other's names: nothing reads them, and nothing writes there."""
    keep(tmp_path, RECORDS, 3)
    (tmp_path / "ledger-1.sqlite").rename(tmp_path / "kept")
    (tmp_path / "ledger-2.sqlite").rename(tmp_path / "ledger-1.sqlite")
    (tmp_path / "kept").rename(tmp_path / "ledger-2.sqlite")
    with pytest.raises(OutputError, match=r"ledger-1\.sqlite says that it is ledger 2 of 3"):
        Ledgers(tmp_path)
    with pytest.raises(OutputError, match="never changes"):
        SqliteLedger(tmp_path, THREE[1])


def test_a_ledger_that_never_got_its_tables_holds_no_orders(tmp_path: Path) -> None:
    """The process died while it made the second one: the same command goes on."""
    SqliteLedger(tmp_path, THREE[0]).close()
    (tmp_path / "ledger-1.sqlite").touch()
    assert not has_orders(tmp_path)


def test_each_shard_has_a_lock_of_its_own(tmp_path: Path) -> None:
    """A queue that is made again opens its ledger while the others go on."""
    with SqliteLedger(tmp_path, THREE[0]), SqliteLedger(tmp_path, THREE[1]):
        with pytest.raises(OutputError, match="another run"):
            SqliteLedger(tmp_path, THREE[1])
        SqliteLedger(tmp_path, THREE[2]).close()


async def test_a_writer_leaves_the_others_files_alone(tmp_path: Path) -> None:
    """Orphans and half-written files of its own go; those of another shard may be being written."""
    keep(tmp_path, RECORDS, 3)
    (tmp_path / "dataset").mkdir()
    own, others = ["part-00009.parquet", ".part-00009.parquet.writing"], [".part-q7-00000.parquet.writing"]
    own += ["part-q1-00009.parquet", ".part-q2-00000-2.parquet.writing"]
    for name in own + others:
        (tmp_path / "dataset" / name).touch()
    await write_shards(tmp_path)
    left = {path.name for path in (tmp_path / "dataset").iterdir()}
    assert left == {"part-00000.parquet", "part-q1-00000.parquet", "part-q2-00000.parquet", *others}


def _service(limits: QueueLimits) -> QueueService:
    queue = RegenerationQueue(limits, lambda a, b: 0.0)
    return QueueService(queue, MemoryLedger(), ServiceSettings("t", 1, 1000), now=lambda: NOW)


def _probes(drift: Drift, *, last: bool) -> Probes:
    rates = ProbeRates(rate(8, 10), rate(8, 9), rate(0, 0))
    gate = ProbedGate(
        gate=FAITHFULNESS, version="v", judged=10, errored=0, whole=rates, window=rates, in_window=10,
        flaws=(FlawRecall(None, True, rate(8, 10), rate(8, 10)),), drift=(drift,), last=last,
    )  # fmt: skip
    flaw = FlawProbes(
        flaw=FlawKind.PARAMETRIC, caught=8, missed=2, errored=0, by_gate=(GateCatch(FAITHFULNESS, 8, 5),),
        diagnoses=(FlawDiagnosis(Modes.PARAMETRIC, 6, right=True),), repaired=8, healed=2, still_bad=1, unknown=0,
        given_up=5,
    )  # fmt: skip
    return Probes(issued=10, ended=10, gates=(gate,), flaws=(flaw,))
