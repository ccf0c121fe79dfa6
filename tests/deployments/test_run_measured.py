"""Whole runs that are measured while they go: evidence found by a search, samples made bad on purpose. Real models."""

from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.corpus.reader import documents
from actors.ledger.sqlite import LedgerReader
from benchmarks.loop import configuration, write_corpus
from deployments.config.load import load
from deployments.run import RunEnd, run
from schemas.config import Corpus, RunConfig
from schemas.config_audit import Audit
from schemas.config_gates import Retrieved
from schemas.config_injection import CustomInjector, Injection
from schemas.errors import UserError
from schemas.injection import InjectionKind, Worth
from schemas.ledger import AcceptedEnd, CanaryEnded, CanaryIssued, DeadLetteredEnd, Rejoined
from schemas.verdicts import FAITHFULNESS, REWARD
from tests.doubles.gates import changed_gate

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PASSAGES = 30


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """The quickstart on a few passages, its judge shown what a search finds, a third injected, canaries beside them."""
    corpus = tmp_path / "corpus.jsonl"
    with (EXAMPLES / "almanac" / "corpus.jsonl").open(encoding="utf-8") as lines:
        corpus.write_text("".join(islice(lines, PASSAGES)), encoding="utf-8")
    quickstart = load(EXAMPLES / "quickstart.yaml")
    return replace(
        changed_gate(quickstart, provenance=Retrieved(k=3, query="question")),
        corpus=Corpus(paths=(str(corpus),)),
        injection=Injection(rate=0.34, injector=CustomInjector(factory="studies.almanac.injector:almanac")),
        audit=Audit(rate=0.5),
    )


def test_a_run_measures_its_gates_and_exports_nothing_bad(config: RunConfig, tmp_path: Path) -> None:
    """Embedded models, one replica each: searches are counted, injections caught, and the dataset is clean."""
    output = tmp_path / "run"
    result = run(config, output)
    counts = result.manifest.counts
    assert result.end is RunEnd.COMPLETE
    assert counts.issued == PASSAGES * 3 == counts.accepted + counts.dead_lettered
    assert 15 <= counts.injected <= 45
    assert result.manifest.retrieval.searches > 0
    assert 0.5 < result.manifest.retrieval.hit_rate <= 1
    assert sum(each.caught for each in result.manifest.injections) > counts.injected / 3
    hot = {InjectionKind.HIGH_TEMPERATURE}
    assert all(not each.unverified and not each.harmless for each in result.manifest.injections if each.kind not in hot)
    with LedgerReader(output) as ledger:
        records = [record for _, record in ledger.records()]
    moves = [record for record in records if isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd)]
    tags = {record.order_id: record.attempt.injected for record in moves if record.attempt and record.attempt.injected}
    assert len(tags) == counts.injected
    assert {tag.now for tag in tags.values()} <= set(Worth)
    rows = {row for path in output.glob("*/*.parquet") for row in pq.read_table(path).column("id").to_pylist()}
    assert rows.isdisjoint(tags)
    canaries = {record.order_id for record in records if isinstance(record, CanaryIssued)}
    assert canaries == {record.order_id for record in records if isinstance(record, CanaryEnded)}
    assert rows.isdisjoint(canaries) and len(canaries) == result.manifest.canaries.issued > 5
    judged = {gate.gate: gate for gate in result.manifest.canaries.gates}
    assert judged[FAITHFULNESS].version.startswith("judge-strong@")
    assert judged[REWARD].judged + judged[REWARD].errored > 5
    report = verify(output, lambda uris: documents(uris, config.corpus))
    assert report.ok, report.findings


def test_a_corpus_too_large_to_search_is_refused(tmp_path: Path) -> None:
    """The bound on what a replica may hold in memory: one line that names the key, instead of a replica that dies."""
    write_corpus(tmp_path / "corpus.jsonl", PASSAGES)
    config = configuration(tmp_path / "corpus.jsonl", rejected=0.0, concurrency=8)
    small = changed_gate(config, provenance=Retrieved(max_passages=5))
    with pytest.raises(UserError, match=r"gates\.faithfulness\.provenance\.max_passages"):
        run(small, tmp_path / "run")
