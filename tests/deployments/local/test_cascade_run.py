"""A whole run with a cascade, in one process: probes calibrate it while it goes on, and its ledger proves it."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from actors.audit.configuration import check_asked
from actors.audit.configured import configured
from actors.audit.findings import Findings
from actors.audit.fold import read_book
from actors.audit.verify import verify
from actors.counts.tally import Tally
from actors.dataset.manifest import read_manifest
from actors.ledger.files import make_folder
from actors.ledger.sqlite import MemoryLedger
from deployments.build.cascades import build_bands
from deployments.build.judges import judges
from deployments.config.load import load_text, to_yaml
from deployments.local.loop import conduct_in_process
from schemas.audit import Severity
from schemas.bands import Band
from schemas.config_gates import LlmJudge
from schemas.flaws import Worth
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, ProbeEnded, ProbeRejoined, Record, Rejoined
from schemas.orders import Attempt
from schemas.verdicts import FAITHFULNESS, PROVENANCE, Evidence, GateName, Passed, Rejected
from tests.doubles.probed import WRONG, passages
from tests.oracle.life import live
from tests.oracle.worlds import World

CONFIG = load_text("""
corpus: {paths: [nowhere]}
task: {kind: grounded_answer, prompts: embedded, samples_per_passage: 2}
pools:
  generator: {engine: {kind: custom, factory: "tests.doubles.cascades:engine"}}
gates:
  nli: {form: classifier, kind: faithfulness, engine: {kind: custom, factory: "tests.doubles.cascades:engine"}}
  careful:
    {form: llm, kind: faithfulness, threshold: 0.7, engine: {kind: custom, factory: "tests.doubles.cascades:engine"}}
  faithfulness: {form: cascade, cheap: nli, judge: careful, bad_passed: 0.2, good_rejected: 0.2}
probes:
  rate: 1.0
  injector: {factory: "tests.doubles.probed:wrong_name"}
  kinds: {instruction_quality: 0, response_quality: 0, high_temperature: 0}  # of which the cascade need see none
