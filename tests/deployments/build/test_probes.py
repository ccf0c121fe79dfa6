"""Probes as a person writes and reads them: configuration, labelled files, versions of judges, status, calibrate."""

import json
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from actors.counts.tally import Tally
from actors.gates import first_token, likelihood
from actors.ledger.sqlite import SqliteLedger
from actors.metrics.collector import RunCollector
from actors.metrics.metric import Run, RunMoment, values
from actors.metrics.table import METRICS
from actors.report.probes import probe_section
from deployments.build.judges import judges
from deployments.build.probes import build_maker, build_plan
from deployments.build.tasks import build_task
from deployments.cli import app
from deployments.config.load import load, load_text, resolve
from deployments.config.rules import broken_rule
from schemas.config import RunConfig
from schemas.config_engines import CustomEngine
from schemas.config_gates import GateConfig, LikelihoodJudge, TokenJudge, Unseen, gate_models
from schemas.errors import UserError
from schemas.flaws import FlawKind, Worth
from schemas.ledger import AcceptedEnd, Planned, Record
from schemas.orders import Attempt, Order
from schemas.progress import RunSnapshot
from schemas.samples import answered
from schemas.verdicts import FAITHFULNESS, PROVENANCE, REWARD, VERIFIER, Passed, Rejected, Verdict
from tests.deployments.config.test_load import WHOLE
from tests.doubles.attempts import candidate, passage
from tests.doubles.gates import with_gate
from tests.doubles.probes import attempt, ended, facts, issued, probe

EXAMPLES = Path(__file__).parents[3] / "examples"
GOOD = {"passage": "Its founder was Oda Lind.", "question": "Who?", "answer": "Oda Lind", "is_correct": True}
BAD = {**GOOD, "answer": "Vela Marr", "is_correct": False, "flaw": "parametric", "gate": "faithfulness"}


def probing(folder: Path, *rows: object) -> RunConfig:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return resolve(load_text(f"{WHOLE}probes: {{rate: 0.5, labelled: [rows.jsonl]}}\n"), folder)


def test_rows_are_read_with_what_they_say_of_flaw_and_gate(tmp_path: Path) -> None:
    """The file that `gleaner audit --labelled` reads, with two more columns where somebody knows them."""
    good, bad = build_plan(probing(tmp_path, GOOD, BAD)).rows
    assert (good.label, good.flaw, good.gate, good.origin) == (Worth.GOOD, None, None, "rows.jsonl#line=1")
    assert (bad.label, bad.flaw, bad.gate) == (Worth.BAD, FlawKind.PARAMETRIC, FAITHFULNESS)
    assert bad.draft == answered("Who?", "Vela Marr")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({**BAD, "flaw": "lies"}, r"line 2: 'flaw' is 'lies'; it must be one of contradicts_source, "),
        ({**BAD, "gate": "taste"}, r"line 2: 'gate' is 'taste'; it must be one of "),
        ({**GOOD, "passage": " "}, r"line 2: the passage is blank"),
        ({"question": "a"}, r"line 2: no field 'passage'"),
    ],
)
def test_a_row_that_cannot_be_sent_is_refused_before_anything_starts(tmp_path: Path, row: object, says: str) -> None:
    """With its line, and what would do."""
    with pytest.raises(UserError, match=says):
        build_plan(probing(tmp_path, GOOD, row))


def test_a_file_that_is_not_there_is_refused_by_its_key(tmp_path: Path) -> None:
    """One line."""
    config = probing(tmp_path, GOOD)
    (tmp_path / "rows.jsonl").unlink()
    with pytest.raises(UserError, match=r"probes\.labelled: .*rows\.jsonl: No such file"):
        build_plan(config)


def test_math_is_measured_on_labelled_solutions(tmp_path: Path) -> None:
    """The verifier's rows hold problem, solution and reference answer; without a file nobody would know."""
    config = load(EXAMPLES / "math.yaml")
    row = {"question": "6*7?", "ground_truth": "42", "solution": "6*7=43\nA: 43", "is_correct": False}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    probes = replace(config.probes, rate=0.1, labelled=(str(tmp_path / "rows.jsonl"),))
    (found,) = build_plan(replace(config, probes=probes)).rows
    assert (found.text, found.reference, found.label) == ("6*7?", "42", Worth.BAD)
    assert found.draft.answer == "6*7=43\nA: 43"
    assert judges(config)[VERIFIER].startswith("computed@")
    assert broken_rule(replace(config, probes=replace(config.probes, rate=0.1))) == (
        "probes.labelled: missing; probes of math are rows of a labelled file"
    )


