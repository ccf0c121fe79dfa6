"""The study of gates on real text, but for the models: its rows, its figures and its rules."""

import json
from pathlib import Path

import msgspec
import pytest

import studies.real_text
from actors.counts.rates import rate
from deployments.config.load import load
from schemas.config_gates import LikelihoodJudge
from schemas.errors import ErrorKind, JudgeError
from schemas.verdicts import FAITHFULNESS, GateRequest, Passed, Verdict
from studies.provenance.bootstrap import Estimate
from studies.real_text.__main__ import Scores, claims_of, verdict_of
from studies.real_text.arms import MODES, TRIES, Arm, Scored, scored
from studies.real_text.measures import difference, measured, youden_threshold
from studies.real_text.sets import SETS, SetRow
from tests.shared import shared

FOLDER = "data/faithfulness"
EXAMPLES = Path(__file__).parents[2] / "examples"


def rows_of(count: int, *, sources: int = 10) -> list[SetRow]:
    """Every other row is supported; each source has rows of both kinds."""
    return [SetRow(f"r{n}", f"s{n // 2 % sources}", "p", "q", f"a{n}", n % 2 == 0) for n in range(count)]


@pytest.mark.parametrize("place", range(len(SETS)))
def test_every_row_of_a_set_is_read(place: int) -> None:
    """As many as the sets' own pages say, of both labels, each with an id of its own and a text that is there."""
    labelled = SETS[place]
    rows = labelled.read(shared(f"{FOLDER}/{labelled.file}").parents[1]) or []
    assert len(rows) == (708, 430, 466, 613)[place]
    assert len({row.source for row in rows}) == (163, 333, 17, 21)[place]
    assert len({row.id for row in rows}) == len(rows)
    assert {row.supported for row in rows} == {True, False}
    assert all(row.passage.strip() and row.answer.strip() for row in rows)


def test_a_set_that_is_not_there_is_no_set(tmp_path: Path) -> None:
    """It is told, never read as empty."""
    assert SETS[0].read(tmp_path) is None


def test_claims_that_share_evidence_are_one_source(tmp_path: Path) -> None:
    """FEVER-symmetric crosses claims with evidence: what hangs together is drawn together."""
    pairs = [("a", "x", "SUPPORTS"), ("b", "x", "REFUTES"), ("b", "y", "SUPPORTS"), ("c", "z", "REFUTES")]
    path = tmp_path / SETS[0].file
    path.parent.mkdir()
    path.write_text("\n".join(json.dumps({"claim": c, "evidence": e, "label": label}) for c, e, label in pairs))
    rows = SETS[0].read(tmp_path) or []
    assert len({row.source for row in rows[:3]}) == 1
    assert rows[3].source != rows[0].source


def test_a_perfect_gate_and_one_that_knows_nothing() -> None:
    """The first ranks everything right and its threshold carries over; the second is at chance."""
    rows = rows_of(80)
    perfect = measured(rows, [float(row.supported) for row in rows])
    assert (perfect.auroc.value, perfect.f1.value) == (1.0, 1.0)
    nothing = measured(rows, [0.5] * len(rows))
    assert nothing.auroc.value == 0.5
    assert perfect.f1_of_rejecting_all.value == pytest.approx(2 / 3, abs=1e-4)


def test_a_row_without_a_score_never_passes_and_is_in_no_ranking() -> None:
    """Unknown is not good: the threshold that rejects it finds it, the ranking leaves it out."""
    rows = rows_of(40)
    scores = [None if place == 1 else float(row.supported) for place, row in enumerate(rows)]
    found = measured(rows, scores)
    assert (found.rows, found.judged, found.auroc.value) == (40, 39, 1.0)
    unknown_good = [None if place == 0 else 1.0 for place in range(4)]
    assert youden_threshold(rows[:4], unknown_good) == 1.0


def test_a_difference_is_of_the_rows_that_both_judged() -> None:
    """The same sources are drawn for both."""
    rows = rows_of(60)
    right = [float(row.supported) for row in rows]
    wrong = [1 - score for score in right]
    assert difference(rows, right, wrong) == Estimate(1.0, 1.0, 1.0)
    assert difference(rows, right, [None, *right[1:]]).value == 0.0


