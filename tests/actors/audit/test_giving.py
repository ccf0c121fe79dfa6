"""A whole folder of a run whose passages get orders until they are dry: verify, status, report, and the same command
once more."""

import asyncio
from io import StringIO
from pathlib import Path

from msgspec import to_builtins
from msgspec.structs import replace
from rich.console import Console

from actors.audit.verify import verify
from actors.counts.tally import Tally
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import LedgerReader
from deployments.terminal.summary import summary_view
from schemas.audit import Check
from schemas.ledger import Planned, Record
from schemas.progress import Carried
from tests.oracle.life import live
from tests.oracle.worlds import WORLDS, World


def world(rule: object) -> World:
    made = WORLDS["grounded"]()
    task = replace(made.config.task, samples_per_passage=rule)
    return World(replace(made.config, task=task), made.passages[:5], made.solver)


def records(output: Path) -> list[Record]:
    with LedgerReader(output) as ledger:
        return [record for _, record in ledger.records()]


def test_a_whole_run_is_proved_and_told(tmp_path: Path) -> None:
    """Nothing is found fault with; a second launch issues nothing; a raised rule issues more, and is proved too."""
    asked = world({"at_most": 5, "patience": 1})
    asyncio.run(live(asked, tmp_path, None))
    first = [record for record in records(tmp_path) if isinstance(record, Planned)]
    assert any(record.follows for record in first)
    assert conservation(tmp_path) == []
    tally = Tally()
    with Ledgers(tmp_path) as ledgers:
        for _, record in ledgers.records():
            tally.apply(record)
    summary = tally.summary()
    assert isinstance(summary.carried, Carried) and not summary.carried.going
    assert sum((*summary.carried.dry.values(), *summary.carried.capped.values())) == 5
    assert "carried" in to_builtins(summary, str_keys=True)
    shown = StringIO()
    Console(width=120, file=shown).print(summary_view(summary, tmp_path))
    assert "they gave" in shown.getvalue() and "they gave" in (tmp_path / "report.html").read_text()
    asyncio.run(live(asked, tmp_path, None))
    assert [record for record in records(tmp_path) if isinstance(record, Planned)] == first
    assert conservation(tmp_path) == []
    asyncio.run(live(world({"at_most": 8, "patience": 2}), tmp_path, None))
    assert sum(isinstance(record, Planned) for record in records(tmp_path)) > len(first)
    assert conservation(tmp_path) == []


def conservation(output: Path) -> list[str]:
    """What verify finds of the orders; the world's passages are of no file."""
    report = verify(output, lambda uris: iter(()))
    return [found.what for found in report.findings if found.check is Check.CONSERVATION]
