"""From a committed plan to words: what is run once, what is refused, what is found, with the coins of `tiny`."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from schemas.errors import ConfigError
from studies.frame import page as pages
from studies.frame import results
from studies.frame.__main__ import main
from studies.frame.commit import pilot_stamp, seed, stamp
from studies.frame.given import DATA, Found, Given, Look
from studies.frame.plan import place, read
from studies.frame.runner import PartResult, Work
from studies.frame.statistics import Tally
from studies.frame.verdicts import headlines, verdicts
from tests.studies import tiny

Study = Callable[..., Path]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Makes a repository with a plan, which is run by the given code."""

    def make(plan: str = tiny.PLAN, run: Callable[[Given], Found] = tiny.run) -> Path:
        monkeypatch.setitem(sys.modules, "studies.tiny.plan_1", SimpleNamespace(run=run))  # pyright: ignore[reportArgumentType]
        return tiny.repository(tmp_path / "repository", plan)

    return make


def does(root: Path, what: str, *more: str) -> int:
    return main([what, "tiny", "1", *more], root)


def work(root: Path) -> Work:
    plan = read(root / "studies" / "tiny" / "plan-1.yaml")
    return Work(root, plan, stamp(root, place(plan)))


def test_a_planted_effect_is_found_and_none_is_not(study: Study) -> None:
    """The whole way: the better coin is supported, the same coin is not; the page says so, and by whose code."""
    root = study()
    assert does(root, "run") == 0
    assert does(root, "collect") == 0
    plan = read(root / "studies" / "tiny" / "plan-1.yaml")
    found = results.read_results(root, plan)
    assert found is not None
    said = verdicts(plan, found)
    assert said["better-than-plain", "table"].word == "supported"
    assert said["same-as-plain", "table"].word == "not supported"
    assert headlines(plan, said) == {("better", "table"): "supported", ("both", "table"): "not supported"}
    assert found.codes == [work(root).stamp.code] and found.plan == work(root).stamp.plan
    assert len(found.looks) == 12
    assert does(root, "page") == 0
    text = (root / "docs" / "studies" / "tiny-1.md").read_text()
    assert text.count("**supported**") == 2 and text.count("**not supported**") == 2
    better = said["better-than-plain", "table"].contrast
    assert better is not None and f"{100 * better.effect.value:+.1f} (" in text


def test_what_stands_is_not_run_again_and_results_are_not_written_twice(study: Study, capsys) -> None:
    """A second run does nothing, a second collection is refused."""
    runs: list[str] = []

    def once(given: Given) -> Found:
        runs.append(given.part.name)
        return tiny.run(given)

    root = study(run=once)
    assert does(root, "run", "--only", "throws-table-1") == 0  # not 10 and 11
    assert runs == ["throws-table-1"]
    assert does(root, "run", "--only", "throws-table-1", "--minutes", "-1") == 0
    assert does(root, "run", "--only", "throws-ta", "--minutes", "-1") == 1
    assert does(root, "run", "--only", "nothing") == 2
    assert "no part's name begins with 'nothing'; the first is throws-table-0" in capsys.readouterr().err
    tiny.commit(root)
    assert does(root, "collect") == 2
    assert "11 parts are missing, the first is throws-table-0" in capsys.readouterr().err
    assert does(root, "run") == 0 and does(root, "run") == 0
    assert sorted(runs) == sorted({part.name for part in work(root).plan.every_part})
    assert does(root, "collect") == 0
    before = (root / "docs" / "studies" / "tiny-1.json").read_bytes()
    assert does(root, "collect") == 2
    assert "results are not written twice" in capsys.readouterr().err
    assert (root / "docs" / "studies" / "tiny-1.json").read_bytes() == before


