"""Whole solutions: teacher's and self-generated positives, and the naive pairs."""

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.exports.solutions import different
from schemas.exports import ExportFormat, LeftOut, View
from tests.actors.exports.runs import MATH, Known, asked, exported
from tests.actors.exports.solved import WORKED, problem, run_of

SHORT, LONG, OTHER = "6-1=5\n#### 5", "2*3=6\n6-1=5\n#### 5", "3+3-1\nis 5\n#### 5"
WRONG, ALSO_WRONG = "2*3=6\n6+1=7\n#### 7", "2+3=5\n5-1=4\n#### 4"
MATH_FORMATS = (ExportFormat.SFT, ExportFormat.DPO, ExportFormat.KTO, ExportFormat.RFT)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.lists(st.sampled_from([SHORT, LONG, OTHER, WRONG, ALSO_WRONG]), min_size=1, max_size=3),
                       st.booleans()), min_size=1, max_size=6),
    st.sampled_from(MATH_FORMATS),
    st.sampled_from(View),
    st.integers(1, 3),
)  # fmt: skip
def test_every_row_is_what_the_ledger_says(
    lives: list[tuple[list[str], bool]], format: ExportFormat, view: View, most: int
) -> None:
    """Whatever was tried, solved and repeated: sides are what the verifier said, one prompt for both, no text twice."""
    records = run_of(problem(0), [life for life, _ in lives], solved=[right for _, right in lives])
    known = Known.of(records)
    rows, _ = exported(records, asked(format, view=view, per_problem=most), MATH)
    for row in rows:
        known.check(row)
    assert len({row["id"] for row in rows}) == len(rows)
    if format is ExportFormat.RFT:
        distinct = {life[-1] for life, right in lives if right}
        assert len(rows) == len({str(row["messages"]) for row in rows}) == min(most, len(distinct))


def test_sft_of_a_problem_is_the_teachers_solution() -> None:
    """The problem file's worked solution; where it gives an answer alone there is nothing to learn from."""
    rows, _ = exported(run_of(problem(0), [[SHORT], [LONG]]), asked(ExportFormat.SFT), MATH)
    assert [row["messages"][1]["content"] for row in rows] == [WORKED]
    assert rows[0]["messages"][0]["content"] == problem(0).text and rows[0]["origin"] is None
    rows, left = exported(run_of(problem(0, "5"), [[SHORT]]), asked(ExportFormat.SFT), MATH)
    assert not rows and left[LeftOut.NO_WORKED_SOLUTION] == 1


def test_rft_takes_few_that_differ() -> None:
    """Three ways of which two are near: the near one goes; another seed may begin elsewhere, the same one never."""
    records = run_of(problem(0), [[SHORT], [LONG], [OTHER], [SHORT + " "], [WRONG]], solved=[True] * 4 + [False])
    rows, left = exported(records, asked(ExportFormat.RFT, per_problem=2), MATH)
    chosen = {row["messages"][1]["content"] for row in rows}
    assert OTHER in chosen and len(chosen) == 2
    assert (left[LeftOut.REPEATED], left[LeftOut.LIKE_OTHERS], left[LeftOut.NOT_ACCEPTED]) == (1, 1, 1)
    assert exported(records, asked(ExportFormat.RFT, per_problem=2), MATH)[0] == rows
    picks = {tuple(different([SHORT, LONG, OTHER], 1, seed=seed)) for seed in range(20)}
    assert len(picks) > 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab\n", min_size=1), max_size=8), st.integers(0, 10), st.integers())
def test_choices_are_distinct_bounded_and_grow(solutions: list[str], most: int, seed: int) -> None:
    """No solution twice and at most as many as requested; those chosen for a small number are also chosen for a larger
    one."""
    chosen = different(solutions, most, seed=seed)
    assert len(chosen) == len(set(chosen)) == min(most, len(solutions))
    assert set(chosen) <= set(different(solutions, most + 1, seed=seed))
