"""Healthy folders at every moment of a run's life: `gleaner verify` calls none of them broken."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from actors.audit.verify import verify
from schemas.ledger import (
    DeadLetteredEnd,
)
from tests.actors.audit.histories import (
    HISTORIES,
    RECORDS,
    complete,
    documents,
    faults,
    killed_after_a_resume,
)
from tests.actors.audit.test_fold import CONFIG
from tests.actors.dataset.test_older_ledger import cut


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.yaml").write_text(CONFIG)
    return folder


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
async def test_no_healthy_folder_is_accused(output: Path, history: Callable[[Path], Awaitable[None]]) -> None:
    """A proof that cries wolf after kill -9, which is when it is asked, is not believed."""
    assert any(isinstance(record, DeadLetteredEnd) for record in RECORDS)
    await history(output)
    assert faults(output) == []


async def test_an_older_manifest_is_reported_as_older(output: Path) -> None:
    """The counts are those of then, and true; that they are old is said."""
    await killed_after_a_resume(output)
    report = verify(output, lambda uris: iter(documents(uris)))
    assert any(found.what.startswith("older than the ledger") for found in report.findings)
    text = (output / "manifest.json").read_text()
    (output / "manifest.json").write_text(text.replace('"issued": ', '"issued": 9'))
    assert any("issued, the ledger" in fault for fault in faults(output))


async def test_a_manifest_beyond_the_ledger_is_a_fault(output: Path) -> None:
    """The ledger was cut, and its later shards with it: the manifest knows how far it reached."""
    await complete(output)
    cut(output, len(RECORDS) - 3)
    assert any("the ledger is older" in fault for fault in faults(output))
