"""`gleaner replay --rescore` on finished folders: dead letters whose scores pass a lowered threshold are accepted, no
model is asked, and every reader of the folder agrees."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

import deployments.folder.rescore
from actors.audit.verify import verify
from actors.counts.tally import Tally
from actors.dataset.manifest import read_manifest
from actors.ledger.history import life_of
from actors.ledger.reopen import ReplayRequest, Terms, dead_letters, reopened
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.queue.machine import QueueLimits, RegenerationQueue
from actors.recovery.rescoring import judged_anew
from actors.report.facts import facts_of
from actors.report.finish import finish
from deployments.config.load import load
from deployments.folder.rescore import foresee_rescoring, passing_terms, rescore
from gleaner import samples
from schemas.audit import Severity
from schemas.config import RunConfig
from schemas.errors import UserError
from schemas.ids import OrderId
from schemas.ledger import (
    AcceptedEnd,
    DeadLetteredEnd,
    Planned,
    Reconfigured,
    Record,
    Reopened,
    Rescored,
    ShardWritten,
)
from schemas.orders import Attempt, EndReason
from schemas.verdicts import FAITHFULNESS, Passed
from tests.actors.audit.histories import add
from tests.actors.audit.test_fold import CONFIG, honest
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.folders import keep, write_shards
from tests.deployments.folder.test_replay import EVERY, gleaner, mistake
from tests.doubles.ledgers import Scale, plausible_run

RECORDS, DOCUMENTS = honest(list(plausible_run(5, Scale(passages=40, refused=1, max_attempts=1))))
LOWER = (("threshold: 0.5", "threshold: 0.2"), ("threshold: 0.5", "threshold: 0.2"))


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run."""
    output = tmp_path_factory.mktemp("complete") / "run"
    output.mkdir()
    (output / "run.yaml").write_text(CONFIG)
    keep(output, RECORDS)
    asyncio.run(write_shards(output, rows_per_shard=20))
    finish(output, now=NOW, versions={})
    return output


@pytest.fixture
def folder(complete: Path, tmp_path: Path) -> Path:
    """It, which `gleaner verify` finds healthy."""
    shutil.copytree(complete, tmp_path / "run")
    assert faults(tmp_path / "run") == []
    return tmp_path / "run"


def faults(output: Path) -> list[str]:
    report = verify(output, lambda uris: (DOCUMENTS[uri] for uri in uris if uri in DOCUMENTS))
    return [f"{found.where}: {found.what}" for found in report.findings if found.severity is Severity.ERROR]


def changed(tmp_path: Path, *changes: tuple[str, str]) -> RunConfig:
    text = CONFIG
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "changed.yaml"
    path.write_text(text)
    return load(path)


def records_of(folder: Path) -> list[Record]:
    with LedgerReader(folder) as ledger:
        return [record for _, record in ledger.records()]


def tally_of(records: list[Record]) -> Tally:
    tally = Tally()
    for record in records:
        tally.apply(record)
    return tally


def ids_in(folder: Path) -> list[str]:
    return [row["id"] for row in pq.read_table(folder).to_pylist()]


def test_dead_letters_that_pass_are_accepted_by_the_scores_they_have(folder: Path, tmp_path: Path) -> None:
    """The thresholds were too high. Ledger, counts, shards, manifest, report and verify agree; nothing was spent, no
    attempt was made, and what is left is below the lowered thresholds too."""
    before = tally_of(records_of(folder))
    done = rescore(folder, EVERY, changed(tmp_path, *LOWER), now=lambda: NOW)
    records = records_of(folder)
    after = tally_of(records)
    then, now = before.summary().counts, after.summary().counts
    assert 3 < done.orders < then.dead_lettered
    assert now.accepted == then.accepted + done.orders and now.dead_lettered == then.dead_lettered - done.orders
    assert (now.reopened, now.outstanding) == (done.orders, then.outstanding)
    unchanged = ("issued", "attempts", "first_pass", "rejected", "recovered")
    assert [getattr(now, name) for name in unchanged] == [getattr(then, name) for name in unchanged]
    assert (after.tokens, after.summary().roles) == (before.tokens, before.summary().roles)
    assert faults(folder) == []
    accepted = {record.order_id for record in records if isinstance(record, Rescored)}
    assert accepted <= set(ids_in(folder / "dataset")) and not accepted & set(ids_in(folder / "dead_letters"))
    assert {sample.id for sample in samples(folder)} == set(ids_in(folder / "dataset"))
    manifest = read_manifest(folder)
    assert manifest is not None and manifest.complete and manifest.counts == now
    assert sum(left.orders for left in done.left) == now.dead_lettered
    with LedgerReader(folder) as ledger:
        everything = facts_of(ledger.records(), seed=1).paths.full()
    assert sum(number for path, number in everything.items() if path[-1] == "put_back") == done.orders
    assert sum(everything.values()) == now.issued and min(everything.values()) >= 0