recovery: {bar: raised, max_attempts: 3}
conductors: {count: 1, concurrency: 8}
""")
OF = passages(110)


async def conducted(kept: Sequence[Record] = ()) -> list[Record]:
    """The records of a run, or of one that goes on after these."""
    ledger = MemoryLedger()
    ledger.kept = list(kept)
    await conduct_in_process(CONFIG, OF, ledger)
    return ledger.kept


@cache
def _finished() -> list[Record]:
    return []


async def finished() -> list[Record]:
    """The records of one run, made once."""
    if not _finished():
        _finished().extend(await conducted())
    return _finished()


def attempts(records: Sequence[Record]) -> list[Attempt]:
    moves = (each for each in records if isinstance(each, Rejoined | AcceptedEnd | DeadLetteredEnd))
    return [move.attempt for move in moves if move.attempt is not None]


def bands(records: Sequence[Record]) -> list[Band | None]:
    """The bands of the verdicts on samples, in the order of their records."""
    said = (verdict for each in attempts(records) for verdict in each.verdicts if verdict.gate == FAITHFULNESS)
    cascades = [verdict.evidence.cascade for verdict in said if isinstance(verdict, Passed | Rejected)]
    return [cascade.band for cascade in cascades if cascade is not None]


def faults(records: Sequence[Record]) -> list[str]:
    """What `gleaner verify` has against the ledger and its configuration."""
    findings = Findings()
    book = read_book(enumerate(records, 1), findings)
    check_asked([book], configured(to_yaml(CONFIG).encode()), findings)
    return [found.what for found in findings.kept if found.severity is Severity.ERROR]


async def test_probes_narrow_the_band_while_the_run_goes_on() -> None:
    """The first samples are all the judge's; the last ones mostly the cheap gate's. No wrong name is accepted."""
    records = await finished()
    seen = list(dict.fromkeys(bands(records)))
    assert seen[0] is None and seen[-1] is not None and seen[-1].low is not None and seen[-1].high is not None
    accepted = [each.attempt for each in records if isinstance(each, AcceptedEnd)]
    drafts = [made.candidate.draft for made in accepted if made.candidate is not None]
    assert accepted and not [draft for draft in drafts if draft is not None and draft.answer == WRONG]
    tally = Tally()
    for record in records:
        tally.apply(record)
    summary = tally.summary()
    (row,) = summary.cascades
    calls = {role.role: role.calls for role in summary.roles}
    assert row.gate == FAITHFULNESS and row.cheap > 30 < row.judge
    assert (calls["nli"], calls["careful"]) == (row.cheap + row.judge, row.judge) and FAITHFULNESS not in calls
    assert sum(role.tokens for role in summary.roles) == sum(_tokens(record) for record in records)


def _tokens(record: Record) -> int:
    attempt = getattr(record, "attempt", None)
    if attempt is None:
        return 0
    made = 0 if attempt.candidate is None else attempt.candidate.cost.tokens
    return made + sum(said.cost.tokens for said in attempt.verdicts)


async def test_probes_measure_it_as_one_gate_and_each_band_for_itself() -> None:
    """Its gates are measured by nothing of their own; with another band it is another judge."""
    tally = Tally()
    for record in await finished():
        tally.apply(record)
    gates = tally.summary().probes.gates
    assert {gate.gate for gate in gates} == {FAITHFULNESS} and len(gates) >= 2
    version = judges(CONFIG)[FAITHFULNESS]
    assert gates[0].version.startswith(f"{version}, band ") and [gate.last for gate in gates].count(True) == 1
    assert all(gate.whole.recall.value in (None, 1.0) for gate in gates)


async def test_its_ledger_proves_every_band_and_who_decided() -> None:
    """verify finds nothing; a band that the probes do not give, or a pass of the cheap gate inside it, is found."""
    records = await finished()
    assert faults(records) == []
    at, end = next(
        (at, each)
        for at, each in enumerate(records)
        if isinstance(each, AcceptedEnd) and _cascade(each.attempt) is not None and len(_steps(each.attempt)) == 1
    )
    forged = _with_band(end, Band(0.4, 0.41, 50, 50))
    found = faults([*records[:at], forged, *records[at + 1 :]])
    assert any("does not follow from the probes" in what or "before as many probes" in what for what in found)
    wide = _with_band(end, Band(0.0, 1.0, 50, 50))
    assert any("inside the band" in what for what in faults([*records[:at], wide, *records[at + 1 :]]))


def _cascade(attempt: Attempt) -> object:
    return _evidence(attempt).cascade


def _steps(attempt: Attempt) -> Sequence[object]:
    cascade = _evidence(attempt).cascade
    return () if cascade is None else cascade.steps


def _evidence(attempt: Attempt) -> Evidence:
    (said,) = (each for each in attempt.verdicts if each.gate == FAITHFULNESS)
    assert isinstance(said, Passed | Rejected)
    return said.evidence


def _with_band(end: AcceptedEnd, band: Band) -> AcceptedEnd:
    cascade = _evidence(end.attempt).cascade
    assert cascade is not None
    verdicts = tuple(
        replace(said, evidence=replace(said.evidence, cascade=replace(cascade, band=band)))
        if said.gate == FAITHFULNESS and isinstance(said, Passed | Rejected)
        else said
        for said in end.attempt.verdicts
    )
    return replace(end, attempt=replace(end.attempt, verdicts=verdicts))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
async def test_a_run_that_was_killed_goes_on_with_the_band_it_had(share: float) -> None:
    """From the records alone: the first sample after the restart has the band of all probes before it, and the whole
    ledger is proved as if nothing had happened."""
    records = await finished()
    kept = records[: int(share * len(records))]
    fold = build_bands(CONFIG)
    assert fold is not None
    for record in kept:
        fold.apply(record)
    resumed = await conducted(kept)
    after = bands(resumed[len(kept) :])
    assert after[0] == fold.bands().get(FAITHFULNESS)
    assert faults(resumed) == []


def test_its_version_is_that_of_both_its_gates() -> None:
    """With another threshold of the judge it is another cascade, whose rates begin anew. The band is the cheap gate's
    affair: it outlives another judge."""
    careful = CONFIG.gates["careful"]
    assert isinstance(careful, LlmJudge)
    stricter = replace(CONFIG, gates={**CONFIG.gates, "careful": replace(careful, threshold=0.8)})
    before, after = judges(CONFIG), judges(stricter)
    assert before[FAITHFULNESS] != after[FAITHFULNESS] and before[GateName("nli")] == after[GateName("nli")]
    assert before[FAITHFULNESS].startswith("nli+careful@")


async def test_probes_of_good_and_bad_reach_both_edges() -> None:
    """What the fold was fed: labels as the injector says, first attempts alone."""
    firsts = [
        each
        for each in await finished()
        if isinstance(each, ProbeEnded | ProbeRejoined) and each.attempt is not None and each.attempt.number == 1
    ]
    assert {each.facts.label for each in firsts} == {Worth.GOOD, Worth.BAD}
    assert all(GateName("nli") in each.facts.judges for each in firsts if each.attempt and each.attempt.verdicts)


async def test_a_whole_folder_is_proved_and_shows_one_gate(tmp_path: Path) -> None:
    """Manifest, shards and rows know the cascade by its judge's threshold, and none of its gates."""
    output = tmp_path / "run"
    make_folder(output)
    await live(World(CONFIG, tuple(OF[:30])), output, None)
    report = verify(output, lambda uris: iter(()))
    assert [found.what for found in report.findings if found.severity is Severity.ERROR] == []
    manifest = read_manifest(output)
    assert manifest is not None and manifest.thresholds == {FAITHFULNESS: 0.7}
    rows = [row for shard in output.rglob("*.parquet") for row in pq.read_table(shard).to_pylist()]
    assert len(rows) == report.accepted > 0
    assert {name for row in rows for name, score in row["scores"].items() if score is not None} == {
        PROVENANCE,
        FAITHFULNESS,
    }
