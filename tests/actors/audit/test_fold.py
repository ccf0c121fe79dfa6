"""`gleaner verify` against tampering: each promise is broken once, and found, with its place."""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from actors.audit.verify import ReadAgain, verify
from actors.ledger.sqlite import NAME, SqliteLedger
from actors.report.finish import finish
from schemas.audit import AuditReport, Check, Severity
from schemas.corpus import Document, Passage
from schemas.errors import CorpusError, OutputError
from schemas.ids import OrderId, PassageId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Record, Rejoined
from schemas.orders import Order
from schemas.verdicts import FAITHFULNESS, REWARD, ClaimEvidence, Evidence, Passed, Quote, Rejected
from schemas.wire import encode_record
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.folders import keep, write_shards
from tests.doubles.ledgers import Scale, plausible_run

SCALE = Scale(passages=8, refused=1)


def honest(records: list[Record]) -> tuple[list[Record], dict[str, Document]]:
    """The run with true checksums and ids, and the documents that its passages came from (each within a longer
    text)."""
    documents: dict[str, Document] = {}
    changed: dict[str, Planned] = {}
    ids: dict[OrderId, OrderId] = {}
    for record in records:
        if isinstance(record, Planned):
            old = record.passage.provenance
            text = f"Preface. {record.passage.text} Epilogue."
            digest = sha256(text.encode()).hexdigest()
            where = replace(old, document_sha256=digest, start=9, end=9 + len(record.passage.text))
            documents[old.uri] = Document(old.document_id, old.uri, digest, text)
            passage = Passage.of(record.passage.text, where)
            orders = tuple(Order.fresh(passage.id, order.task, order.slot) for order in record.orders)
            ids |= {order.id: own.id for order, own in zip(record.orders, orders, strict=True)}
            changed[record.passage.id] = replace(record, passage=passage, orders=orders)
    honest: list[Record] = []
    for record in records:
        match record:
            case Planned():
                record = changed[record.passage.id]
            case Rejoined() | AcceptedEnd() | DeadLetteredEnd():
                record = replace(record, order_id=ids[record.order_id])
            case _:
                pass
        honest.append(record)
    return honest, documents


CONFIG = """
corpus: {paths: [./corpus]}
task: {kind: grounded_answer, samples_per_passage: 3}
seed: 3
pools:
  generator: {engine: {kind: transformers, model: almanac-m}}
  strong: {engine: {kind: transformers, model: almanac-l}}
gates:
  faithfulness: {form: classifier, threshold: 0.5, engine: {kind: transformers, model: judge}}
  reward: {form: classifier, threshold: 0.5, engine: {kind: transformers, model: reward}}
recovery: {bar: raised}
"""