def test_a_plan_must_be_committed_as_it_is_and_so_must_the_code(study: Study) -> None:
    """Otherwise one could write the plan to the result. The parts that a run writes are no change of the code."""
    root = study()
    path = root / "studies" / "tiny" / "plan-1.yaml"
    stamp(root, place(read(path)))
    (root / "studies" / "tiny" / "parts-1").mkdir()
    (root / "studies" / "tiny" / "parts-1" / "a.json").write_text("{}")
    stamp(root, place(read(path)))
    (root / "studies" / "tiny" / "new.py").write_text("")
    with pytest.raises(ConfigError, match=r"studies/tiny/new.py is not as it was committed"):
        stamp(root, place(read(path)))
    path.write_text(tiny.PLAN.replace("0.05", "0.04"))
    with pytest.raises(ConfigError, match="a changed plan is a new number"):
        stamp(root, place(read(path)))
    (other := path.with_name("plan-2.yaml")).write_text(tiny.PLAN.replace("number: 1", "number: 2"))
    with pytest.raises(ConfigError, match="is not committed"):
        stamp(root, place(read(other)))


def test_seeds_follow_from_the_plan_and_a_pilots_are_others(study: Study) -> None:
    """The same plan gives the same seeds; any change of it, another name or a pilot gives others."""
    root = study()
    path = "studies/tiny/plan-1.yaml"
    real, pilot = stamp(root, path), pilot_stamp(root, path)
    seeds = [seed(real, "a"), seed(real, "b"), seed(real, "a", 1), seed(pilot, "a")]
    assert seeds == [seed(real, "a"), seed(real, "b"), seed(real, "a", 1), seed(pilot, "a")]
    (root / path).write_text(tiny.PLAN + "\n")
    tiny.commit(root)
    assert len({*seeds, seed(stamp(root, path), "a")}) == 5
    assert all(0 <= one < 2**31 for one in seeds)


def test_parts_of_a_changed_plan_are_refused(study: Study) -> None:
    """Committed or not: what was made under one plan says nothing under another."""
    root = study()
    does(root, "run", "--only", "throws-table-3")
    (root / "studies" / "tiny" / "plan-1.yaml").write_text(tiny.PLAN.replace("0.05", "0.04"))
    tiny.commit(root)
    with pytest.raises(ConfigError, match="another form of the plan"):
        work(root).result(work(root).plan.every_part[3])


def test_a_part_that_crashed_after_it_had_looked_has_spent_its_test_set(study: Study, capsys) -> None:
    """It is run again only with a reason, and the page tells it; one that had not looked is simply run again."""
    crash = [True]

    def fails(given: Given) -> Found:
        if given.part.unit == 2 and crash[0]:
            raise RuntimeError("before the look")
        found = tiny.run(given)
        if given.part.unit == 1 and crash[0]:
            raise RuntimeError("after the look")
        return found

    root = study(run=fails)
    for part in ("throws-table-2", "throws-table-1"):
        with pytest.raises(RuntimeError):
            does(root, "run", "--only", part)
    crash[0] = False
    assert does(root, "run") == 1
    said = capsys.readouterr().out
    assert "throws-table-1 is not run: it looked at test and left no result" in said and "throws-table-2 is" not in said
    assert does(root, "run", "--only", "throws-table-1", "--look-again", "the disk was full") == 0
    assert does(root, "collect") == 0 and does(root, "page") == 0
    page = (root / "docs" / "studies" / "tiny-1.md").read_text()
    assert "**Looks at test sets**: 13, of 12 parts." in page
    assert f"- Again, `throws-table-1` (code `{work(root).stamp.code[:12]}`): the disk was full" in page


def test_a_look_is_on_the_disk_before_the_seed_is_known(study: Study) -> None:
    """And only the sets that the plan names for the part; no other door leads to a test set's seed."""
    root = study()
    here = work(root)
    marks = root / "marks"
    given = Given(here.plan, here.plan.every_part[0], here.stamp, marks=marks, scratch=root)
    with pytest.raises(ConfigError, match="comes from look"):
        given.seed("test", 0)
    with pytest.raises(ConfigError, match="does not let it look at 'development'"):
        given.look("development")
    assert not marks.exists()
    assert given.look("test") == given.look("test")
    assert [look.test_set for look in map(msgspec.json.Decoder(Look).decode, marks.read_bytes().splitlines())] == [
        "test"
    ]


