"""`gleaner policy` as a person and a program read it."""

import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from actors.ledger.sqlite import SqliteLedger
from actors.recovery.bar import raised_bar
from deployments.cli import app
from deployments.config.load import load, to_yaml
from deployments.terminal.life import attempt_view
from deployments.terminal.policy import policy_view
from schemas.bands import Band
from schemas.errors import ErrorKind
from schemas.ledger import AcceptedEnd, Record, Rejoined
from schemas.orders import Attempt
from schemas.policy import Interval, PolicyReport, PolicyValue, RepairValue
from schemas.recovery import Modes, Repair, Repairs
from schemas.verdicts import FAITHFULNESS, Cascaded, CascadeStep, Evidence, GateName, Passed
from tests.actors.recovery.test_adaptive import attempt_of, told
from tests.deployments.terminal.test_views import drawn

NLI, CAREFUL = GateName("nli"), GateName("careful")
SAID = attempt_of(1).candidate
SEEN = Interval(2.5, 2.0, 3.0)
REPORT = PolicyReport(
    policies=("adaptive",), decisions=1200, orders=900, forced=40, unknown=2, fresh_per_1000=SEEN,
    repairs=(
        RepairValue(Modes.PARAMETRIC, Repairs.EDIT_UNSUPPORTED, 80, 40, Interval(0.5, 0.39, 0.61), 200, SEEN),
        RepairValue(Modes.PARAMETRIC, Repairs.RESAMPLE, 9, 0, Interval(0, 0, 0.3), 190, SEEN),
    ),
    values=(
        PolicyValue("adaptive", "logged", Interval(51, 44, 58), Interval(202, 195, 207), SEEN, 1200.0, 1.0),
        PolicyValue("discard", "known", Interval(0, 0, 0), Interval(0, 0, 0), Interval(), 1200.0, 1.0),
        PolicyValue("rules", "estimated", Interval(30, 10, 50), Interval(188, 165, 210), SEEN, 19.0, 0.9),
        PolicyValue("greedy", "unknown", Interval(), Interval(), Interval(), 4.0, 0.12),
    ),
)  # fmt: skip


def test_the_view_says_what_is_known_and_what_is_not(tmp_path: Path) -> None:
    """Repairs by mode with intervals, policies beside each other, no figure where the log does not tell."""
    text = drawn(policy_view(REPORT, tmp_path), 120)
    assert all(cell_len(line) <= 120 for line in text.splitlines())
    assert "1,200 of 900 orders, by adaptive" in text
    assert "edit_unsupported" in text
    assert "39–61%" in text
    assert "30.0 (10.0–50.0)" in text
    assert "19 decisions" in text
    assert "the log does not tell" in text
    assert "covers 12%" in text


def test_eighty_columns_hold_every_answer(tmp_path: Path) -> None:
    """A laptop's terminal: no figure is cut, no name loses its end."""
    text = drawn(policy_view(REPORT, tmp_path), 80)
    assert all(cell_len(line) <= 80 for line in text.splitlines())
    for whole in ("edit_unsupported", "39–61%", "30.0 (10.0–50.0)", "2.50 (2.00–3.00)", "19 decisions", "covers 12%"):
        assert whole in text
    assert "the log does not tell" in text and "…" not in text


def test_a_run_without_rejections_has_nothing_to_say(tmp_path: Path) -> None:
    """No decision, no table, no division by zero."""
    empty = PolicyReport((), 0, 0, 0, 0, Interval(), (), ())
    assert "nothing was rejected" in drawn(policy_view(empty, tmp_path), 100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of two orders: one edited and accepted, one under way."""
    (tmp_path / "run.yaml").write_text(to_yaml(load(Path("examples/quickstart.yaml"))))
    edit = Repairs.EDIT_UNSUPPORTED
    records: list[Record] = [
        told(attempt_of(1, then=edit)),
        told(attempt_of(2, under=edit), end="accepted"),
        told(attempt_of(1, then=edit), "b" * 32),
    ]
    assert isinstance(records[0], Rejoined)
    assert isinstance(records[1], AcceptedEnd)
    ledger = SqliteLedger(tmp_path, owner=1)
    ledger.append(records)
    ledger.close()
    return tmp_path


def test_the_command_reads_the_ledger_alone(folder: Path) -> None:
    """One JSON document, with what is known so far; the attempt under way has no outcome."""
    result = CliRunner().invoke(app, ["policy", str(folder), "--json"])
    found = json.loads(result.stdout)
    assert (result.exit_code, found["decisions"], found["unknown"]) == (0, 1, 1)
    assert found["repairs"][0]["chance"]["value"] == 1.0
    assert found["policies"] == ["test"]


def test_a_folder_without_its_configuration_is_refused(folder: Path) -> None:
    """Nobody knows what could have been chosen: one line, exit code 2."""
    (folder / "run.yaml").unlink()
    result = CliRunner().invoke(app, ["policy", str(folder)])
    assert result.exit_code == 2
    assert "run.yaml: is missing" in result.stderr


@pytest.mark.parametrize(
    ("steps", "band", "told"),
    [
        ((CascadeStep(NLI, 0.9),), Band(0.2, 0.8, 100, 100), "nli decided; nli said 0.9, the band is 0.2 to 0.8"),
        (
            (CascadeStep(NLI, 0.5), CascadeStep(CAREFUL, 0.9)),
            Band(None, 0.8, 0, 100),
            "careful decided; nli said 0.5, the band is – to 0.8",
        ),
        (
            (CascadeStep(NLI, 0.5), CascadeStep(CAREFUL, 0.9)),
            None,
            "careful decided; nli said 0.5, no band yet: too few probes",
        ),
        (
            (CascadeStep(NLI, error=ErrorKind.PERMANENT), CascadeStep(CAREFUL, 0.9)),
            None,
            "careful decided; nli could not judge (permanent), no band yet: too few probes",
        ),
    ],
)
def test_a_cascade_says_who_decided_and_why(steps: tuple[CascadeStep, ...], band: Band | None, told: str) -> None:
    """Outside the band the cheap gate, inside it the judge; or the judge, because nothing is known yet."""
    verdict = Passed(FAITHFULNESS, 0.9, 0.7, Evidence(cascade=Cascaded(steps, band)))
    text = drawn(attempt_view(Attempt(1, None, SAID, (verdict,))), 120)
    assert f"faithfulness: {told}" in text


def test_a_raised_bar_is_explained() -> None:
    """Whoever asks why a score of 0.55 was not enough learns that it was the second attempt."""
    verdicts = raised_bar((Passed(FAITHFULNESS, 0.55, 0.5),), 2)
    text = drawn(attempt_view(Attempt(2, Repair(Repairs.RESAMPLE, 0.7), SAID, verdicts)), 120)
    assert "0.550 < 0.585786" in text
    assert "the bar was raised from 0.5 to 0.585786 at attempt 2" in text
