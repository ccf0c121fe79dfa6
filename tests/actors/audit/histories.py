"""Healthy folders at every moment of a run's life, as each kind of death or going on leaves them."""

import shutil
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

from msgspec.structs import replace

from actors.audit.verify import verify
from actors.ledger.reopen import ReplayRequest, Terms, dead_letters, reopened
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.recovery.bar import raised, raised_bar
from actors.recovery.rescoring import PassingTerms, judged_anew
from actors.report.finish import CHECKSUMS_NAME, finish, replace_config
from schemas.audit import Severity
from schemas.corpus import Document, Passage
from schemas.ids import DocumentId, PoolName
from schemas.ledger import (
    AcceptedEnd,
    CorpusEnded,
    DeadLetteredEnd,
    Planned,
    Reconfigured,
    Record,
    Reopened,
    Rescored,
    RunStarted,
    ShardWritten,
)
from schemas.orders import Order
from schemas.verdicts import FAITHFULNESS, MODEL_GATES, PROVENANCE, REWARD, Evidence, Passed, Raised
from tests.actors.audit.test_fold import CONFIG, honest
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.folders import keep, write_shards
from tests.actors.dataset.test_editions import put_back
from tests.actors.dataset.test_older_ledger import cut
from tests.doubles.ledgers import Scale, plausible_run

RECORDS, DOCUMENTS = honest(list(plausible_run(3, Scale(passages=8, refused=1, max_attempts=2))))
HALF = 2 * len(RECORDS) // 3
PLANS = [record for record in RECORDS if isinstance(record, Planned)]
NEW_URI = "file:///corpus/new.txt"


def new_plan() -> Planned:
    """Of a document that the corpus got later."""
    old = PLANS[0].passage
    where = replace(old.provenance, uri=NEW_URI, document_id=DocumentId(NEW_URI))
    passage = Passage.of(old.text, where)
    DOCUMENTS[NEW_URI] = replace(DOCUMENTS[old.provenance.uri], id=where.document_id, uri=NEW_URI)
    orders = tuple(Order.fresh(passage.id, order.task, order.slot) for order in PLANS[0].orders)
    return Planned(NOW, passage, orders)


NEW = new_plan()


def done(output: Path) -> None:
    finish(output, now=NOW, versions={})


def add(output: Path, records: Collection[Record]) -> None:
    with SqliteLedger(output) as ledger:
        ledger.append(list(records))


def resumed(output: Path) -> None:
    add(output, [RunStarted(NOW, "same", {}), *RECORDS[HALF:]])


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.iterdir()}


async def shards(output: Path) -> None:
    await write_shards(output, rows_per_shard=7)


async def complete(output: Path) -> None:
    """The run has ended."""
    keep(output, RECORDS)
    await shards(output)
    done(output)


async def interrupted(output: Path) -> None:
    """Ctrl-C in the middle."""
    keep(output, RECORDS[:HALF])
    await shards(output)
    done(output)


async def killed_before_any_shard(output: Path) -> None:
    """kill -9 early."""
    keep(output, RECORDS[:HALF])


async def killed_before_the_shards_are_closed(output: Path) -> None:
    """kill -9 after the last order's end."""
    keep(output, RECORDS)


async def killed_after_a_resume(output: Path) -> None:
    """Ctrl-C, the same command, kill -9: manifest.json counts less than the ledger."""
    await interrupted(output)
    resumed(output)


async def killed_after_a_resume_with_its_shards(output: Path) -> None:
    """The same, but the resumed run had closed its shards."""
    await interrupted(output)
    resumed(output)
    await shards(output)


async def killed_between_rename_and_record(output: Path) -> None:
    """The last shard has its name and no record."""
    keep(output, RECORDS)
    await shards(output)
    with LedgerReader(output) as ledger:
        last = max(seq for seq, record in ledger.records() if isinstance(record, ShardWritten))
    cut(output, last - 1)