def test_a_pilot_spends_nothing_and_lies_elsewhere(study: Study) -> None:
    """Neither plan nor code need be committed; nothing of it can be taken for a result."""
    root = study()
    (root / "studies" / "tiny" / "plan-1.yaml").write_text(tiny.PLAN.replace("0.05", "0.04"))
    assert does(root, "run", "--pilot") == 0 and does(root, "collect", "--pilot") == 0
    assert not (root / "docs").exists() and not (root / "studies" / "tiny" / "parts-1").exists()
    found = sorted(path.name for path in (root / "runs" / "studies" / "tiny-1-pilot" / "parts-1").iterdir())
    assert len(found) == 12 and all(name.endswith(".json") for name in found)


def test_a_tiny_pilot_is_told_so_and_lies_elsewhere(study: Study) -> None:
    """What proves that parts run cannot be taken for a pilot at full size, and a real run is never tiny."""
    seen: set[bool] = set()

    def told(given: Given) -> Found:
        seen.add(given.tiny)
        return tiny.run(given)

    root = study(run=told)
    assert does(root, "run", "--tiny", "--only", "throws-table-0") == 0 and seen == {True}
    assert (root / "runs" / "studies" / "tiny-1-tiny" / "parts-1" / "throws-table-0.json").exists()
    assert does(root, "run", "--pilot", "--only", "throws-table-0") == 0
    assert does(root, "run", "--only", "throws-table-0") == 0 and seen == {True, False}


def test_a_part_reads_what_those_before_it_found_and_no_other(study: Study) -> None:
    """A choice comes from the file of the part that made it."""
    plan = tiny.PLAN.replace(
        "looks: [test]}", "looks: [test]}, {name: last, what: Adds., core_minutes: 1, needs: [throws]}"
    ).replace("core_minutes: 20", "core_minutes: 21")

    def adds(given: Given) -> Found:
        if given.part.kind.name == "throws":
            return tiny.run(given)
        for name in ("last", "throws-table-12"):
            with pytest.raises(ConfigError, match="part last: the plan does not say that it needs"):
                given.earlier(name)
        return Found([], {"sum": sum(given.earlier(f"throws-table-{n}").figures["throws"] for n in range(12))})

    root = study(plan, adds)
    assert does(root, "run") == 0
    last = next(one for one in work(root).plan.every_part if one.name == "last")
    result = work(root).result(last)
    assert result is not None and result.found.figures == {"sum": 12 * tiny.PROBLEMS}


