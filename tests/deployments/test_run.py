"""Whole runs on a real Ray and a real Serve, as `gleaner run` makes them. Engines are doubles: no quality here."""

import contextlib
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from msgspec import Struct
from msgspec.structs import replace

import deployments.run
from actors.audit.verify import verify
from actors.corpus.reader import documents
from actors.ledger.reopen import ReplayRequest
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.queue.preflight import LaunchTerms
from benchmarks.loop import configuration, write_corpus
from deployments.config.recorded import is_edited
from deployments.folder.replay import replay
from deployments.monitoring.progress import Phase, Progress
from deployments.run import RunEnd, RunResult, run
from schemas.config import Budget, Chunking, Conductors, Corpus, RunConfig
from schemas.config_engines import CustomEngine
from schemas.corpus import RefusalReason
from schemas.errors import CorpusError, ModelError, OutputError
from schemas.ledger import AcceptedEnd
from schemas.manifest import Manifest
from schemas.orders import EndReason

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]

PASSAGES, SLOTS = 40, 3


class Finished(Struct, frozen=True):
    """A run that nobody disturbed, for all who only read it."""

    config: RunConfig
    output: Path
    result: RunResult
    seen: tuple[Progress, ...]


@pytest.fixture(scope="module")
def finished(ray_session: None, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A small run in which a fifth of the drafts is refused by the judge."""
    folder = tmp_path_factory.mktemp("finished")
    write_corpus(folder / "corpus.jsonl", PASSAGES)
    config = configuration(folder / "corpus.jsonl", rejected=0.2, concurrency=64)
    seen: list[Progress] = []
    result = run(config, folder / "run", watch=seen.append)
    return Finished(config, folder / "run", result, tuple(seen))


@pytest.fixture
def config(finished: Finished) -> RunConfig:
    """That run's, to be run again elsewhere: an order's id follows from where its passage lies."""
    return finished.config


@pytest.fixture
def copy(finished: Finished, tmp_path: Path) -> Path:
    """That run's folder, to be touched."""
    return shutil.copytree(finished.output, tmp_path / "run")


def slower(config: RunConfig, median_s: float, **options: str | float) -> RunConfig:
    """The same run with a generator that takes its time."""
    pool = config.pools["generator"]
    engine = CustomEngine(factory="tests.doubles.engines:instant", options={"median_s": median_s, **options})
    return replace(config, pools={"generator": replace(pool, engine=engine)})


def accepted(output: Path) -> dict[str, str]:
    """Order to answer."""
    with LedgerReader(output) as ledger:
        ends = [record for _, record in ledger.records() if isinstance(record, AcceptedEnd)]
    return {end.order_id: end.attempt.candidate.text for end in ends if end.attempt.candidate is not None}


def holds(output: Path, config: RunConfig) -> bool:
    report = verify(output, lambda uris: documents(uris, config.corpus), partial(is_edited, output / "run.yaml"))
    assert report.ok, report.findings
    return report.passages_checked == report.passages


def test_every_order_ends_and_the_folder_proves_it(finished: Finished) -> None:
    """Corpus in, samples out: counts agree everywhere, rejected samples were repaired, the dataset is on disk."""
    counts = finished.result.manifest.counts
    assert finished.result.end is RunEnd.COMPLETE
    assert counts.issued == PASSAGES * SLOTS == counts.accepted + counts.dead_lettered
    assert counts.outstanding == 0
    assert counts.rejected > 0
    assert counts.recovered > counts.rejected / 2
    assert holds(finished.output, finished.config)
    rows = [row for path in (finished.output / "dataset").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert len(rows) == counts.accepted
    assert {row["messages"][0]["role"] for row in rows} == {"user"}
    manifest = json.loads((finished.output / "manifest.json").read_text())
    assert manifest["yield"] == counts.accepted / counts.issued
    assert [progress.phase for progress in finished.seen][-1] is Phase.DONE


def test_progress_is_a_value_that_travels(finished: Finished) -> None:
    """What a watcher gets can be written as JSON: for any other display."""
    last = finished.seen[-1]
    assert msgspec.json.decode(msgspec.json.encode(last))["phase"] == "done"
    assert last.at <= time.time()


def test_another_seed_gives_other_samples(finished: Finished, tmp_path: Path) -> None:
    """(That one seed gives the same samples, whatever comes first, interrupted and killed runs show below.)"""
    run(replace(finished.config, seed=1), tmp_path / "other")
    assert accepted(tmp_path / "other") != accepted(finished.output)


def test_a_finished_run_run_again_pays_nothing(finished: Finished, copy: Path) -> None:
    """`gleaner run` on a complete folder, with changed replicas: no model is started, the manifest stands."""
    seen: list[Progress] = []
    wider = replace(finished.config, conductors=replace(finished.config.conductors, concurrency=8))
    again = run(wider, copy, watch=seen.append)
    assert again.end is RunEnd.COMPLETE
    assert again.manifest.counts == finished.result.manifest.counts
    assert again.manifest.tokens == finished.result.manifest.tokens
    assert not any(progress.replicas or progress.conductors for progress in seen)
    assert holds(copy, wider)


def _interrupted(config: RunConfig, output: Path) -> RunResult:
    def interrupt(progress: Progress) -> None:
        if progress.snapshot is not None and progress.snapshot.counts.accepted >= 10 and not sent.is_set():
            sent.set()
            os.kill(os.getpid(), signal.SIGINT)

    sent = threading.Event()
    return run(config, output, watch=interrupt)


def test_ctrl_c_drains_and_the_same_command_goes_on(finished: Finished, tmp_path: Path) -> None:
    """Interrupted in the middle: what was accepted stays, resuming ends every order, none is accepted twice."""
    few_at_once = Conductors(count=1, concurrency=8)
    slow = slower(replace(finished.config, conductors=few_at_once), 0.3)
    result = _interrupted(slow, tmp_path / "run")
    assert result.end is RunEnd.INTERRUPTED
    assert 0 < result.manifest.counts.accepted < PASSAGES * SLOTS
    assert holds(tmp_path / "run", slow)
    before = accepted(tmp_path / "run")
    resumed = run(slow, tmp_path / "run")
    assert resumed.end is RunEnd.COMPLETE
    assert resumed.manifest.counts.outstanding == 0
    assert before.items() <= accepted(tmp_path / "run").items()
    assert holds(tmp_path / "run", slow)
    assert accepted(tmp_path / "run") == accepted(finished.output)


def test_another_runs_folder_is_refused_unharmed(finished: Finished, copy: Path) -> None:
    """A changed seed on an old folder: refused before Ray does anything, with the difference."""
    before = (copy / "run.yaml").read_bytes()
    with pytest.raises(OutputError, match="seed"):
        run(replace(finished.config, seed=7), copy)
    assert (copy / "run.yaml").read_bytes() == before


def test_a_folder_that_another_run_writes_is_refused(finished: Finished, copy: Path) -> None:
    """Two runs on one folder: the second is told which process holds it, and has not touched the first one's file."""
    before = (copy / "run.yaml").read_bytes()
    wider = replace(finished.config, conductors=replace(finished.config.conductors, concurrency=8))
    with SqliteLedger(copy, owner=os.getppid()), pytest.raises(OutputError, match="another run"):
        run(wider, copy)
    assert (copy / "run.yaml").read_bytes() == before


def test_a_model_that_cannot_start_is_told(config: RunConfig, tmp_path: Path) -> None:
    """The replica cannot load its model: the run ends with the model's own one line, not with a hang."""
    broken = CustomEngine(factory="tests.doubles.engines:no_model")
    wrong = replace(config, pools={"generator": replace(config.pools["generator"], engine=broken)})
    with pytest.raises(ModelError, match="there is no model 'atlantis'"):
        run(wrong, tmp_path / "run")


def test_a_corpus_that_is_missing_then_bad_then_grown(config: RunConfig, tmp_path: Path) -> None:
    """A path that does not exist: one line, and no half-made run is left that would refuse the corrected one. A torn
    line, an empty text and a duplicate id among good documents: each has its reason in dead_letters. A new document
    once the run is complete: the same command generates for it alone."""
    corpus, output = tmp_path / "mess.jsonl", tmp_path / "run"
    messy = replace(config, corpus=Corpus(paths=(str(corpus),)))
    with pytest.raises(CorpusError, match=r"mess\.jsonl"):
        run(messy, output)

    lines = [b'{"id": "a", "text": "A fact stands here."}', b'{"id": "b", "text": ', b'{"id": "c", "text": ""}']
    corpus.write_bytes(b"\n".join([*lines, lines[0], b'{"id": "e", "text": "Another fact."}\n']))
    first = run(messy, output)
    assert first.end is RunEnd.COMPLETE
    assert first.manifest.counts.refused_documents == 3
    assert first.manifest.counts.issued == 2 * SLOTS
    rows = pq.read_table(output / "dead_letters").to_pylist()
    assert {row["reason"] for row in rows if row["subject"] == "document"} == {"bad_record", "empty", "duplicate_id"}
    before = accepted(output)

    with corpus.open("ab") as file:
        file.write(b'{"id": "f", "text": "A new fact."}\n')
    counts = run(messy, output).manifest.counts
    assert (counts.issued, counts.refused_documents) == (3 * SLOTS, 3)
    assert counts.attempts - first.manifest.counts.attempts <= 2 * SLOTS
    assert before.items() <= accepted(output).items()
    assert holds(output, messy)


def test_a_document_that_was_torn_for_a_moment_is_no_dead_letter_later(config: RunConfig, tmp_path: Path) -> None:
    """A file is read while it is copied: refused. The next start reads it, and says that this is over."""
    corpus, output = tmp_path / "corpus", tmp_path / "run"
    corpus.mkdir()
    (corpus / "good.txt").write_text("A fact stands here.")
    (corpus / "torn.txt").write_bytes(b"Another fact \xff")
    torn = replace(config, corpus=Corpus(paths=(str(corpus),)))
    first = run(torn, output).manifest
    assert (first.counts.issued, first.counts.refused_documents) == (SLOTS, 1)
    (corpus / "torn.txt").write_text("Another fact stands here.")
    manifest = run(torn, output).manifest
    assert (manifest.counts.issued, manifest.counts.refused_documents, manifest.refusals) == (2 * SLOTS, 0, ())
    assert manifest.counts.read_again_documents == 1
    assert "1 refused document could be read later" in (output / "report.html").read_text()
    assert holds(output, torn)


def test_a_complete_folder_whose_corpus_grows_beyond_the_queue_goes_on(config: RunConfig, tmp_path: Path) -> None:
    """More new documents than the queue has room for: the reader waits for conductors, which begin with the first."""
    corpus, output = tmp_path / "grows.jsonl", tmp_path / "run"
    lines = [json.dumps({"id": str(number), "text": f"Fact {number} stands here."}) for number in range(12)]
    corpus.write_text(f"{lines[0]}\n")
    growing = replace(config, corpus=Corpus(paths=(str(corpus),)), queue=replace(config.queue, capacity=2 * SLOTS))
    assert run(growing, output).manifest.counts.issued == SLOTS
    corpus.write_text("".join(f"{line}\n" for line in lines))
    result = run(growing, output)
    assert (result.end, result.manifest.complete) == (RunEnd.COMPLETE, True)
    assert result.manifest.counts.issued == len(lines) * SLOTS
    assert holds(output, growing)


def test_a_run_holds_its_folder_until_the_last_file_is_written(
    finished: Finished, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay while manifest and report are written would have its own overwritten with older counts: it cannot."""
    finish, seen = deployments.run.finish, []

    def finishing(output: Path, **options: Any) -> Manifest:
        with pytest.raises(OutputError, match="another run is writing here"):
            replay(output, ReplayRequest(), None, now=time.time)
        seen.append(output)
        return finish(output, **options)

    monkeypatch.setattr(deployments.run, "finish", finishing)
    assert run(finished.config, copy).manifest.complete
    assert seen == [copy]
    SqliteLedger(copy).close()


def test_a_document_that_changes_is_not_paid_for_again(config: RunConfig, tmp_path: Path) -> None:
    """Somebody adds a line to a file of a finished run. The same command says so and makes nothing; `--changed new`
    makes samples of the new passage alone; the proof holds each time, with a warning for what is replaced."""
    corpus, output = tmp_path / "corpus.jsonl", tmp_path / "run"
    growing = replace(config, corpus=Corpus(paths=(str(corpus),), chunking=Chunking(max_tokens=8)))
    text = "The tower was built in 1871. The bridge was built in 1902."
    corpus.write_text(json.dumps({"id": "a", "text": text}) + "\n")
    first = run(growing, output).manifest.counts
    assert holds(output, growing)
    corpus.write_text(json.dumps({"id": "a", "text": text + " The mill was built in 1910."}) + "\n")
    kept = run(growing, output)
    assert (kept.manifest.counts.issued, kept.end) == (first.issued, RunEnd.COMPLETE)
    assert [(each.reason, each.documents) for each in kept.manifest.refusals] == [(RefusalReason.CHANGED, 1)]
    assert run(growing, output, terms=LaunchTerms(changed="new")).manifest.counts.issued == first.issued + SLOTS
    assert run(growing, output).manifest.counts.issued == first.issued + SLOTS
    report = verify(output, lambda uris: documents(uris, growing.corpus), partial(is_edited, output / "run.yaml"))
    assert report.ok
    assert [finding.what for finding in report.findings] == [
        "not checked: 2 passages of documents that have changed since, as the run noticed"
    ]


def test_engines_that_fail_for_good_become_dead_letters(config: RunConfig, tmp_path: Path) -> None:
    """2% of requests always fail: they are tried within bounds, end as engine_error, and hold nobody up."""
    engine = CustomEngine(factory="tests.doubles.engines:instant", options={"failing": 0.1})
    pools = {"generator": replace(config.pools["generator"], engine=engine)}
    manifest = run(replace(config, pools=pools), tmp_path / "run").manifest
    reasons = {end.reason: end.orders for end in manifest.ends}
    assert reasons[EndReason.ENGINE_ERROR] > 0
    assert manifest.counts.outstanding == 0
    assert holds(tmp_path / "run", config)


def test_a_token_budget_ends_the_run(finished: Finished, tmp_path: Path) -> None:
    """Half of what it would take: the rest ends as budget, counted, and the spend stays near the bound."""
    whole = finished.result.manifest.tokens
    half = slower(replace(finished.config, budget=Budget(tokens=whole // 2)), 0.02)
    half = replace(half, conductors=replace(half.conductors, concurrency=8))
    manifest = run(half, tmp_path / "half").manifest
    assert {end.reason for end in manifest.ends} >= {EndReason.BUDGET}
    assert manifest.counts.outstanding == 0
    assert whole // 2 <= manifest.tokens < whole * 0.7


def test_a_killed_conductor_is_replaced_and_nothing_is_lost(finished: Finished, tmp_path: Path) -> None:
    """kill -9 on the conductor's process in the middle of a run: its leases return, every order ends once. Some orders
    wait for the kill, so that it comes in the middle however busy the machine is."""
    killed: list[int] = []
    last = tmp_path / "last"

    def kill(progress: Progress) -> None:
        if not killed and progress.snapshot is not None and progress.snapshot.counts.accepted >= 10:
            killed.extend(_processes("ray::ConductorShell"))
            for process in killed:
                os.kill(process, signal.SIGKILL)
            if killed:
                last.touch()

    slow = slower(finished.config, 0.2, held=0.1, held_until=str(last))
    result = run(slow, tmp_path / "run", watch=kill)
    assert killed
    assert result.end is RunEnd.COMPLETE
    assert holds(tmp_path / "run", slow)
    assert accepted(tmp_path / "run") == accepted(finished.output)


def _processes(title: str) -> list[int]:
    """Processes of this session's Ray with that title: descendants of this test's own raylet, the dead left out."""
    return [pid for pid, command in _commands() if command.startswith(title)]


def _commands() -> Iterator[tuple[int, str]]:
    import psutil

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            yield child.pid, " ".join(child.cmdline())