def test_a_queue_that_is_opened_again_knows_them_as_accepted(folder: Path, tmp_path: Path) -> None:
    """Every order has its end, the budget is what was spent, a life tells the verdicts of now and the end before."""
    rescore(folder, EVERY, changed(tmp_path, *LOWER), now=lambda: NOW)
    records = records_of(folder)
    queue = RegenerationQueue(QueueLimits(4, 60.0, 0.25), lambda a, b: 0.0)
    for record in records:
        queue.replay(record)
    queue.check()
    counts = tally_of(records).summary().counts
    assert (queue.accepted, queue.dead_lettered, queue.outstanding) == (counts.accepted, counts.dead_lettered, 0)
    assert queue.spent == tally_of(records).tokens
    back = next(record for record in records if isinstance(record, Reopened))
    with LedgerReader(folder) as ledger:
        life = life_of(back.order_id, ledger.story(back.order_id))
    assert life.accepted_at == NOW and life.end is None and [each.end for each in life.put_back] == [back.end]
    assert len(life.attempts) == back.attempts_before
    assert all(isinstance(said, Passed) for said in life.attempts[-1].verdicts)
    shown = gleaner("explain", folder, back.order_id)
    assert shown.exit_code == 0 and "put back" in shown.stdout and "0.5 → 0.2" in shown.stdout


def test_exports_show_them_as_accepted_and_never_as_a_negative(folder: Path, tmp_path: Path) -> None:
    """A student is trained on them as on any sample; the rejection that no longer holds is no bad example."""
    rescore(folder, EVERY, changed(tmp_path, *LOWER), now=lambda: NOW)
    rescored = {record.order_id for record in records_of(folder) if isinstance(record, Rescored)}
    rows = {}
    for view in ("sft", "kto", "hard_negatives"):
        told = gleaner("export", folder, "--format", view, "--files", "jsonl", "--output", tmp_path / view)
        assert told.exit_code == 0, told.output
        lines = [line for path in (tmp_path / view).rglob("*.jsonl") for line in path.read_text().splitlines()]
        rows[view] = [json.loads(line) for line in lines]
    assert rescored <= {row["origin"]["order_id"] for row in rows["sft"]}
    labels = {row["label"] for row in rows["kto"] if row["origin"]["order_id"] in rescored}
    assert labels == {True}
    assert rows["hard_negatives"]
    assert rescored.isdisjoint(row["origin"]["order_id"] for row in rows["hard_negatives"])


def test_the_same_command_does_nothing_more(folder: Path, tmp_path: Path) -> None:
    """And so does a rescoring without any change: nothing is a dead letter that passes."""
    config = changed(tmp_path, *LOWER)
    assert foresee_rescoring(folder, EVERY, config).orders == rescore(folder, EVERY, config, now=lambda: NOW).orders
    records = records_of(folder)
    assert rescore(folder, EVERY, config, now=lambda: NOW + 9).orders == 0
    assert foresee_rescoring(folder, EVERY, None).orders == 0
    assert records_of(folder) == records


def test_only_the_wanted_are_accepted(folder: Path, tmp_path: Path) -> None:
    """By reason and mode, as a replay; a dry run says the same and writes nothing."""
    config = changed(tmp_path, *LOWER)
    group = foresee_rescoring(folder, EVERY, config).accepted[0]
    assert group.mode is not None
    before = records_of(folder)
    wanted = ReplayRequest(frozenset({group.reason}), frozenset({group.mode}))
    foreseen = foresee_rescoring(folder, wanted, config)
    assert records_of(folder) == before and foreseen.accepted == (group,)
    done = rescore(folder, wanted, config, now=lambda: NOW)
    assert (done.accepted, done.left) == (foreseen.accepted, foreseen.left)
    assert faults(folder) == []