def test_data_that_is_not_there_is_named(study: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    """The part waits for it; the rest runs, and what is claimed of the part is undecided."""
    plan = tiny.PLAN.replace("looks: [test]}", "looks: [test], data: [rows]}")
    plan += "data: [{name: rows, what: Rows that people labelled., file: labelled/rows.jsonl}]\n"

    def reads(given: Given) -> Found:
        assert given.data("rows").read_text() == "rows"
        return tiny.run(given)

    root = study(plan, reads)
    monkeypatch.delenv(DATA, raising=False)
    assert does(root, "run", "--only", "throws-table-0") == 1
    assert "throws-table-0 is not run: it reads labelled/rows.jsonl; name the folder" in capsys.readouterr().out
    monkeypatch.setenv(DATA, str(tmp_path))
    assert does(root, "run", "--only", "throws-table-0") == 1
    assert f"which is not in {tmp_path} ({DATA})" in capsys.readouterr().out
    (tmp_path / "labelled").mkdir()
    (tmp_path / "labelled" / "rows.jsonl").write_text("rows")
    assert does(root, "run", "--only", "throws-table-0") == 0
    assert does(root, "collect", "--missing", "no labelled rows here") == 0
    assert "undecided     better-than-plain, table: 1 of 12 units are there" in capsys.readouterr().out
    assert does(root, "page") == 0
    assert "- `throws-table-1`: no labelled rows here" in (root / "docs" / "studies" / "tiny-1.md").read_text()


def test_a_claim_is_asked_only_where_its_condition_is_supported(study: Study, capsys) -> None:
    """The better coin is better, but that is asked only if the same coin is."""
    lines = tiny.PLAN.replace("rules_out: Luck.", "rules_out: Luck.\n  given: [same-as-plain]")
    first, second = lines.index("- &claim"), lines.index("- <<: *claim")
    end = lines.index("headlines:")
    swapped = lines[:first] + LATER + lines[first:second] + lines[end:]
    root = study(swapped)
    assert does(root, "run") == 0 and does(root, "collect") == 0
    assert "undecided     better-than-plain, table: not asked: same-as-plain is not" in capsys.readouterr().out


LATER = """- {name: same-as-plain, says: It errs less., arm: same, against: plain, measure: error, direction: less,
   smallest: 0.05, settings: [table], units: purse, family: main, rules_out: Luck.,
   power: {expected: 0.1, unit_sd: 0.1, pilot: None.}}
"""


def test_a_tally_of_nothing_in_the_plan_is_refused(study: Study, capsys) -> None:
    """An arm that was thought of later belongs in a plan of its own."""
    root = study(run=lambda given: Found([Tally("table", "bestt", "error", "0", 1, 1)]))
    assert does(root, "run") == 0 and does(root, "collect") == 2
    assert "has a tally of 'bestt'; the plan's arms have no such name" in capsys.readouterr().err


def test_a_study_without_code_says_which_file_is_missing(tmp_path: Path, capsys) -> None:
    assert does(tiny.repository(tmp_path), "run") == 2
    assert "studies/tiny/plan_1.py is not written yet" in capsys.readouterr().err


def test_prose_names_its_figures_and_writes_none(study: Study, capsys) -> None:
    """A figure that a person types is refused, wherever the study stands; a named one is the results'."""
    root = study()
    assert does(root, "run") == 0 and does(root, "collect") == 0
    prose = root / "studies" / "tiny" / "prose-1.md"
    prose.write_text("It errs less by 15 points.\n")
    assert does(root, "page") == 2
    assert "prose, line 1: the figure 15 is written by hand" in capsys.readouterr().err
    for smuggled in ("Less by {{ 15 }}.", "Less by `15`.", "By {{ claims['better-than-plain', 'table'] ~ 15 }}."):
        prose.write_text(smuggled)
        assert does(root, "page") == 2
    prose.write_text('Less by {{ claims["better", "table"] }}.\n')
    assert does(root, "page") == 2
    prose.write_text(
        '{{ words["same-as-plain", "table"] }}: less by {{ claims["better-than-plain", "table"] }}; '
        'wrong in {{ arms["table", "same", "error"] }}, of '
        '{{ figures["throws-table-0", "throws"] }} throws ([a study](tiny-1.json), `plan-1`).\n'
    )
    assert does(root, "page") == 0
    text = (root / "docs" / "studies" / "tiny-1.md").read_text()
    assert "\nnot supported: less by +1" in text
    assert ", of 200 throws ([a study](tiny-1.json), `plan-1`)." in text
    assert pages.page(read(root / "studies" / "tiny" / "plan-1.yaml"), None, "").count("not been run") == 1


def test_a_part_s_file_tells_plan_and_code(study: Study) -> None:
    """Who reads one part knows what made it."""
    root = study()
    does(root, "run", "--only", "throws-table-5")
    here = work(root)
    part = msgspec.json.decode((here.parts / "throws-table-5.json").read_bytes(), type=PartResult)
    assert (part.part, part.plan_sha256, part.code) == ("throws-table-5", here.stamp.plan.sha256, here.stamp.code)
    assert [one.whole for one in part.found.tallies] == [tiny.PROBLEMS] * 3
