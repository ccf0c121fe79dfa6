"""The example of functions with tests as a real run: conductors on Ray with sandboxes of their own."""

from pathlib import Path

import pytest
from msgspec.structs import replace

import gleaner
from deployments.config.load import load
from deployments.folder.execution import executed_again
from deployments.folder.proof import verified
from deployments.run import RunEnd
from tests.deployments.sandbox.rooms import OFFERED
from tests.test_architecture import ROOT

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session"), OFFERED]
FILES = 6


def test_a_run_of_the_example_ends_and_its_verdicts_are_reproducible(tmp_path: Path) -> None:
    """On a few small files. Every accepted function is executed again with its tests and their mutants, from the rows
    alone."""
    config = load(ROOT / "examples" / "code.yaml")
    for number in range(FILES):
        (tmp_path / f"part{number}.py").write_text(f'def part{number}(n):\n    """{number} more than n."""\n')
    config = replace(config, corpus=replace(config.corpus, paths=(str(tmp_path),)))
    result = gleaner.run(config, tmp_path / "run").wait()
    counts = result.manifest.counts
    assert result.end is RunEnd.COMPLETE and counts.issued == FILES and counts.accepted >= FILES / 2
    report = executed_again(tmp_path / "run", verified(tmp_path / "run"))
    assert report.ok and report.programs is not None and report.programs >= 6 * counts.accepted
    for sample in gleaner.samples(tmp_path / "run", config=config):
        assert [message.content for message in sample.messages] == [sample.draft.question, sample.draft.answer]
        assert sample.verdicts[-1].gate == "tests"