def test_the_example_sends_probes_that_the_almanac_knows() -> None:
    """examples/measured.yaml: no labelled file; its injector makes them."""
    config = load(EXAMPLES / "measured.yaml")
    plan = build_plan(config)
    assert plan.rate == 0.5 and not plan.rows
    assert build_maker(config, build_task(config)).spoiling is not None


def test_a_judge_has_another_version_when_it_would_judge_otherwise(tmp_path: Path) -> None:
    """Weights, threshold, what it is shown: each makes another; where the folder lies and how many replicas do not."""
    config = load(EXAMPLES / "measured.yaml")
    here = judges(config)
    assert here[FAITHFULNESS].startswith("judge-strong@") and here[REWARD].startswith("reward@")
    gate = gate_models(config.gates)[FAITHFULNESS]

    def version(of: GateConfig) -> str:
        return judges(with_gate(config, of))[FAITHFULNESS]

    copy = tmp_path / "judge-strong"
    shutil.copytree(gate.engine.model, copy)
    assert version(replace(gate, engine=replace(gate.engine, model=str(copy)))) == here[FAITHFULNESS]
    assert version(replace(gate, replicas=replace(gate.replicas, max=7))) == here[FAITHFULNESS]
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    others = {
        version(replace(gate, engine=replace(gate.engine, model=str(copy)))),
        version(replace(gate, threshold=0.6)),
        version(replace(gate, provenance=Unseen())),
    }
    assert len(others | {here[FAITHFULNESS]}) == 4


def test_a_judge_by_labels_has_a_version_of_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked, who asks and by which labels: each word changes what a probe's rate is of."""
    config = load(EXAMPLES / "measured.yaml")
    judge = TokenJudge(CustomEngine("tests:none"))

    def version(of: GateConfig) -> str:
        return judges(with_gate(config, of))[FAITHFULNESS]

    words = ({"ask": "Well?"}, {"system": "Judge."}, {"preset": "minicheck"})
    changes = ({}, *words, {"positive": "True"}, {"negative": ("No", "False")}, {"scale": (1, 2)})
    versions = [version(replace(judge, **change)) for change in changes]
    versions += [version(LikelihoodJudge(judge.engine)), version(LikelihoodJudge(judge.engine, gain="mean"))]
    monkeypatch.setattr(likelihood, "FROM_SOURCE", "Answer.")
    versions.append(version(LikelihoodJudge(judge.engine)))
    monkeypatch.setattr(first_token, "STATED_IN_SEVERAL", "Is it all there?")
    versions.append(version(judge))
    assert len(set(versions)) == len(versions)


def verdicts(label: Worth, number: int) -> tuple[Verdict, ...]:
    """A good judge with one slip in twenty, after which it turns blind."""
    blind = number > 500
    passes = (label is Worth.GOOD) is (number % 20 != 0) or blind
    score = 0.96 if passes else 0.02
    said = Passed if passes else Rejected
    return (Passed(PROVENANCE, 1.0, 1.0), said(FAITHFULNESS, score, 0.5), Passed(REWARD, 0.9, 0.5))


def run_of(probes: int) -> list[Record]:
    """An order with its sample, then so many probes of both labels."""
    of = passage(1)
    order = Order.fresh(of.id, "grounded_answer", 0)
    records: list[Record] = [
        Planned(1.0, of, (order,)),
        AcceptedEnd(2.0, order.id, Attempt(1, None, candidate("Who?"), verdicts(Worth.GOOD, 1))),
    ]
    judges = {FAITHFULNESS: "judge@1", REWARD: "reward@1"}
    for number in range(probes):
        label = Worth.GOOD if number % 2 else Worth.BAD
        flaw = FlawKind.PARAMETRIC if label is Worth.BAD else None
        known = facts(number, label, flaw=flaw, judges=judges)
        records += [issued(number, label), ended(number, attempt(verdicts(label, number)), known)]
    return records


def folder_of(path: Path, probes: int) -> Path:
    path.mkdir(exist_ok=True)
    with SqliteLedger(path) as ledger:
        ledger.append(run_of(probes))
    return path