def test_a_raised_threshold_takes_nothing_back(folder: Path, tmp_path: Path) -> None:
    """What was accepted stays; no dead letter passes the highest bar, so there is nothing to take the change for."""
    before = records_of(folder)
    with pytest.raises(UserError, match="no dead letter"):
        rescore(folder, EVERY, changed(tmp_path, ("threshold: 0.5", "threshold: 1.0")), now=lambda: NOW)
    assert records_of(folder) == before
    lowered = changed(tmp_path, *LOWER)
    rescore(folder, EVERY, lowered, now=lambda: NOW)
    accepted = ids_in(folder / "dataset")
    with pytest.raises(UserError, match="no dead letter"):
        rescore(folder, EVERY, changed(tmp_path, ("threshold: 0.5", "threshold: 1.0")), now=lambda: NOW)
    assert ids_in(folder / "dataset") == accepted and faults(folder) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("model: judge", "model: better"), "gates.faithfulness.engine.model: 'judge' → 'better'"),
        (("kind: grounded_answer,", "kind: grounded_answer, output: json,"), "task.output"),
        (("form: classifier, threshold: 0.5, e", "form: llm, threshold: 0.5, e"), "gates.faithfulness.form"),
    ],
)
def test_a_change_that_scores_do_not_answer_is_refused(
    change: tuple[str, str], told: str, folder: Path, tmp_path: Path
) -> None:
    """Another judge would give other scores: a replay has dead letters judged again, a rescoring cannot."""
    config = changed(tmp_path, *LOWER, change) if "threshold" not in change[0] else changed(tmp_path, change)
    before = records_of(folder)
    for what in (foresee_rescoring, lambda *given: rescore(*given, now=lambda: NOW)):
        with pytest.raises(UserError, match="recorded scores cannot answer") as refused:
            what(folder, EVERY, config)
        assert told in str(refused.value)
    assert records_of(folder) == before


def test_scores_of_other_gates_are_not_compared_with_thresholds_of_now(folder: Path, tmp_path: Path) -> None:
    """A replay had changed the judge since: the dead letters before it have the former judge's scores."""
    config = load(folder / "run.yaml")
    other = Reconfigured(NOW, (folder / "run.yaml").read_text(), {}, ("gates.faithfulness.engine.model: 'a' → 'b'",))
    assert foresee_rescoring(folder, EVERY, changed(tmp_path, *LOWER)).orders
    add(folder, [other])
    with pytest.raises(UserError, match="no dead letter"):
        foresee_rescoring(folder, EVERY, changed(tmp_path, *LOWER))
    assert foresee_rescoring(folder, EVERY, config).orders == 0