class Run:
    """A finished folder and its corpus."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.records, self.documents = honest(list(plausible_run(3, SCALE)))

    async def write_unfinished(self) -> None:
        """Without manifest and checksums."""
        (self.output / "run.yaml").write_text(CONFIG)
        keep(self.output, self.records)
        await write_shards(self.output, rows_per_shard=7)

    async def write(self) -> None:
        await self.write_unfinished()
        finish(self.output, now=NOW, versions={})

    def read_again(self, uris: Collection[str]) -> Iterator[Document]:
        return (document for uri, document in self.documents.items() if uri in set(uris))

    def verify(self, read_again: ReadAgain | None = None) -> AuditReport:
        return verify(self.output, read_again or self.read_again)

    def append(self, records: Sequence[Record]) -> None:
        """As the next process of the run would."""
        with SqliteLedger(self.output) as ledger:
            ledger.append(records)

    def rewrite(self, change: Callable[[Record], Record | None]) -> None:
        """Edits the ledger behind its back."""
        database = sqlite3.connect(self.output / NAME)
        with SqliteLedger(self.output) as ledger:
            records = list(ledger.records())
        for seq, record in records:
            changed = change(record)
            if changed is None:
                database.execute("DELETE FROM records WHERE seq = ?", (seq,))
            elif changed is not record:
                database.execute("UPDATE records SET body = ? WHERE seq = ?", (encode_record(changed), seq))
        database.commit()
        database.close()


@pytest.fixture
async def run(tmp_path: Path) -> Run:
    made = Run(tmp_path)
    await made.write()
    return made


def faults(report: AuditReport) -> set[tuple[Check, str]]:
    return {(finding.check, finding.what) for finding in report.findings if finding.severity is Severity.ERROR}


async def test_a_finished_run_holds(run: Run) -> None:
    """Every order one end, every row its order, every passage its slice."""
    report = run.verify()
    assert report.ok, report.findings
    assert report.findings == ()
    assert report.orders == report.accepted + report.dead_lettered == 24
    assert report.passages == report.passages_checked == 8
    assert report.rows == 25
    assert report.shards > 2


async def test_a_document_that_changed_is_found(run: Run) -> None:
    """Somebody edited the corpus: the passages can no longer be shown to be in it."""
    uri, document = next(iter(run.documents.items()))
    edited = document.text.replace("Preface", "Foreword")
    run.documents[uri] = replace(document, text=edited, sha256=sha256(edited.encode()).hexdigest())
    assert faults(run.verify()) == {(Check.PROVENANCE, "the document has changed since the run read it")}


async def test_a_passage_that_is_not_its_slice_is_found(run: Run) -> None:
    """The span is off by one although the document is the same."""

    def shift(record: Record) -> Record:
        if not isinstance(record, Planned):
            return record
        where = record.passage.provenance
        moved = replace(where, start=where.start + 1, end=where.end + 1)
        return replace(record, passage=Passage.of(record.passage.text, moved))

    run.rewrite(shift)
    kinds = {check for check, _ in faults(run.verify())}
    assert Check.PROVENANCE in kinds


async def test_documents_that_are_gone_are_said_not_passed_over(run: Run) -> None:
    """The corpus was deleted: nothing is called proved that was not looked at, but nothing is called broken either."""
    report = run.verify(lambda uris: iter(()))
    assert report.ok
    assert report.passages_checked == 0
    assert any("not checked: 8 passages" in finding.what for finding in report.findings)


async def test_a_corpus_that_cannot_be_opened_is_a_finding(run: Run) -> None:
    """The bucket is not reachable: the rest is verified all the same."""

    def closed(uris: Collection[str]) -> Iterator[Document]:
        raise CorpusError("no such bucket")

    report = run.verify(closed)
    assert report.ok
    assert any("no such bucket" in finding.what for finding in report.findings)


async def test_a_torn_shard_is_found(run: Run) -> None:
    """One byte of one shard changed on disk: recorded checksum and checksums.txt both say so."""
    path = sorted((run.output / "dataset").glob("*.parquet"))[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert any("its checksum differs" in what for _, what in faults(run.verify()))


async def test_a_missing_shard_is_found(run: Run) -> None:
    """A shard was deleted."""
    sorted((run.output / "dataset").glob("*.parquet"))[0].unlink()
    assert (Check.SHARDS, "a recorded shard is missing") in faults(run.verify())


async def test_a_shard_that_no_run_wrote_is_found(run: Run) -> None:
    """A copy lies in the folder: a glob over it would load its rows twice."""
    path = sorted((run.output / "dataset").glob("*.parquet"))[0]
    (path.parent / "part-09999.parquet").write_bytes(path.read_bytes())
    assert (Check.SHARDS, "a shard that the ledger does not know") in faults(run.verify())


async def test_a_row_that_is_twice_is_found(run: Run) -> None:
    """A shard was written again with a doubled row, and its new checksum was recorded: the rows themselves show it."""
    path = sorted((run.output / "dataset").glob("*.parquet"))[0]
    table = pq.read_table(path)
    pq.write_table(table.take([0, *range(table.num_rows)]), path)
    digest = sha256(path.read_bytes()).hexdigest()
    name = f"dataset/{path.name}"
    run.rewrite(lambda record: replace(record, sha256=digest) if getattr(record, "name", "") == name else record)
    found = faults(run.verify())
    assert (Check.ROWS, "an order has two rows") in found


async def test_an_order_with_two_ends_is_found(run: Run) -> None:
    """Accepted and dead-lettered: conservation is broken and the order is named."""
    end = next(record for record in run.records if isinstance(record, AcceptedEnd))
    with SqliteLedger(run.output) as ledger:
        ledger.append([end])
    report = run.verify()
    assert (Check.CONSERVATION, "an order moves after its end") in faults(report)
    assert end.order_id in {finding.order_id for finding in report.findings}


async def test_a_record_that_was_removed_is_found(run: Run) -> None:
    """One attempt was deleted from the ledger: its number is missing."""
    rejoined = next(record for record in run.records if isinstance(record, Rejoined))
    run.rewrite(lambda record: None if record == rejoined else record)
    assert any(check is Check.CONSERVATION and "missing" in what for check, what in faults(run.verify()))


async def test_an_accepted_sample_that_a_gate_rejected_is_found(run: Run) -> None:
    """Nothing passes that was not passed by every gate that spoke."""

    def bribe(record: Record) -> Record:
        if not isinstance(record, AcceptedEnd):
            return record
        verdicts = (*record.attempt.verdicts, Rejected(REWARD, 0.1, 0.5))
        return replace(record, attempt=replace(record.attempt, verdicts=verdicts))

    run.rewrite(bribe)
    assert (Check.CONSERVATION, "accepted without having passed reward") in faults(run.verify())


async def test_an_order_that_was_never_issued_is_found(run: Run) -> None:
    """An end of an order that no passage has."""
    end = next(record for record in run.records if isinstance(record, DeadLetteredEnd))
    stranger = Order.fresh(Passage.of("x", run.records[2].passage.provenance).id, "t", 9)  # type: ignore[union-attr]
    with SqliteLedger(run.output) as ledger:
        ledger.append([replace(end, order_id=stranger.id)])
    assert (Check.CONSERVATION, "an order that was never issued moves") in faults(run.verify())


async def test_a_manifest_that_counts_otherwise_is_found(run: Run) -> None:
    """manifest.json was edited to look better."""
    path = run.output / "manifest.json"
    text = path.read_text()
    accepted = run.verify().accepted
    path.write_text(text.replace(f'"accepted": {accepted}', f'"accepted": {accepted + 1}'))
    found = faults(run.verify())
    assert (Check.MANIFEST, f"counts {accepted + 1} accepted, the ledger {accepted}") in found


async def test_a_run_that_goes_on_is_neither_broken_nor_complete(tmp_path: Path) -> None:
    """Verified in the middle: what is not in a shard yet is a warning, no fault."""
    made = Run(tmp_path)
    made.records, made.documents = honest(list(plausible_run(3, Scale(passages=8, finished=0.5))))
    keep(tmp_path, made.records)
    report = made.verify()
    assert report.ok, report.findings
    assert report.outstanding > 0
    assert any(finding.severity is Severity.WARNING for finding in report.findings)


def test_a_folder_without_a_run_is_the_users_mistake(tmp_path: Path) -> None:
    """One line, no traceback."""
    with pytest.raises(OutputError, match="holds no run"):
        verify(tmp_path, lambda uris: iter(()))


async def test_a_quote_of_another_passage_is_held_to_that_one(run: Run) -> None:
    """A judge was shown what a search found: its quote must stand there, or be said to be unchecked."""
    plans = [record for record in run.records if isinstance(record, Planned)]
    first, last = plans[0].passage, plans[-1].passage
    words = last.text[:12]

    def quoting(quote: Quote) -> AuditReport:
        claim = ClaimEvidence(claim="it", supported=True, quote=quote)

        def quoted(record: Record) -> Record:
            if not isinstance(record, AcceptedEnd) or record.order_id not in {order.id for order in plans[0].orders}:
                return record
            said = Passed(FAITHFULNESS, 1.0, 0.5, evidence=Evidence(claims=(claim,)))
            return replace(record, attempt=replace(record.attempt, verdicts=(said,)))

        run.rewrite(quoted)
        return run.verify()

    assert first.text[:12] != words

    def misplaced(report: AuditReport) -> set[tuple[Check, str]]:
        return {fault for fault in faults(report) if fault[0] is Check.PROVENANCE}  # the rows are of other verdicts

    assert misplaced(quoting(Quote(words, 0, 12, passage_id=last.id))) == set()
    wrong = {(Check.PROVENANCE, "a quote is not at characters 1 to 13 of its passage")}
    assert misplaced(quoting(Quote(words, 1, 13, passage_id=last.id))) == wrong
    unknown = quoting(Quote(words, 0, 12, passage_id=PassageId("0" * 32)))
    assert misplaced(unknown) == set()
    assert any(finding.what.startswith("not checked: a quote") for finding in unknown.findings)