async def killed_while_it_finished(output: Path) -> None:
    """The manifest is new; the other files are not yet."""
    await interrupted(output)
    resumed(output)
    await shards(output)
    new = output.with_name("finished")
    shutil.copytree(output, new)
    done(new)
    (output / CHECKSUMS_NAME).unlink()
    shutil.copy(new / "manifest.json", output)


async def resumed_with_another_run_yaml(output: Path) -> None:
    """More replicas from now on, then kill -9: checksums.txt was of the old run.yaml."""
    await interrupted(output)
    resumed(output)
    replace_config(output, CONFIG + "dataset: {flush_s: 5}\n")


async def started_again_on_a_complete_folder(output: Path) -> None:
    """The same command once more, killed at once."""
    await complete(output)
    add(output, [RunStarted(NOW, "same", {})])


def replayed(output: Path) -> None:
    back = put_back(RECORDS, at=NOW)
    assert back and all(isinstance(record, Reopened) for record in back)
    add(output, back)


async def replay_killed_after_the_ledger(output: Path) -> None:
    """Dead letters are outstanding again; shards and manifest are as before."""
    await complete(output)
    replayed(output)


async def replay_killed_before_the_manifest(output: Path) -> None:
    """New editions are written and the old ones gone; checksums.txt names those."""
    await complete(output)
    replayed(output)
    await shards(output)


async def replay_killed_before_the_old_edition_goes(output: Path) -> None:
    """A new edition is recorded, and the one it replaces is still there."""
    await complete(output)
    old = files_of(output / "dead_letters")
    replayed(output)
    await shards(output)
    for path, content in old.items():
        path.write_bytes(content)


async def put_back_twice(output: Path) -> None:
    """Dead letters came back, died again, and the second replay died early: their rows are those of the second end."""
    await complete(output)
    replayed(output)
    with LedgerReader(output) as ledger:
        back = [record for _, record in ledger.records() if isinstance(record, Reopened)]
    add(output, [DeadLetteredEnd(NOW, record.order_id, None, record.end) for record in back])
    await shards(output)
    done(output)
    with LedgerReader(output) as ledger:
        again = put_back([record for _, record in ledger.records()], at=NOW)
    assert again
    add(output, again)


async def replayed_under_another_configuration(output: Path) -> None:
    """`gleaner replay` lowered a threshold: earlier samples are checked against the former one, later ones against the
    new."""
    await complete(output)
    await replay_to_the_end(output)


async def replay_killed_before_it_wrote_run_yaml(output: Path) -> None:
    """The ledger says that the configuration changed, and it has not; the run then went on as before."""
    await complete(output)
    reconfigure(output)
    accept_what_came_back(output, threshold=0.5)


async def replay_killed_before_its_manifest(output: Path) -> None:
    """The manifest tells the models and thresholds of before the replay."""
    await complete(output)
    reconfigure(output)
    replace_config(output, LOWER)


async def rescored_under_lower_thresholds(output: Path) -> None:
    """`gleaner replay --rescore`: some dead letters were accepted by the scores they have."""
    await complete(output)
    accept_by_scores(output)
    await shards(output)
    done(output)


async def rescoring_killed_before_its_shards(output: Path) -> None:
    """The ledger and run.yaml know of the new samples; shards and manifest are as before."""
    await complete(output)
    accept_by_scores(output)


async def another_configuration_before_the_first_order(output: Path) -> None:
    """Ctrl-C while models loaded, then the same folder with another model: nothing bound it yet."""
    add(output, RECORDS[:1])
    done(output)
    add(output, [RunStarted(NOW, "another", {})])
    replace_config(output, LOWER)
    add(output, PLANS)


async def grown(output: Path) -> None:
    """The corpus was read again, and had more."""
    await complete(output)
    add(output, [RunStarted(NOW, "same", {}), NEW, CorpusEnded(NOW, documents=9, passages=9)])


