"""The command line on a folder as a run leaves it: what each command says, and what it says to a mistake."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actors.ledger.history import life_of
from actors.ledger.sqlite import SqliteLedger
from deployments.cli import app
from schemas.ids import OrderId
from tests.doubles.ledgers import MemoryLedger, Scale, plausible_run

HELP_STARTS = 20
"""Processor time of `gleaner --help`, in starts of an interpreter that does nothing: 7 to 9 were measured."""


def gleaner(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def folder_of(path: Path, scale: Scale) -> Path:
    """An output folder that holds a ledger alone, as while a run goes on."""
    path.mkdir()
    with SqliteLedger(path) as ledger:
        ledger.append(list(plausible_run(7, scale)))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("runs") / "finished", Scale())


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("runs") / "unfinished", Scale(finished=0.5))


@pytest.fixture(scope="module")
def orders() -> list[OrderId]:
    ledger = MemoryLedger(list(plausible_run(7)))
    return sorted({OrderId(order_id) for order_id in ledger._stories})


def mistake(result: Result) -> str:
    """The one line on stderr of a user's mistake."""
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("gleaner: error: "), result.stderr
    assert "Traceback" not in result.stderr
    return lines[0].removeprefix("gleaner: error: ")


def test_status_of_a_finished_run(finished: Path) -> None:
    """The numbers of the ledger, and what to look at next."""
    result = gleaner("status", finished)
    assert result.exit_code == 0
    assert "115" in result.stdout and "95.8%" in result.stdout and "finished" in result.stdout
    assert "gleaner explain" in result.stdout


def test_status_beside_a_running_writer(unfinished: Path) -> None:
    """Asked in the middle of a run: what is outstanding, and no harm to the writer."""
    with SqliteLedger(unfinished):
        told = gleaner("status", unfinished, "--json")
    counts = json.loads(told.stdout)["counts"]
    assert counts["issued"] == counts["accepted"] + counts["dead_lettered"] + counts["outstanding"]
    assert counts["outstanding"] > 0
    assert "not finished" in gleaner("status", unfinished).stdout


def test_nobody_is_asked_to_drain_a_folder_that_no_run_holds(unfinished: Path) -> None:
    """A pod's hook after its run has ended: nothing to do, said so, and the next run is not asked."""
    told = gleaner("drain", unfinished)
    assert told.exit_code == 0 and "no run holds this folder" in told.stderr
    said = json.loads(gleaner("drain", unfinished, "--json").stdout)
    assert said["drained"] is False and said["outstanding"] > 0
    assert not (unfinished / "drain.asked").exists()


def test_explain_by_the_beginning_of_an_id(finished: Path, orders: list[OrderId]) -> None:
    """A person types the first digits; --json gives the same life whole."""
    result = gleaner("explain", finished, orders[3][:12])
    assert result.exit_code == 0
    assert orders[3] in result.stdout and "attempt 1" in result.stdout
    life = json.loads(gleaner("explain", finished, orders[3].upper(), "--json").stdout)
    ledger = MemoryLedger(list(plausible_run(7)))
    assert life["order"]["id"] == orders[3]
    assert len(life["attempts"]) == len(life_of(orders[3], ledger.story(orders[3])).attempts)


def test_an_unknown_order_gets_the_nearest(finished: Path, orders: list[OrderId]) -> None:
    """A digit mistyped in the middle: the ids that begin alike are offered."""
    wrong = orders[5][:9] + ("0" if orders[5][9] != "0" else "1") + orders[5][10:]
    assert orders[5][:12] in mistake(gleaner("explain", finished, wrong))
    swapped = orders[5][1] + orders[5][0] + orders[5][2:]
    assert orders[5][:12] in mistake(gleaner("explain", finished, swapped))
    assert "no order" in mistake(gleaner("explain", finished, "zzzzzz"))


def test_a_beginning_of_several_ids_is_not_guessed(finished: Path, orders: list[OrderId]) -> None:
    """One digit fits many orders: some are named, none is chosen."""
    said = mistake(gleaner("explain", finished, orders[0][:1]))
    assert "several orders" in said and orders[0][:7] in said
    assert "several orders" not in mistake(gleaner("explain", finished, ""))


