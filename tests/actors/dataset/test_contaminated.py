"""Injected orders in the output folder: measured, told, and in no file that anything is trained on."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.counts.tally import Tally
from actors.dataset.rows import dead_letter_row, sample_row
from actors.ledger.history import Life, life_of
from actors.ledger.sqlite import LedgerReader
from actors.report.finish import build_report, finish
from actors.report.paths import Paths
from schemas.audit import Check, Severity
from schemas.errors import LedgerError
from schemas.ids import OrderId
from schemas.injection import Injected, InjectionKind, Worth
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined, Reopened
from tests.actors.audit.test_fold import Run, honest
from tests.actors.dataset.conftest import NOW, WORDING
from tests.actors.dataset.folders import keep, write_shards
from tests.doubles.ledgers import Scale, plausible_run
from tests.doubles.replays import replayed

SCALE = Scale(passages=20, refused=1)
KINDS = tuple(InjectionKind)


def tagged(records: Iterable[Record], share: float, worth: Worth = Worth.BAD) -> Iterator[Record]:
    """The same run with a share of its orders injected; what follows the first attempt is known to be good."""
    for record in records:
        if isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd) and record.attempt is not None:
            draw = int(record.order_id[:8], 16)
            if draw / 2**32 < share:
                now = worth if record.attempt.number == 1 else Worth.GOOD
                tag = Injected(KINDS[draw % len(KINDS)], now)
                record = replace(record, attempt=replace(record.attempt, injected=tag))
        yield record


def injected_in(records: Iterable[Record]) -> set[OrderId]:
    moves = (record for record in records if isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd))
    return {record.order_id for record in moves if record.attempt is not None and record.attempt.injected is not None}


def ids_on_disk(output: Path) -> set[str]:
    return {row for path in output.glob("*/*.parquet") for row in pq.read_table(path).column("id").to_pylist()}


@pytest.fixture
async def folder(tmp_path: Path) -> Run:
    """A finished run of which a third was injected."""
    run = Run(tmp_path)
    run.records = list(tagged(run.records, 0.4))
    await run.write()
    return run


async def test_nothing_injected_is_in_any_shard(folder: Run) -> None:
    """Accepted or dead-lettered, first-pass or repaired: the ledger knows them, the shards do not; verify agrees."""
    injected = injected_in(folder.records)
    ended = {end.order_id for end in folder.records if isinstance(end, AcceptedEnd | DeadLetteredEnd)}
    assert len(injected) >= 5
    assert ids_on_disk(folder.output).isdisjoint(injected)
    assert ended - injected <= ids_on_disk(folder.output)
    report = folder.verify()
    assert report.ok, report.findings
    assert report.orders == report.accepted + report.dead_lettered == 24


async def test_the_manifest_counts_them_apart_and_the_page_tells(folder: Run) -> None:
    """Counts of the dataset are of what it holds; recall stands in a table of its own."""
    manifest = finish(folder.output, now=NOW, versions={})
    rows = sum(shard.rows for shard in manifest.shards if shard.name.startswith("dataset"))
    assert manifest.counts.exported == rows
    assert manifest.counts.injected == len(injected_in(folder.records)) == sum(e.injected for e in manifest.injections)
    assert f"{rows} samples, each accepted" in (folder.output / "README.md").read_text()
    page = build_report(folder.output, NOW)
    assert "What do the gates catch?" in page
    assert "injected, accepted" in page


async def test_a_shard_with_an_injected_sample_is_found(tmp_path: Path) -> None:
    """Someone's export ignored the tag: verify names the row."""
    run = Run(tmp_path)
    await run.write()

    def inject(record: Record) -> Record:
        return next(tagged([record], 0.4))

    run.rewrite(inject)
    report = run.verify()
    assert (Check.ROWS, "a sample that was made bad on purpose is in a shard") in {
        (finding.check, finding.what) for finding in report.findings
    }


async def test_an_injected_order_that_comes_back_keeps_its_tag(tmp_path: Path) -> None:
    """Dead letters are put back and live on: no injected one gets a row in any edition, and the folder verifies."""
    run = Run(tmp_path)
    before = list(plausible_run(3, Scale(passages=8, max_attempts=1, refused=1)))
    records, run.documents = honest(before)
    run.records = list(tagged(records, 0.5))
    await run.write()
    with LedgerReader(tmp_path) as reader:
        known = [record for _, record in reader.records()]
    told = replayed(known, Random(1), rounds=2)[len(known) :]
    assert injected_in(run.records) & {record.order_id for record in told if isinstance(record, Reopened)}
    keep(tmp_path, list(tagged(told, 0.5)))
    await write_shards(tmp_path, rows_per_shard=7)
    finish(tmp_path, now=NOW + 9000, versions={})
    everything = [*known, *tagged(told, 0.5)]
    assert list((tmp_path / "dead_letters").glob("part-*-2.parquet"))
    assert ids_on_disk(tmp_path).isdisjoint(injected_in(everything))
    report = run.verify()
    assert report.ok, report.findings
    assert not [finding for finding in report.findings if finding.severity is Severity.WARNING]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 50), st.floats(0, 1), st.floats(0, 1))
