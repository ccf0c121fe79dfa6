"""`gleaner compare`: two folders side by side show the figures that each shows by itself, and the keys that differ."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actors.counts.rates import rate
from actors.ledger.sqlite import SqliteLedger
from deployments.cli import app
from deployments.config.load import load_text, to_yaml
from schemas.comparison import ComparedRate
from tests.doubles.ledgers import Scale, plausible_run

CONFIG = """
corpus: {{paths: [.]}}
task: {{kind: grounded_answer}}
pools: {{generator: {{engine: {{kind: http, base_url: "http://127.0.0.1:1/v1", model: m}}, price: {price}}}}}
gates: {{}}
recovery: {{max_attempts: {attempts}}}
"""


def gleaner(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "80"})


def folder(path: Path, seed: int, *, finished: float = 1.0, attempts: int = 4, price: str = "null") -> Path:
    path.mkdir()
    with SqliteLedger(path) as ledger:
        ledger.append(list(plausible_run(seed, Scale(finished=finished))))
    if attempts:
        (path / "run.yaml").write_text(to_yaml(load_text(CONFIG.format(attempts=attempts, price=price))))
    return path


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path]:
    """A run that has ended and has a price, and one that goes on."""
    first = folder(tmp_path / "first", 7, price="{prompt_tokens: 2.0, completion_tokens: 8.0}")
    return first, folder(tmp_path / "second", 8, finished=0.5, attempts=3)


def test_each_figure_is_the_one_that_status_shows(both: tuple[Path, Path]) -> None:
    """Nobody can ask which of two yields is the right one."""
    found = json.loads(gleaner("compare", *both, "--json").stdout)
    assert [found[side]["finished"] for side in ("left", "right")] == [True, False]
    rates = {(row["subject"], row["name"]): row for row in found["rates"]}
    numbers = {(row["subject"], row["name"]): row for row in found["numbers"]}
    for side, path in zip(("left", "right"), both, strict=True):
        status = json.loads(gleaner("status", path, "--json").stdout)
        counts = status["counts"]
        assert rates["orders", "yield"][side]["value"] == status["yield"]
        assert rates["orders", "recovered of rejected"][side]["value"] == status["recovery_rate"]
        for gate in status["verdicts"]:
            assert rates["gates", gate["gate"]][side]["trials"] == gate["passed"] + gate["rejected"]
        tokens = sum(role["prompt_tokens"] + role["completion_tokens"] for role in status["roles"])
        assert numbers["each accepted sample", "tokens"][side] == tokens / counts["accepted"]
        tried = sum(row["tried"] for row in status["repairs"])
        assert sum(row[side]["trials"] for of, row in rates.items() if of[0] == "recovery") == tried
        assert numbers["bill", "cost"][side] == (status["bill"]["cost"] if "bill" in status else None)


def test_the_keys_that_differ_are_shown_with_their_values(both: tuple[Path, Path], tmp_path: Path) -> None:
    """What made the difference; the same configuration, and a folder without one, are said."""
    found = json.loads(gleaner("compare", *both, "--json").stdout)["differences"]
    assert {"path": "recovery.max_attempts", "left": "4", "right": "3"} in found
    shown = gleaner("compare", *both).stdout
    assert "recovery.max_attempts: 4 → 3" in shown and "not finished" in shown and "each accepted sample" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "the configurations are the same" in gleaner("compare", both[0], both[0]).stdout
    bare = folder(tmp_path / "bare", 7, attempts=0)
    assert json.loads(gleaner("compare", both[0], bare, "--json").stdout)["differences"] is None
    assert "no run.yaml" in gleaner("compare", both[0], bare).stdout


def test_a_difference_is_marked_where_the_intervals_do_not_touch() -> None:
    """Ten of a hundred and ninety of a hundred; not two of ten and five of ten, nor what has no trials."""
    assert ComparedRate("gates", "g", rate(10, 100), rate(90, 100)).apart
    assert ComparedRate("gates", "g", rate(90, 100), rate(10, 100)).apart
    assert not ComparedRate("gates", "g", rate(2, 10), rate(5, 10)).apart
    assert not ComparedRate("gates", "g", rate(0, 0), rate(90, 100)).apart


def test_a_folder_that_is_no_run(both: tuple[Path, Path], tmp_path: Path) -> None:
    """Either of them."""
    for pair in ((tmp_path, both[0]), (both[0], tmp_path)):
        refused = gleaner("compare", *pair)
        assert refused.exit_code == 2 and "holds no run" in refused.stderr
