"""Lives of a run of functions with tests in one process: `python -m tests.deployments.local.code_life FOLDER CORPUS N`
is killed by itself with -9 once its ledger has N records."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.report.finish import finish, replace_config
from deployments.build.wiring import started
from deployments.config.load import load_text, resolve, to_yaml
from deployments.folder.output import prepare
from deployments.folder.shards import write_shards
from deployments.local.loop import conduct_in_process
from deployments.terminal.preview import passages_of
from schemas.config import RunConfig
from schemas.ledger import Record
from tests.doubles.code_writers import WRITERS, CodeWriter

CONFIG = """
corpus: {paths: [specifications.jsonl]}
task: {kind: code, samples_per_passage: 1}
pools:
  generator: {engine: {kind: custom, factory: "tests.doubles.code_writers:writer"}}
gates:
  tests: {form: tests, timeout_s: 0.3, mutants: 6, processes: 1}
recovery: {policy: rules, max_attempts: 4}
"""


class KillingLedger(SqliteLedger):
    """Kills its process behind the first batch with which it has so many records."""

    def __init__(self, folder: Path, last: int) -> None:
        super().__init__(folder)
        self._left = last

    def append(self, records: Sequence[Record]) -> int:
        last = super().append(records)
        self._left -= len(records)
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return last


def conducted(folder: Path, config: RunConfig, kept: SqliteLedger) -> None:
    """One life of the run, to its end if nothing ends it before."""
    WRITERS.append(CodeWriter())
    prepare(config, folder)
    replace_config(folder, to_yaml(config))
    kept.append([started(config, at=time.time())])
    asyncio.run(conduct_in_process(config, list(passages_of(config, 100)), kept))


def ran_in(folder: Path, config: RunConfig) -> Path:
    """The folder, with its run's last life and its shards."""
    folder.mkdir(exist_ok=True)
    conducted(folder, config, SqliteLedger(folder))
    with SqliteLedger(folder) as kept, LedgerReader(folder) as reader:
        asyncio.run(write_shards(folder, kept, reader, config, time.time))
    finish(folder, now=time.time(), versions={})
    return folder


if __name__ == "__main__":
    output, corpus, records = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    output.mkdir(exist_ok=True)
    conducted(output, resolve(load_text(CONFIG), corpus), KillingLedger(output, records))