@pytest.mark.parametrize("dies_in", ["replace_config", "SqliteLedger.append", "write_shards", "finish"])
def test_a_rescoring_that_dies_is_ended_by_the_next(
    dies_in: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before run.yaml, between two batches, before the shards, before the manifest: `verify` finds no fault, and
    the same command ends it with the same samples."""
    config = changed(tmp_path, *LOWER)
    foreseen = foresee_rescoring(folder, EVERY, config).orders
    monkeypatch.setattr(deployments.folder.rescore, "BATCH", 2)
    append, calls = SqliteLedger.append, []

    def killed(*arguments: Any, **__: Any) -> int:
        if dies_in == "SqliteLedger.append" and len(calls) < 2:
            calls.append(arguments)
            return append(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        owner, _, name = dies_in.rpartition(".")
        patched.setattr(SqliteLedger if owner else deployments.folder.rescore, name, killed)
        with pytest.raises(KeyboardInterrupt):
            rescore(folder, EVERY, config, now=lambda: NOW)
    assert faults(folder) == []
    done = rescore(folder, EVERY, config, now=lambda: NOW)
    assert sum(isinstance(record, Rescored) for record in records_of(folder)) == foreseen
    assert done.orders == {"replace_config": foreseen, "SqliteLedger.append": foreseen - 2}.get(dies_in, 0)
    assert faults(folder) == []
    assert len(ids_in(folder / "dataset")) == tally_of(records_of(folder)).summary().counts.accepted


def test_near_duplicates_are_looked_for_among_all_that_is_accepted(folder: Path, tmp_path: Path) -> None:
    """Two dead letters of one passage ask the same, and a third asks what an accepted sample asks: of the three, one is
    accepted."""
    records, config = records_of(folder), changed(tmp_path, *LOWER)
    passages = {order.id: plan.passage.id for plan in records if isinstance(plan, Planned) for order in plan.orders}
    samples = {passages[end.order_id]: end.attempt for end in records if isinstance(end, AcceptedEnd)}
    passing = [end for end in records if isinstance(end, DeadLetteredEnd) and _passes(end, config)]
    first, second = next((a, b) for a, b in pairwise(passing) if passages[a.order_id] == passages[b.order_id])
    third = next(end for end in passing if passages[end.order_id] in samples and end not in (first, second))
    asks = {second.order_id: first.attempt, third.order_id: samples[passages[third.order_id]]}
    output = tmp_path / "twins"
    output.mkdir()
    (output / "run.yaml").write_text(CONFIG)
    kept = [record for record in records if not isinstance(record, ShardWritten)]
    add(output, [_asking(record, asks) for record in kept])
    assert rescore(output, EVERY, config, now=lambda: NOW).orders == len(passing) - 2
    accepted = {record.order_id for record in records_of(output) if isinstance(record, Rescored)}
    assert accepted == {end.order_id for end in passing} - {second.order_id, third.order_id}


def _asking(record: Record, asks: Mapping[OrderId, Attempt | None]) -> Record:
    """The same end, but its draft is that of another attempt."""
    if not isinstance(record, DeadLetteredEnd) or record.order_id not in asks:
        return record
    other, attempt = asks[record.order_id], record.attempt
    assert attempt is not None and attempt.candidate is not None and other is not None and other.candidate is not None
    return replace(record, attempt=replace(attempt, candidate=replace(attempt.candidate, draft=other.candidate.draft)))


def _passes(end: DeadLetteredEnd, config: RunConfig) -> bool:
    return end.attempt is not None and judged_anew(end.attempt, passing_terms(config)) is not None


def _forged(folder: Path, *, skip_reopened: bool = False, **changes: Any) -> None:
    """A dead letter is accepted by its scores, but not as `rescore` does it."""
    with LedgerReader(folder) as ledger:
        found = next(found for found in dead_letters(ledger, EVERY) if found.life.attempts[-1].candidate)
        back = reopened(found, ledger, Terms(NOW, ()))
    attempt = replace(found.life.attempts[-1], diagnosis=None, choice=None)
    verdicts = tuple(
        Passed(said.gate, getattr(said, "score", 1.0), getattr(said, "threshold", 0.5)) for said in attempt.verdicts
    )
    rescored = Rescored(NOW, back.order_id, replace(attempt, verdicts=verdicts, **changes))
    add(folder, [rescored] if skip_reopened else [back, rescored])


@pytest.mark.parametrize(
    ("forgery", "told"),
    [
        ({"skip_reopened": True}, "was not put back for it"),
        ({"number": 9}, "attempt 9 is accepted by its scores, the last was"),
        ({}, "below its threshold"),
    ],
)
def test_verify_finds_what_was_not_accepted_by_its_scores(forgery: dict[str, Any], told: str, folder: Path) -> None:
    """A record that says so and is not true: no dead letter, another attempt, one made bad, a score below its bar."""
    _forged(folder, **forgery)
    assert any(told in fault for fault in faults(folder)), faults(folder)


def test_verify_finds_scores_that_were_not_those(folder: Path, tmp_path: Path) -> None:
    """The row is what the ledger says, but the ledger's second verdict has a score that the first did not give."""
    config = changed(tmp_path, *LOWER)
    append = SqliteLedger.append

    def better(ledger: SqliteLedger, records: list[Record]) -> int:
        return append(ledger, [_better(record) if isinstance(record, Rescored) else record for record in records])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SqliteLedger, "append", better)
        rescore(folder, EVERY, config, now=lambda: NOW)
    assert any("is not what the ledger says: scores" in fault for fault in faults(folder))


def _better(record: Rescored) -> Rescored:
    verdicts = tuple(
        replace(said, score=0.999) if isinstance(said, Passed) and said.gate == FAITHFULNESS else said
        for said in record.attempt.verdicts
    )
    return replace(record, attempt=replace(record.attempt, verdicts=verdicts))


def test_what_the_command_says(folder: Path, tmp_path: Path) -> None:
    """How many of which sort and what changed; as JSON too; a change that it cannot take is one line."""
    changed(tmp_path, *LOWER)
    path = tmp_path / "changed.yaml"
    told = gleaner("replay", folder, "--rescore", "--config", path, "--dry-run")
    assert told.exit_code == 0, told.output
    assert "dead letters would be accepted by the scores they have: " in told.stdout
    assert "gates.faithfulness.threshold: 0.5 → 0.2" in told.stdout
    answer = json.loads(gleaner("replay", folder, "--rescore", "--config", path, "--json").stdout)
    assert answer["orders"] == sum(group["orders"] for group in answer["accepted"]) > 0 and not answer["dry_run"]
    assert "no dead letter passes by the scores it has; they are " in gleaner("replay", folder, "--rescore").stdout
    status = json.loads(gleaner("status", folder, "--json").stdout)
    assert (status["counts"]["reopened"], status["counts"]["outstanding"]) == (answer["orders"], 0)
    path.write_text(path.read_text().replace("model: judge", "model: better"))
    assert "recorded scores cannot answer" in mistake(gleaner("replay", folder, "--rescore", "--config", path))
    assert {group["reason"] for group in answer["accepted"]} == {EndReason.REJECTED.value}
    finish(folder, now=NOW, versions={})
    assert faults(folder) == []
