"""Lives of a run of functions with tests in one process: `python -m tests.deployments.local.code_life FOLDER CORPUS N`
is killed by itself with -9 once its ledger has N records."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from actors.ledger.sqlite import SqliteLedger
from deployments.config.load import load_text, resolve
from schemas.ledger import Record
from tests.deployments.local.executed_runs import conducted
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


if __name__ == "__main__":
    output, corpus, records = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    output.mkdir(exist_ok=True)
    WRITERS.append(CodeWriter())
    conducted(output, resolve(load_text(CONFIG), corpus), KillingLedger(output, records))