def test_lives_after_a_replay_are_counted_as_the_first(seed: int, share: float, cut: float) -> None:
    """At any moment of lives and replays: orders and paths add up, and figures of quality are of clean orders alone."""
    random = Random(seed)
    run = replayed(list(plausible_run(seed, Scale(passages=8))), random, rounds=2)
    records = list(tagged(run, share))[: round(cut * len(run))]
    injected = injected_in(records)
    tally, clean, paths = Tally(), Tally(), Paths()
    for record in records:
        tally.apply(record)
        paths.apply(record)
        if getattr(record, "order_id", None) not in injected:
            clean.apply(record)
    found, alone = tally.summary(), clean.summary()
    counts, everything = found.counts, paths.full()
    assert counts.issued == counts.accepted + counts.dead_lettered + counts.outstanding == sum(everything.values())
    assert min(everything.values(), default=0) >= 0
    assert counts.contaminated == sum(n for path, n in everything.items() if path[-1] == "contaminated")
    assert (counts.exported, counts.first_pass, counts.rejected, counts.recovered) == (
        alone.counts.accepted, alone.counts.first_pass, alone.counts.rejected, alone.counts.recovered,
    )  # fmt: skip
    assert (found.overlap, found.modes, found.repairs) == (alone.overlap, alone.modes, alone.repairs)
    said, wanted = ({each.gate: (each.passed, each.rejected) for each in one.verdicts} for one in (found, alone))
    assert {gate: both for gate, both in said.items() if any(both)} == {g: b for g, b in wanted.items() if any(b)}
    assert sum(each.errored for each in found.verdicts) == sum(each.count for each in found.errors)
    assert tally.distributions().scores == clean.distributions().scores


def _lives(records: list[Record]) -> list[Life]:
    stories: dict[OrderId, list[Record]] = {}
    for record in records:
        if isinstance(record, Planned):
            stories |= {order.id: [record] for order in record.orders}
        elif isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd):
            stories[record.order_id].append(record)
    return [life_of(order_id, story) for order_id, story in stories.items()]


def test_an_injected_life_has_no_row() -> None:
    """Whoever asks for a row of an injected order gets an error, also where only an earlier attempt was tagged."""
    lives = _lives(list(tagged(plausible_run(7, SCALE), 1.0)))
    for life in lives:
        first, *later = life.attempts
        for contaminated in (life, replace(life, attempts=(first, *(replace(a, injected=None) for a in later)))):
            with pytest.raises(LedgerError, match="never exported"):
                sample_row(contaminated, chat=WORDING.chat, models=WORDING.models)
            with pytest.raises(LedgerError, match="never exported"):
                dead_letter_row(contaminated)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 50), st.floats(0, 1), st.sampled_from(Worth))
def test_injected_orders_are_conserved_and_counted_once(seed: int, share: float, worth: Worth) -> None:
    """Whatever is injected: orders add up, each injection is in one column, and clean figures are of clean orders."""
    records = list(tagged(plausible_run(seed, Scale(passages=8)), share, worth))
    tally, clean = Tally(), Tally()
    injected = injected_in(records)
    for record in records:
        tally.apply(record)
        if getattr(record, "order_id", None) not in injected:
            clean.apply(record)
    found, alone = tally.summary(), clean.summary()
    counts = found.counts
    assert counts.issued == counts.accepted + counts.dead_lettered + counts.outstanding
    assert counts.injected == len(injected)
    assert (counts.exported, counts.first_pass, counts.rejected, counts.recovered) == (
        alone.counts.accepted, alone.counts.first_pass, alone.counts.rejected, alone.counts.recovered,
    )  # fmt: skip
    assert (found.overlap, found.modes, found.repairs) == (alone.overlap, alone.modes, alone.repairs)
    for each in found.injections:
        assert each.injected == each.caught + each.missed + each.errored + each.unverified + each.harmless
        assert (each.caught + each.missed == 0) or worth is Worth.BAD
        assert each.repaired <= each.accepted <= each.injected


def test_a_run_without_injections_says_nothing_of_them(tmp_path: Path) -> None:
    """Nobody asked for it: no table, no counts."""
    keep(tmp_path, plausible_run(7, SCALE))
    with LedgerReader(tmp_path) as ledger:
        tally = Tally()
        for _, record in ledger.records():
            tally.apply(record)
    assert not tally.summary().injections
    assert "What do the gates catch?" not in build_report(tmp_path, NOW)
