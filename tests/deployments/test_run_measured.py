"""Whole runs that are measured while they go: evidence found by a search, probes beside the orders. Real models."""

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
from schemas.config_gates import Retrieved
from schemas.config_probes import NamedInjector, Probing
from schemas.errors import UserError
from schemas.flaws import FlawKind, Worth
from schemas.ledger import ProbeEnded, ProbeIssued, ProbeRejoined
from schemas.probes import ProbeEnd
from schemas.verdicts import FAITHFULNESS, REWARD
from tests.doubles.gates import changed_gate

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PASSAGES = 30


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """The quickstart on a few passages, its judge shown what a search finds, probes beside them."""
    corpus = tmp_path / "corpus.jsonl"
    with (EXAMPLES / "almanac" / "corpus.jsonl").open(encoding="utf-8") as lines:
        corpus.write_text("".join(islice(lines, PASSAGES)), encoding="utf-8")
    quickstart = load(EXAMPLES / "quickstart.yaml")
    return replace(
        changed_gate(quickstart, provenance=Retrieved(k=3, query="question")),
        corpus=Corpus(paths=(str(corpus),)),
        probes=Probing(rate=0.7, good=0.3, injector=NamedInjector(factory="studies.almanac.injector:almanac")),
    )


def test_a_run_measures_its_gates_and_exports_nothing_bad(config: RunConfig, tmp_path: Path) -> None:
    """Embedded models, one replica each: searches are counted, probes caught and repaired, the dataset is clean."""
    output = tmp_path / "run"
    result = run(config, output)
    counts = result.manifest.counts
    assert result.end is RunEnd.COMPLETE
    assert counts.issued == PASSAGES * 3 == counts.accepted + counts.dead_lettered
    assert result.manifest.retrieval.searches > 0
    assert 0.5 < result.manifest.retrieval.hit_rate <= 1
    probes = result.manifest.probes
    assert 30 <= probes.issued == probes.ended <= 90
    flaws = {flaw.flaw: flaw for flaw in probes.flaws}
    assert len(flaws) > 4 and sum(flaw.caught for flaw in flaws.values()) > sum(flaw.missed for flaw in flaws.values())
    assert sum(flaw.healed for flaw in flaws.values()) > 3
    assert not any(flaw.unknown for flaw in flaws.values()), "the almanac knows what every repair is worth"
    with LedgerReader(output) as ledger:
        records = [record for _, record in ledger.records()]
    issued = {record.order_id for record in records if isinstance(record, ProbeIssued)}
    ended = [record for record in records if isinstance(record, ProbeEnded)]
    assert issued == {record.order_id for record in ended} and len(ended) == len(issued)
    unverified = {record.facts.flaw for record in ended if record.end is ProbeEnd.UNVERIFIED}
    assert unverified <= {None, FlawKind.HIGH_TEMPERATURE}, "what is spoilt by construction is bad"
    repaired = {record.order_id for record in records if isinstance(record, ProbeRejoined)}
    assert repaired and all(record.facts.label is Worth.BAD for record in ended if record.order_id in repaired)
    rows = {row for path in output.glob("*/*.parquet") for row in pq.read_table(path).column("id").to_pylist()}
    assert rows.isdisjoint(issued)
    judged = {gate.gate: gate for gate in probes.gates}
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