async def one_of_several_queues(output: Path) -> None:
    """Each ledger counts the passages that its queue was given."""
    keep(output, RECORDS, 3)
    await shards(output)
    done(output)


LOWER = CONFIG.replace("threshold: 0.5", "threshold: 0.4").replace("almanac-l", "almanac-xl")
MODELS = {PoolName("generator"): "almanac-m", PoolName("strong"): "almanac-l"}
RECONFIGURED = Reconfigured(NOW, CONFIG, MODELS, ("gates.faithfulness.threshold: 0.5 → 0.4",))


async def replay_to_the_end(output: Path) -> None:
    """`gleaner replay --config`, and the run after it."""
    reconfigure(output)
    replace_config(output, LOWER)
    accept_what_came_back(output)
    await shards(output)
    done(output)


def reconfigure(output: Path) -> None:
    add(output, [RECONFIGURED])
    replayed(output)


def accept_by_scores(output: Path) -> None:
    """Each dead letter that every gate judged: its scores reach the lowest bar of all."""
    lowest = CONFIG.replace("threshold: 0.5", "threshold: 0.0")
    add(output, [Reconfigured(NOW, CONFIG, MODELS, ("gates.faithfulness.threshold: 0.5 → 0.0",))])
    replace_config(output, lowest)
    terms = PassingTerms(dict.fromkeys(MODEL_GATES, 0.0), {PROVENANCE, *MODEL_GATES}, raised_bar)
    with LedgerReader(output) as ledger:
        for found in dead_letters(ledger, ReplayRequest()):
            anew = judged_anew(found.life.attempts[-1], terms) if found.life.attempts else None
            if anew is not None:
                back = reopened(found, ledger, Terms(NOW, frozenset(MODELS)))
                add(output, [back, Rescored(NOW, back.order_id, anew)])


def accept_what_came_back(output: Path, *, threshold: float = 0.4) -> None:
    """Each order that was put back is accepted at its next attempt, as the bar of the configuration has it."""
    with LedgerReader(output) as ledger:
        records = [record for _, record in ledger.records()]
    sample = next(record.attempt for record in records if isinstance(record, AcceptedEnd))
    for back in records:
        if isinstance(back, Reopened):
            number = back.attempts_before + 1
            bar = threshold if number == 1 else raised(threshold, number)
            evidence = Evidence(raised=Raised(threshold, number) if number > 1 else None)
            verdicts = (
                Passed(PROVENANCE, 1.0, 1.0),
                Passed(FAITHFULNESS, 0.99, bar, evidence),
                Passed(REWARD, 0.9, threshold),
            )
            attempt = replace(sample, number=number, repair=back.repair, verdicts=verdicts)
            add(output, [AcceptedEnd(NOW, back.order_id, attempt)])


HISTORIES: tuple[Callable[[Path], Awaitable[None]], ...] = (
    complete,
    interrupted,
    killed_before_any_shard,
    killed_before_the_shards_are_closed,
    killed_after_a_resume,
    killed_after_a_resume_with_its_shards,
    killed_between_rename_and_record,
    killed_while_it_finished,
    resumed_with_another_run_yaml,
    started_again_on_a_complete_folder,
    replay_killed_after_the_ledger,
    replay_killed_before_the_manifest,
    replay_killed_before_the_old_edition_goes,
    put_back_twice,
    replayed_under_another_configuration,
    replay_killed_before_it_wrote_run_yaml,
    replay_killed_before_its_manifest,
    rescored_under_lower_thresholds,
    rescoring_killed_before_its_shards,
    another_configuration_before_the_first_order,
    grown,
    one_of_several_queues,
)


def documents(uris: Collection[str]) -> list[Document]:
    return [document for uri, document in DOCUMENTS.items() if uri in uris]


def faults(output: Path) -> list[str]:
    report = verify(output, lambda uris: iter(documents(uris)))
    return [f"{found.where}: {found.what}" for found in report.findings if found.severity is Severity.ERROR]
