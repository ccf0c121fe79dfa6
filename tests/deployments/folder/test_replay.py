"""`gleaner replay` on folders as a run leaves them: what it puts back, what it refuses, and what it leaves behind."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

import deployments.folder.replay
from actors.counts.tally import Tally
from actors.dataset.manifest import read_config, read_manifest
from actors.ledger.reopen import ReplayRequest
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from deployments.cli import app
from deployments.config.load import config_sha256, difference, load, to_yaml
from deployments.folder.replay import foresee, replay
from deployments.terminal.reading import summary_of
from schemas.config import RunConfig
from schemas.errors import OutputError, UserError
from schemas.ledger import AcceptedEnd, CorpusEnded, Planned, Reconfigured, Record, Reopened, RunStarted
from schemas.orders import EndReason, Order
from schemas.progress import Counts
from tests.doubles.attempts import passage
from tests.doubles.ledgers import Scale, plausible_run

CONFIG = """
corpus: {paths: [./documents]}
task: {kind: grounded_answer}
pools:
  generator: {engine: {kind: http, model: small, base_url: "http://localhost:8000/v1"}}
  strong: {engine: {kind: http, model: large, base_url: "http://localhost:8001/v1"}}
gates:
  faithfulness: {form: classifier, threshold: 0.5, engine: {kind: custom, factory: "doubles:judge"}}
  reward: {form: classifier, threshold: 0.5, engine: {kind: custom, factory: "doubles:judge"}}
"""
SCALE = Scale(passages=15, max_attempts=1, refused=1)
NOW = 1_760_200_000.0
EVERY = ReplayRequest()


def write_config(path: Path, text: str = CONFIG) -> Path:
    path.write_text(text)
    return path


def folder_of(path: Path, scale: Scale = SCALE, tail: tuple[Record, ...] = ()) -> Path:
    """A run's folder with its configuration and its ledger; a finished replay of nothing writes the rest."""
    path.mkdir()
    config = load(write_config(path.parent / "run.yaml"))
    (path / "run.yaml").write_text(to_yaml(config))
    with SqliteLedger(path) as ledger:
        fingerprint = config_sha256(config)
        ledger.append(
            [
                replace(record, config_sha256=fingerprint) if isinstance(record, RunStarted) else record
                for record in (*plausible_run(7, scale), *tail)
            ]
        )
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "run")


def config_with(tmp_path: Path, *changes: tuple[str, str]) -> RunConfig:
    text = CONFIG
    for old, new in changes:
        assert text.count(old) >= 1
        text = text.replace(old, new, 1)
    return load(write_config(tmp_path / "changed.yaml", text))


def records_of(folder: Path) -> list[Record]:
    with LedgerReader(folder) as ledger:
        return [record for _, record in ledger.records()]


def counts_of(folder: Path) -> Counts:
    with LedgerReader(folder) as ledger:
        return summary_of(ledger).counts