@pytest.mark.parametrize("command", [("status",), ("verify",), ("report",), ("explain", "ab12")])
def test_a_folder_that_is_no_run(command: tuple[str, ...], tmp_path: Path) -> None:
    """The wrong folder, a missing one, a file: what it is and what was meant."""
    name, *rest = command
    (tmp_path / "file").write_text("")
    assert "holds no run" in mistake(gleaner(name, tmp_path, *rest))
    assert "does not exist" in mistake(gleaner(name, tmp_path / "nowhere", *rest))
    assert "is a file" in mistake(gleaner(name, tmp_path / "file", *rest))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


@pytest.mark.parametrize("command", ["run", "preview"])
def test_a_configuration_that_is_not_there(command: str, tmp_path: Path) -> None:
    """A mistyped file name: the nearest one is named, nothing is made."""
    (tmp_path / "quickstart.yaml").write_text("name: q\n")
    output = ("--output", tmp_path / "out") if command == "run" else ()
    said = mistake(gleaner(command, tmp_path / "quikstart.yaml", *output))
    assert "quickstart.yaml" in said
    assert not (tmp_path / "out").exists()


def test_a_wrong_configuration_is_told_by_its_path(tmp_path: Path) -> None:
    """An unknown key is refused before anything starts."""
    (tmp_path / "run.yaml").write_text("nam: q\n")
    assert "nam" in mistake(gleaner("run", tmp_path / "run.yaml", "--output", tmp_path / "out"))


def test_a_model_that_does_not_exist(tmp_path: Path) -> None:
    """The model's folder is missing: told before Ray starts."""
    model = "engine: {kind: transformers, model: ./nowhere}"
    gate = f"{{form: classifier, {model}}}"
    (tmp_path / "run.yaml").write_text(
        "corpus: {paths: [./docs]}\n"
        "task: {kind: grounded_answer}\n"
        f"pools: {{generator: {{{model}}}}}\n"
        f"gates: {{faithfulness: {gate}, reward: {gate}}}\n"
    )
    assert "nowhere" in mistake(gleaner("run", tmp_path / "run.yaml", "--output", tmp_path / "out"))


def test_a_failure_of_ours_shows_its_traceback(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is no user's mistake: exit code 1, and everything needed to report it."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("deployments.terminal.reading.summary_of", broken)
    result = gleaner("status", finished)
    assert result.exit_code == 1
    assert "Traceback" in result.stderr and "gleaner: failed: RuntimeError: boom" in result.stderr


def test_a_folder_that_proves_nothing_fails_verification(finished: Path) -> None:
    """A shard is there that the ledger does not know: exit code 1 and the place, on both outputs. That ends are in no
    shard yet is said, and is no fault: the next run writes them."""
    (finished / "dataset").mkdir(exist_ok=True)
    (finished / "dataset" / "part-00007.parquet").write_bytes(b"PAR1")
    result = gleaner("verify", finished)
    assert result.exit_code == 1
    assert "broken" in result.stdout and "part-00007" in result.stdout and "115 ends are in no shard" in result.stdout
    told = gleaner("verify", finished, "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["ok"] is False


def test_the_report_is_written_again(finished: Path) -> None:
    """Deleted or out of date: made from the ledger, its path on stdout."""
    page = Path(gleaner("report", finished).stdout.strip())
    assert page == finished / "report.html"
    assert page.read_text().startswith("<!doctype html>") or page.read_text().startswith("<!DOCTYPE html>")
    page.unlink()
    assert json.loads(gleaner("report", finished, "--json").stdout)["bytes"] == page.stat().st_size


def test_version_and_no_arguments() -> None:
    """The first two things a newcomer types."""
    assert gleaner("--version").stdout.startswith("gleaner 0.")
    assert "explain" in gleaner("--help").stdout


def test_a_shell_completes_commands_and_values() -> None:
    """As bash asks, when a person presses the tabulator: after `gleaner --install-completion`."""
    for words, told in (("gleaner sam", "samples"), ("gleaner init --make r", "rewriting")):
        asked = {"_GLEANER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        assert CliRunner().invoke(app, [], env=asked, prog_name="gleaner").stdout.split() == [told]


def test_help_is_light() -> None:
    """`gleaner --help` imports neither Ray nor torch, and is there at once, however busy the machine."""
    code = "import sys, deployments.cli; print(sorted({'ray', 'torch', 'transformers', 'pyarrow'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[]"
    helped_s = min(_processor_s("from deployments.cli import main; main()", "--help") for _ in range(3))
    started_s = min(_processor_s("pass") for _ in range(3))
    assert helped_s < HELP_STARTS * started_s


def _processor_s(code: str, *arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
