"""`gleaner run` whose generator or gate answers nothing: exit code 3, and nothing is lost. Real Ray and Serve."""

import json
import re
from pathlib import Path

import pytest

from actors.audit.verify import verify
from actors.corpus.reader import documents
from actors.ledger.sqlite import LedgerReader
from deployments.config.load import load
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Record
from tests.deployments.test_cli_run import gleaner

pytestmark = [pytest.mark.ray, pytest.mark.slow]

ORDERS = 24


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The file whose presence takes the models away."""
    return tmp_path / "broken"


@pytest.fixture
def configuration(tmp_path: Path, broken: Path) -> Path:
    """Twelve documents of two orders; a generator and a gate that go away with the file; five seconds of patience."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(12):
        (docs / f"{number:02d}.txt").write_text(f"The harbour of Town {number} holds {number + 10} ships.")
    factory = 'kind: custom, factory: "tests.doubles.engines:instant"'
    engine = f"{{{factory}, options: {{away_while: {broken}}}}}"
    replicas = "replicas: {num_cpus: 0.2}"
    gate = f"{{form: classifier, engine: {engine}, {replicas}}}"
    path = tmp_path / "run.yaml"
    path.write_text(
        "name: harbours\n"
        "corpus: {paths: [./docs]}\n"
        "task: {kind: grounded_answer, samples_per_passage: 2}\n"
        f"pools: {{generator: {{engine: {engine}, {replicas}}}}}\n"
        f"gates: {{faithfulness: {gate}, reward: {gate}}}\n"
        "conductors: {concurrency: 8, outage_s: 5}\n"
    )
    return path


def records(output: Path) -> list[Record]:
    with LedgerReader(output) as ledger:
        return [record for _, record in ledger.records()]


@pytest.mark.parametrize("error", ["refused 127.0.0.1:9: HTTP 401; the key is refused", "retryable 127.0.0.1:9: gone"])
def test_a_run_without_its_generator_stops_with_code_3_and_goes_on_later(
    configuration: Path, broken: Path, tmp_path: Path, error: str
) -> None:
    """The key was revoked, or the server is down, over night: one line names the pool, the place, the error and the
    time. The folder is finished, no order was charged, and the same command continues in the morning."""
    output = tmp_path / "out"
    broken.write_text(error)
    stopped = gleaner("run", configuration, "--output", output)
    assert stopped.returncode == 3, stopped.stderr
    (line,) = [line for line in stopped.stderr.splitlines() if "stopped" in line]
    says = "refuses every call" if error.startswith("refused") else "does not answer"
    when = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    words = re.escape(error.partition(" ")[2])
    assert re.search(rf"gleaner: stopped: generator {says}, {when}: .*{words}.*; {ORDERS} orders outstanding, ", line)
    assert f"--output {output}" in line
    assert not [record for record in records(output) if isinstance(record, AcceptedEnd | DeadLetteredEnd)]
    assert json.loads((output / "manifest.json").read_text())["counts"]["issued"] == ORDERS
    config = load(configuration)
    assert verify(output, lambda uris: documents(uris, config.corpus)).ok

    broken.unlink()
    resumed = gleaner("run", configuration, "--output", output, "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["counts"]["accepted"] == ORDERS
    assert {record.attempt.number for record in records(output) if isinstance(record, AcceptedEnd)} == {1}