def gleaner(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def mistake(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line.removeprefix("gleaner: error: ")


def dead_rows(folder: Path) -> set[str]:
    table = pq.read_table(folder / "dead_letters").to_pylist()
    return {row["id"] for row in table if row["subject"] == "order"}


def test_every_dead_letter_comes_back_and_the_folder_says_so(folder: Path) -> None:
    """Afterwards nothing calls an order of it a dead letter: ledger, shards, manifest; and the run is not complete."""
    before = counts_of(folder)
    assert before.dead_lettered > 5
    told = replay(folder, EVERY, None, now=lambda: NOW)
    after = counts_of(folder)
    assert told.orders == before.dead_lettered == after.outstanding == after.reopened
    assert (after.dead_lettered, after.accepted, after.issued) == (0, before.accepted, before.issued)
    assert dead_rows(folder) == set()
    manifest = read_manifest(folder)
    assert manifest is not None
    assert (manifest.complete, manifest.counts, manifest.ends) == (False, after, ())


def test_only_the_wanted_come_back(folder: Path) -> None:
    """By reason and by mode: the others stay dead letters, in their shards."""
    everything = foresee(folder, EVERY, None)
    group = next(group for group in everything.put_back if group.mode is not None)
    assert group.mode is not None
    wanted = ReplayRequest(frozenset({group.reason}), frozenset({group.mode}))
    told = replay(folder, wanted, None, now=lambda: NOW)
    assert told.put_back == (group,)
    assert sum(left.orders for left in told.left) == everything.orders - group.orders == counts_of(folder).dead_lettered
    assert len(dead_rows(folder)) == counts_of(folder).dead_lettered


def test_a_second_replay_does_nothing_more(folder: Path) -> None:
    """The same command twice: no record, no file is added; and one interrupted in its middle is ended by the next."""
    replay(folder, EVERY, None, now=lambda: NOW)
    records = records_of(folder)
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*") if "ledger" not in path.name}
    assert replay(folder, EVERY, None, now=lambda: NOW + 9).orders == 0
    assert records_of(folder) == records
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.*") if "ledger" not in path.name} == files


def test_orders_go_back_in_batches_that_are_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two batches: orders that are back stay back, the rest are dead letters, and the next command
    continues."""
    monkeypatch.setattr(deployments.folder.replay, "BATCH", 2)
    dead = counts_of(folder).dead_lettered
    appended = SqliteLedger.append
    batches: list[int] = []

    def dying(ledger: SqliteLedger, records: list[Record]) -> int:
        if len(batches) == 2:
            raise KeyboardInterrupt
        batches.append(len(records))
        return appended(ledger, records)

    with monkeypatch.context() as patched:
        patched.setattr(SqliteLedger, "append", dying)
        with pytest.raises(KeyboardInterrupt):
            replay(folder, EVERY, None, now=lambda: NOW)
    assert (counts_of(folder).dead_lettered, counts_of(folder).outstanding) == (dead - 4, 4)
    assert replay(folder, EVERY, None, now=lambda: NOW).orders == dead - 4
    assert (counts_of(folder).outstanding, counts_of(folder).reopened) == (dead, dead)


def test_a_folder_that_a_run_writes_is_refused(folder: Path) -> None:
    """While a run holds it nothing is put back: one line with the process; a dry run only reads and may look."""
    length = len(records_of(folder))
    with SqliteLedger(folder):
        assert "another run is writing here" in mistake(gleaner("replay", folder))
        assert gleaner("replay", folder, "--dry-run").exit_code == 0
    assert len(records_of(folder)) == length


def test_a_dry_run_writes_nothing(folder: Path, tmp_path: Path) -> None:
    """It says what would come back and what the configuration would change, and changes no file."""
    config_with(tmp_path, ("threshold: 0.5", "threshold: 0.3"))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "-shm" not in path.name}
    told = gleaner("replay", folder, "--dry-run", "--config", tmp_path / "changed.yaml")
    assert told.exit_code == 0, told.output
    assert "would be put back" in told.stdout
    assert "gates.faithfulness.threshold: 0.5 → 0.3" in told.stdout
    assert {path: path.read_bytes() for path in before} == before
    assert not (folder / "manifest.json").exists()


def test_the_changed_configuration_becomes_the_folders(folder: Path, tmp_path: Path) -> None:
    """Another threshold and model: run.yaml is the new one, and the ledger keeps the old one and what changed."""
    old = read_config(folder)
    changed = config_with(tmp_path, ("threshold: 0.5", "threshold: 0.3"), ("model: small", "model: smaller"))
    told = replay(folder, EVERY, changed, now=lambda: NOW)
    assert read_config(folder) == changed
    lines = ("gates.faithfulness.threshold: 0.5 → 0.3", "pools.generator.engine.model: 'small' → 'smaller'")
    assert tuple(map(str, told.changed)) == lines
    records = records_of(folder)
    (replaced,) = [record for record in records if isinstance(record, Reconfigured)]
    assert old is not None
    assert (replaced.before, replaced.models, replaced.changed) == (
        to_yaml(old),
        {"generator": "small", "strong": "large"},
        lines,
    )
    assert {record.changed for record in records if isinstance(record, Reopened)} == {lines}
    models = {row["model"] for row in pq.read_table(folder / "dataset").column("lineage").to_pylist()}
    assert "small" in models and "smaller" not in models


@pytest.mark.parametrize(
    "change",
    [
        ("[./documents]", "[./others]"),
        ("grounded_answer}", "grounded_answer, samples_per_passage: 4}"),
        ("\n", "\nseed: 7\n"),
    ],
)
def test_what_says_which_orders_there_are_never_changes(change: tuple[str, str], folder: Path, tmp_path: Path) -> None:
    """Another corpus, task or seed: refused key by key, and nothing is put back."""
    changed = config_with(tmp_path, change)
    length = len(records_of(folder))
    old = read_config(folder)
    assert old is not None
    with pytest.raises(UserError, match="orders are those of another configuration") as told:
        replay(folder, EVERY, changed, now=lambda: NOW)
    assert all(line in str(told.value) for line in difference(old, changed))
    assert " → " in str(told.value)
    assert len(records_of(folder)) == length


def test_replicas_are_taken_without_a_word_in_the_ledger(folder: Path, tmp_path: Path) -> None:
    """What changes no sample may change even if nothing comes back."""
    changed = config_with(tmp_path, ('8000/v1"}}', '8000/v1"}, replicas: {max: 4}}'))
    replay(folder, ReplayRequest(frozenset({EndReason.BUDGET})), changed, now=lambda: NOW)
    assert read_config(folder) == changed
    assert not [record for record in records_of(folder) if isinstance(record, Reopened | Reconfigured)]


def test_a_change_is_refused_while_other_orders_would_run_under_it(tmp_path: Path) -> None:
    """The run was interrupted: its fresh orders, or the rest of its corpus, would be made otherwise than their
    siblings. Without the change the replay is done."""
    changed = config_with(tmp_path, ("threshold: 0.5", "threshold: 0.3"))
    one = passage(10_000)
    fresh = Planned(NOW, one, (Order.fresh(one.id, "grounded_answer", 0),))
    outstanding = folder_of(tmp_path / "outstanding", tail=(fresh,))
    with pytest.raises(UserError, match=r"has not ended \(1 of its orders would be made otherwise"):
        replay(outstanding, EVERY, changed, now=lambda: NOW)
    unread = folder_of(tmp_path / "unread", Scale(passages=15, max_attempts=1, finished=0.99))
    assert not [record for record in records_of(unread) if isinstance(record, CorpusEnded)]
    with pytest.raises(UserError, match="has not ended"):
        foresee(unread, EVERY, changed)
    assert replay(outstanding, EVERY, None, now=lambda: NOW).orders > 0


def test_a_second_change_is_taken_for_the_same_orders(folder: Path, tmp_path: Path) -> None:
    """The threshold was not low enough yet: nothing ran in between, all that is outstanding was put back."""
    replay(folder, EVERY, config_with(tmp_path, ("threshold: 0.5", "threshold: 0.3")), now=lambda: NOW)
    told = replay(folder, EVERY, config_with(tmp_path, ("threshold: 0.5", "threshold: 0.1")), now=lambda: NOW)
    assert tuple(map(str, told.changed)) == ("gates.faithfulness.threshold: 0.3 → 0.1",)
    assert len([record for record in records_of(folder) if isinstance(record, Reconfigured)]) == 2


def test_a_change_for_nothing_is_refused(folder: Path, tmp_path: Path) -> None:
    """No dead letter matches: the new threshold would judge no order, so the folder does not take it."""
    changed = config_with(tmp_path, ("threshold: 0.5", "threshold: 0.3"))
    old = read_config(folder)
    with pytest.raises(UserError, match="no dead letter matches"):
        replay(folder, ReplayRequest(frozenset({EndReason.BUDGET})), changed, now=lambda: NOW)
    assert read_config(folder) == old


def test_the_ledger_names_the_configuration_of_each_attempt(folder: Path, tmp_path: Path) -> None:
    """From the ledger alone: the records before a `reconfigured` ran under what it replaced, those after under the
    next one's, and every start says the fingerprint."""
    replay(folder, EVERY, config_with(tmp_path, ("threshold: 0.5", "threshold: 0.3")), now=lambda: NOW)
    records = records_of(folder)
    change = next(place for place, record in enumerate(records) if isinstance(record, Reconfigured))
    assert all(not isinstance(record, AcceptedEnd) for record in records[change:])
    assert any(isinstance(record, RunStarted) and record.config_sha256 for record in records[:change])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--reason", "rejectd"), "--reason rejectd: there is no such name; did you mean 'rejected'?"),
        (("--mode", "parametrics"), "--mode parametrics: there is no such name; did you mean 'parametric'?"),
        (("--reason", "?"), "the names are rejected, gate_error, engine_error, budget, internal_error"),
        (("--config", "nowhere.yaml"), "No such file"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, str], says: str, folder: Path) -> None:
    """An unknown name or file is reported with the nearest known one, and nothing is put back."""
    length = len(records_of(folder))
    assert says in mistake(gleaner("replay", folder, *arguments))
    assert len(records_of(folder)) == length


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    """The wrong folder, a missing one: said, and no ledger is made there."""
    assert "holds no run" in mistake(gleaner("replay", tmp_path))
    assert "does not exist" in mistake(gleaner("replay", tmp_path / "nowhere"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_its_configuration(folder: Path) -> None:
    """run.yaml was deleted: it is unknown how its samples were made, so nothing is put back."""
    (folder / "run.yaml").unlink()
    with pytest.raises(OutputError, match=r"run\.yaml: is missing"):
        replay(folder, EVERY, None, now=lambda: NOW)
    assert not [record for record in records_of(folder) if isinstance(record, Reopened)]


def test_what_the_command_says(folder: Path) -> None:
    """How many of which sort, and how to go on; with --json the same as one document; then that none is left."""
    told = gleaner("replay", folder, "--reason", "rejected", "--mode", "parametric", "--json")
    answer = json.loads(told.stdout)
    assert (answer["orders"], answer["dry_run"]) == (answer["put_back"][0]["orders"], False)
    assert {(group["reason"], group["mode"]) for group in answer["put_back"]} == {("rejected", "parametric")}
    told = gleaner("replay", folder, "--reason", "rejected")
    assert "put back: " in told.stdout and "rejected (" in told.stdout
    assert f"gleaner run {folder}/run.yaml --output {folder}" in told.stderr
    assert "no dead letter matches" in gleaner("replay", folder, "--reason", "rejected").stdout


def explained(folder: Path, order_id: str) -> str:
    told = CliRunner().invoke(app, ["explain", str(folder), order_id], env={"COLUMNS": "100"})
    assert told.exit_code == 0, told.output
    return told.stdout


def test_explain_shows_both_lives(folder: Path, tmp_path: Path) -> None:
    """Its attempts, the end that no longer holds, what changed with it, and that it is open again."""
    replay(folder, EVERY, config_with(tmp_path, ("threshold: 0.5", "threshold: 0.3")), now=lambda: NOW)
    back = next(record for record in records_of(folder) if isinstance(record, Reopened) and record.rejected)
    text = explained(folder, back.order_id)
    assert text.index("attempt 1") < text.index("put back") < text.index("dead-lettered: rejected")
    assert "gates.faithfulness.threshold: 0.5 → 0.3" in text
    assert text.index("dead-lettered: rejected") < text.index("outstanding")
    life = json.loads(gleaner("explain", folder, back.order_id, "--json").stdout)
    assert [put["attempts_before"] for put in life["put_back"]] == [1]
    assert life["end"] is None


def test_the_counts_of_a_reader_and_of_a_replay_are_one_fold(folder: Path) -> None:
    """status, manifest and the replay's own words agree."""
    told = replay(folder, ReplayRequest(frozenset({EndReason.REJECTED})), None, now=lambda: NOW)
    tally = Tally()
    for record in records_of(folder):
        tally.apply(record)
    assert tally.summary().counts.reopened == told.orders
    status = json.loads(gleaner("status", folder, "--json").stdout)
    assert status["counts"]["reopened"] == told.orders
    assert status["counts"]["outstanding"] == told.orders
    assert f"{told.orders} dead letters that came back" in " ".join(gleaner("status", folder).stdout.split())
