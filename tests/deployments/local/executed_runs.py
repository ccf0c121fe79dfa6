"""Runs of tasks whose verdicts come by execution, in this process, and what tests ask of their records."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.report.finish import finish, replace_config
from deployments.build.wiring import started
from deployments.config.load import to_yaml
from deployments.folder.output import prepare
from deployments.folder.shards import write_shards
from deployments.local.loop import conduct_in_process
from deployments.terminal.preview import passages_of
from schemas.config import RunConfig
from schemas.ledger import Record, Rejoined
from schemas.orders import Attempt
from schemas.samples import Draft

PASSAGES = 100
"""More than any of them has."""


def conducted(folder: Path, config: RunConfig, kept: SqliteLedger) -> None:
    """One life of the run, to its end if nothing ends it before."""
    prepare(config, folder)
    replace_config(folder, to_yaml(config))
    kept.append([started(config, at=time.time())])
    asyncio.run(conduct_in_process(config, list(passages_of(config, PASSAGES)), kept))


def ran_in(folder: Path, config: RunConfig) -> Path:
    """The folder, with its run's last life and its shards."""
    folder.mkdir(exist_ok=True)
    conducted(folder, config, SqliteLedger(folder))
    with SqliteLedger(folder) as kept, LedgerReader(folder) as reader:
        asyncio.run(write_shards(folder, kept, reader, config, time.time))
    finish(folder, now=time.time(), versions={})
    return folder


def records_of(folder: Path) -> list[Record]:
    with LedgerReader(folder) as reader:
        return [record for _, record in reader.records()]


def draft_of(attempt: Attempt) -> Draft:
    """An attempt's draft, which it must have."""
    assert attempt.candidate is not None and attempt.candidate.draft is not None
    return attempt.candidate.draft


def repaired(records: Iterable[Record]) -> Counter[tuple[str, str]]:
    """How often a repair followed a failure mode."""
    attempts = [record.attempt for record in records if isinstance(record, Rejoined)]
    return Counter(
        (attempt.diagnosis.mode, attempt.choice.repair.kind)
        for attempt in attempts
        if attempt.diagnosis is not None and attempt.choice is not None and attempt.choice.repair is not None
    )