def test_the_threshold_that_parts_best() -> None:
    """Three of four good ones at 0.6 or more, no bad one."""
    rows = rows_of(8)
    scores = [0.9, 0.5, 0.6, 0.1, 0.7, 0.2, 0.3, 0.4]
    assert youden_threshold(rows, scores) == 0.6


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.01, 0.2, "supported"), (-0.2, -0.01, "refuted"), (-0.1, 0.1, "not shown"), (-1.0, -1.0, "not shown")],
)
def test_a_verdict_follows_from_the_interval_alone(low: float, high: float, verdict: str) -> None:
    """An interval that could not be made shows nothing."""
    assert verdict_of(Estimate((low + high) / 2, low, high), against=0.0) == verdict


def test_forms_that_were_not_run_have_no_claims() -> None:
    """Only what both sides of a claim were asked is claimed."""
    rows = rows_of(40)
    right = [float(row.supported) for row in rows]
    token: Scores = {Arm("token", shown): (rows, right) for shown in MODES["token"]}
    assert [claim.number for claim in claims_of("a set", token, 0)] == [1, 2, 3, 3]


class _Forgetful:
    """A gate whose first answers are no verdicts."""

    def __init__(self, nonsense: int) -> None:
        self.asked: list[int] = []
        self._nonsense = nonsense

    async def check(self, request: GateRequest) -> Verdict:
        self.asked.append(request.tries)
        if request.tries <= self._nonsense:
            raise JudgeError(ErrorKind.NONSENSE, "no verdict")
        return Passed(FAITHFULNESS, 0.75, 0.5)


@pytest.mark.parametrize(("nonsense", "score"), [(0, 0.75), (2, 0.75), (3, None)])
async def test_nonsense_is_asked_again_as_in_a_run(tmp_path: Path, nonsense: int, score: float | None) -> None:
    """Twice more; then the row has no score. What is written down is not asked for again, a torn line is."""
    rows, file, gate = rows_of(2), tmp_path / "scores.jsonl", _Forgetful(nonsense)
    found = await scored(gate, rows, file, lambda _: None)
    assert [each.score for each in found] == [score, score]
    assert len(gate.asked) == 2 * min(nonsense + 1, TRIES)
    file.write_bytes(file.read_bytes()[:-5])
    again = _Forgetful(nonsense)
    assert await scored(again, rows, file, lambda _: None) == found
    assert len(again.asked) == min(nonsense + 1, TRIES)


def test_the_demos_threshold_follows_from_the_committed_scores() -> None:
    """By the plan's rule, on all rows of BEGIN; the three demos share it."""
    begin = next(each for each in SETS if each.name == "BEGIN")
    rows = begin.read(shared(f"{FOLDER}/{begin.file}").parents[1]) or []
    lines = (Path(studies.real_text.__file__).parent / "scores" / "begin-likelihood-exact.jsonl").read_bytes()
    given = {each.row: each.score for each in map(msgspec.json.Decoder(Scored).decode, lines.splitlines())}
    threshold = round(youden_threshold(rows, [given[row.id] for row in rows]), 3)
    for name in ("demo-text", "demo-text-vllm", "demo-text-http"):
        gate = load(EXAMPLES / f"{name}.yaml").gates["faithfulness"]
        assert isinstance(gate, LikelihoodJudge)
        assert gate.threshold == threshold


def test_the_page_says_what_the_committed_scores_and_labels_say() -> None:
    """The figures of the arm that was run, and of the demo's accepted samples, follow from the committed files."""
    begin = next(each for each in SETS if each.name == "BEGIN")
    rows = begin.read(shared(f"{FOLDER}/{begin.file}").parents[1]) or []
    study = Path(studies.real_text.__file__).parent
    page = " ".join((EXAMPLES.parent / "docs" / "studies" / "real-text.md").read_text(encoding="utf-8").split())
    lines = (study / "scores" / "begin-likelihood-exact.jsonl").read_bytes().splitlines()
    given = {each.row: each.score for each in map(msgspec.json.Decoder(Scored).decode, lines)}
    found = measured(rows, [given[row.id] for row in rows])
    assert found.judged == found.rows == 430
    for figure in (found.auroc, found.f1, found.f1_of_rejecting_all):
        assert f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})" in page
    labels = [json.loads(line) for line in (study / "demo-labels.jsonl").read_text(encoding="utf-8").splitlines()]
    share = rate(sum(label["supported"] for label in labels), len(labels))
    low, high, value = (round(100 * (bound or 0)) for bound in (share.low, share.high, share.value))
    assert f"| {share.successes} of {share.trials} | {value}% ({low} to {high}) |" in page
