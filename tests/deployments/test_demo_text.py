"""The demo on real text, smaller: a real chat model and a real embedder, on documents that nobody here wrote."""

import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.audit.verify import verify
from actors.corpus.reader import documents
from actors.ledger.sqlite import LedgerReader
from deployments.config.load import load
from deployments.run import RunEnd, run
from schemas.audit import Severity
from schemas.ledger import AcceptedEnd
from tests.needs import needs_module

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PASSAGES = 2


@pytest.mark.parametrize("name", ["demo-text-vllm", "demo-text-http"])
def test_the_three_differ_in_their_engines_alone(name: str) -> None:
    """One corpus, one task, one threshold, whichever runs the model."""
    first, other = load(EXAMPLES / "demo-text.yaml"), load(EXAMPLES / f"{name}.yaml")
    assert (other.corpus, other.task, other.judging) == (first.corpus, first.task, first.judging)
    assert (other.recovery, other.gates["short"]) == (first.recovery, first.gates["short"])
    assert getattr(other.gates["faithfulness"], "threshold") == getattr(first.gates["faithfulness"], "threshold")  # noqa: B009 - of any form


@needs_module("gguf", "gleaner[demo-text]")
@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
@pytest.mark.timeout(540)
def test_a_small_part_of_it_runs_to_its_end(tmp_path: Path) -> None:
    """Real weights from the packages that carry them; nothing outstanding, nothing malformed accepted, all proven."""
    subprocess.run([sys.executable, "-m", "studies.real_text.models", ".models"], cwd=ROOT, check=True)
    corpus = tmp_path / "elements.jsonl"
    with (EXAMPLES / "text" / "documents" / "elements.jsonl").open(encoding="utf-8") as lines:
        corpus.write_text("".join(islice(lines, PASSAGES)), encoding="utf-8")
    demo = load(EXAMPLES / "demo-text.yaml")
    demo = replace(demo, corpus=replace(demo.corpus, paths=(str(corpus),)))
    output = tmp_path / "run"
    result = run(demo, output)
    counts = result.manifest.counts
    assert result.end is RunEnd.COMPLETE
    assert counts.issued == PASSAGES == counts.accepted + counts.dead_lettered
    report = verify(output, lambda uris: documents(uris, demo.corpus))
    assert not [found for found in report.findings if found.severity is Severity.ERROR]
    with LedgerReader(output) as ledger:
        accepted = [record for _, record in ledger.records() if isinstance(record, AcceptedEnd)]
    assert len(accepted) == counts.accepted
    assert all(end.attempt.candidate is not None and end.attempt.candidate.draft is not None for end in accepted)