def told(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_status_shows_what_probes_say(tmp_path: Path) -> None:
    """For a person: rates with intervals, and a change in words. For a program: the same figures, and the version."""
    folder = folder_of(tmp_path / "run", 700)
    code, text, _ = told("status", folder)
    assert code == 0
    assert "probes: 700 sent, 700 judged" in text
    assert "judge@1" in text and "parametric" in text
    assert "faithfulness has changed: recall was" in " ".join(text.split())
    _, text, _ = told("status", folder, "--json")
    probes = json.loads(text)["probes"]
    gate = next(gate for gate in probes["gates"] if gate["gate"] == "faithfulness")
    assert gate["version"] == "judge@1" and gate["window"]["recall"]["value"] < gate["whole"]["recall"]["value"]
    assert gate["drift"][0] == {**gate["drift"][0], "of": "recall", "flagged": True}
    assert json.loads(text)["counts"]["issued"] == 1


def test_the_report_shows_the_same(tmp_path: Path) -> None:
    """A section for a run with probes; none for one without."""
    folder = folder_of(tmp_path / "run", 700)
    assert told("report", folder)[0] == 0
    page = (folder / "report.html").read_text()
    assert "Can the gates be trusted?" in page and "judge@1" in page and "<strong>Changed.</strong>" in page
    bare = folder_of(tmp_path / "bare", 0)
    assert told("report", bare)[0] == 0
    assert "Can the gates be trusted?" not in (bare / "report.html").read_text()
    tally = Tally()
    assert probe_section(tally.summary().probes) is None


def test_calibrate_proposes_and_says_what_it_rests_on(tmp_path: Path) -> None:
    """A threshold, its bound, its cost; what passes now beside it."""
    folder = folder_of(tmp_path / "run", 500)
    code, text, error = told(
        "calibrate", folder, "--gate", "faithfulness", "--precision", "0.8", "--bad-share", "0.3", "--json"
    )
    assert code == 0, error
    found = json.loads(text)
    assert found["proposed"]["low"] >= 0.8 and found["bad_share"] == {**found["bad_share"], "value": 0.3, "given": True}
    assert (found["good"], found["bad"], found["now"]["threshold"]) == (250, 250, 0.5)
    code, text, _ = told("calibrate", folder, "--gate", "faithfulness", "--precision", "0.8", "--bad-share", "0.3")
    assert code == 0 and "With 95% confidence at least 80.00% of what passes" in " ".join(text.split())


@pytest.mark.parametrize(
    ("probes", "arguments", "says"),
    [
        (0, ("--gate", "reward"), "no good probe has met the reward gate"),
        (20, ("--gate", "faithfulness", "--bad-share", "0.3"), "too few probes"),
        (500, ("--gate", "faithfulness", "--precision", "1.5"), "--precision 1.5: must be between 0 and 1"),
    ],
)
def test_calibrate_refuses_in_one_line(tmp_path: Path, probes: int, arguments: tuple[str, ...], says: str) -> None:
    """Exit code 2, what is missing, nothing else."""
    code, text, error = told("calibrate", folder_of(tmp_path / "run", probes), *arguments)
    assert (code, text) == (2, "")
    assert len(error.splitlines()) == 1 and says in error


def test_metrics_tell_rates_of_the_present_version_alone() -> None:
    """Bounded series, whatever versions there were; a rate that is not known is NaN, not 0."""
    tally = Tally()
    for record in run_of(700):
        tally.apply(record)
    run = Run("towns", "0.1.0", ("generator",), ("running",), 1.0)
    collector = RunCollector(run)
    collector.tell(RunMoment(1.0, "running", RunSnapshot(at=1.0, summary=tally.summary())))
    found = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in collector.collect()
        for sample in family.samples
    }
    assert found[("gleaner_probes_issued_total", ())] == 700
    assert found[("gleaner_probe_drift", ("faithfulness", "recall"))] == 1.0
    assert 0 <= found[("gleaner_probe_rate", ("faithfulness", "recall", "low"))] < 0.5
    assert found[("gleaner_probe_rate", ("reward", "recall", "value"))] != 0.0, "no probe was its to see: NaN"
    assert found[("gleaner_probe_recall", ("faithfulness", "parametric", "high"))] <= 1
    by_name = {metric.name: metric for metric in METRICS}
    for name, labels in found:
        if name in by_name:
            for label, value in zip(by_name[name].labels, labels, strict=True):
                assert value in values(label, run), (name, label, value)


def test_explain_shows_a_probe_by_its_whole_id(tmp_path: Path) -> None:
    """It is no order, so no beginning of its id finds it; the whole id does."""
    folder = folder_of(tmp_path / "run", 1)
    code, text, _ = told("explain", folder, probe(0).id)
    assert code == 0 and "a probe, meant to be bad, parametric, of rows#line=0; never exported" in " ".join(
        text.split()
    )
    code, text, _ = told("explain", folder, probe(0).id, "--json")
    assert code == 0 and json.loads(text)["probed"]["end"] == "judged"
    code, _, error = told("explain", folder, probe(0).id[:12])
    assert code == 2 and "no order in" in error
