"""Repairs as a configuration names them: what is refused, and one of a user's own in a run."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console
from typer.testing import CliRunner

from actors.recovery.report import policy_report
from deployments.build.recovery import run_gates, task_recovery
from deployments.build.tasks import build_task
from deployments.cli import app
from deployments.config.identity import differences
from deployments.config.load import load, load_text, to_yaml
from deployments.run import run
from deployments.terminal.life import attempt_view
from schemas.config import RunConfig
from schemas.config_base import Change
from schemas.errors import ConfigError
from tests.deployments.build.test_gates import attempts_of, refusal, run_of
from tests.test_architecture import ROOT

BRIEF = "brief: {form: rule, check: 'words(answer) > 99', modes: {too_long: shorter}}"
OWN = "own_repairs: {shorter: 'Be brief, as a fisher is.'}"
CODE = "own_repairs: {shorter: 'examples.repairs.shorter:shorter'}"


def repaired(*lines: str, gates: tuple[str, ...] = (BRIEF,)) -> str:
    """The oracle's grounded run with these lines under `recovery`."""
    return run_of(*gates).replace("max_attempts: 3}", ", ".join(("max_attempts: 3", *lines)) + "}")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (
            ("repairs: {parametrik: [resample]}",),
            "recovery.repairs.parametrik: there is no failure mode of this name; did you mean 'parametric'?",
        ),
        (
            ("repairs: {too_long: [shortr]}", OWN),
            "recovery.repairs.too_long: there is no repair 'shortr'; did",
        ),
        (("repairs: {too_long: []}", OWN), "recovery.repairs.too_long: an empty list"),
        (("repairs: {too_long: [resample, resample]}", OWN), "recovery.repairs.too_long: names a repair twice"),
        (
            ("repairs: {too_long: [escalate]}", OWN),
            "recovery.repairs.too_long: escalate is no repair of a mode; recovery.escalate_to names the stronger pool",
        ),
        (
            ("repairs: {too_long: [restart_from_prefix]}", OWN),
            "recovery.repairs.too_long: there is no repair 'restart_from_prefix'",
        ),
        (("own_repairs: {resample: x}",), "recovery.own_repairs.resample: is the name of something that there is"),
        (("own_repairs: {Shorter: x}",), "recovery.own_repairs.Shorter: a repair's name is of lower-case letters"),
        (("own_repairs: {other: x}",), "recovery.own_repairs.other: is tried for no failure mode"),
        ((f"own_repairs: {{shorter: {'x' * 2001}}}",), "recovery.own_repairs.shorter: has 2,001 characters"),
        ((), "gates.brief.modes.too_long: there is no repair 'shorter'"),
    ],
)
def test_what_is_refused(lines: tuple[str, ...], says: str) -> None:
    """When the configuration is loaded, in one line, with the nearest name."""
    assert refusal(repaired(*lines)).startswith(says)


def test_a_changed_row_is_for_a_replay() -> None:
    """Never a plain resume; and the file says again what was loaded."""
    plain, other = load_text(repaired(OWN)), load_text(repaired(OWN, "repairs: {too_long: [resample, shorter]}"))
    assert {each.change for each in differences(plain, other)} == {Change.REPLAY}
    assert load_text(to_yaml(other)) == other


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("nowhere:shorter", "recovery.own_repairs.shorter: nowhere:shorter cannot be imported"),
        ("examples.repairs.shorter:longer", "examples.repairs.shorter:longer cannot be imported"),
        ("examples.repairs.shorter:FEWEST", "must be a plain function that takes the rejected draft"),
        ("schemas.repairs:Directive", "must be a plain function that takes the rejected draft"),
        ("asyncio:sleep", "must be a plain function that takes the rejected draft"),
    ],
)
def test_a_run_without_its_repair_does_not_begin(code: str, says: str, tmp_path: Path) -> None:
    """Before Ray is started and before the folder is made: one line."""
    (tmp_path / "corpus.jsonl").write_text('{"text": "Velmora was founded in 1623."}')
    text = repaired(f"own_repairs: {{shorter: '{code}'}}").replace("[unused]", f"[{tmp_path / 'corpus.jsonl'}]")
    with pytest.raises(ConfigError, match=says):
        run(load_text(text), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_task_knows_repairs_that_there_are() -> None:
    """A name that nobody registered would never be tried."""
    config = load_text(repaired(OWN))
    task = build_task(config)
    task.repairs = ("resample", "shortr")  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="it knows the repair 'shortr', and there is none; did you mean 'shorter'"):
        task_recovery(config, task)
    task.repairs = ("shorter",)  # type: ignore[attr-defined]
    assert task_recovery(config, task).known == ("shorter",)


def test_words_of_a_configuration_stand_behind_every_prompt_of_ours() -> None:
    """A task that names the repairs of its prompts has them too: a row that names one was drawn anew without a word."""
    config = load(ROOT / "examples" / "code.yaml")
    own = {"shorter": "Be brief.", "by_name": ""}
    config = replace(config, recovery=replace(config.recovery, own_repairs=own))
    task = build_task(config)
    known = task_recovery(config, task).known
    assert known == (*task.repairs, "shorter")  # type: ignore[attr-defined]


@pytest.mark.parametrize("policy", ["rules", "adaptive"])
@pytest.mark.parametrize("own", [OWN, CODE], ids=["words", "code"])
async def test_a_repair_in_a_few_words_or_one_file(own: str, policy: str) -> None:
    """Its words stand in the prompt, whoever's task it is; it is recorded, told and valued by its name."""
    config: RunConfig = load_text(repaired(own).replace("policy: rules", f"policy: {policy}"))
    attempts, ledger = await attempts_of(config)
    repaired_so = [each for each in attempts if each.repair is not None and each.repair.kind == "shorter"]
    made = [each for each in repaired_so if each.candidate is not None]  # some calls of this world fail
    assert len(made) > 10
    for attempt in made:
        assert attempt.repair is not None and attempt.candidate is not None
        assert attempt.repair.words
        assert attempt.candidate.prompt[-1].content.endswith(attempt.repair.words)
    console = Console(width=200)
    with console.capture() as shown:
        console.print(attempt_view(made[0]))
    assert "shorter at T 0.35, told: " in shown.get()
    report = policy_report(list(ledger.kept), config.recovery, seed=config.seed, gates=run_gates(config))
    assert "shorter" in {each.repair for each in report.repairs}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["examples.repairs.shorter:shorter", "--as", "repair"], 0, "nothing failed"),
        (["shorter", "--config", "RUN"], 0, "nothing failed"),
        (["examples.repairs.shorter:shorter", "--config", "RUN"], 0, "6 checks"),
        (["builtins:len", "--as", "repair"], 2, "it raised TypeError"),
        (["shorter", "--as", "repair"], 2, "give module:function, or a repair's name with --config"),
        (["nowhere:x", "--as", "repair"], 2, "cannot be imported"),
        (["examples.gates.length:check", "--as", "task"], 2, "there is no task of this name"),
    ],
)
def test_the_check_of_a_repair(arguments: list[str], code: int, says: str, tmp_path: Path) -> None:
    """A line for each check; exit code 2 where one failed: the mistake is the repair's author's."""
    path = tmp_path / "run.yaml"
    path.write_text(repaired(CODE))
    done = CliRunner().invoke(app, ["check", *(str(path) if each == "RUN" else each for each in arguments)])
    assert says in " ".join((done.output + done.stderr).split())
    assert done.exit_code == code
