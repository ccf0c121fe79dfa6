"""`python -m studies.frame {show,run,collect,page} STUDY NUMBER`: a plan's size, its parts, its results, its page."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from schemas.errors import UserError
from studies.frame import page, results
from studies.frame.commit import pilot_stamp, stamp, tiny_stamp
from studies.frame.plan import Plan, place, read
from studies.frame.runner import Work, run_missing
from studies.frame.verdicts import powers_of, verdicts

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Exit code 0: done; 1: parts are missing; 2: the user's mistake."""
    parser = argparse.ArgumentParser(prog="python -m studies.frame", description="Plans, parts and pages of studies.")
    parser.add_argument("what", choices=("show", "run", "collect", "page"))
    parser.add_argument("study")
    parser.add_argument("number", type=int)
    parser.add_argument(
        "--pilot", action="store_true", help="other seeds, other files; neither plan nor code committed"
    )
    parser.add_argument("--tiny", action="store_true", help="a pilot of the smallest sizes: does every part run?")
    parser.add_argument("--only", default="", help="run: a part, or all whose name begins so")
    parser.add_argument("--minutes", type=float, default=45, help="run: no part begins later")
    parser.add_argument("--look-again", default="", metavar="WHY", help="run: one part whose test set is spent")
    parser.add_argument("--missing", default="", metavar="WHY", help="collect: leave out parts that do not stand")
    given = parser.parse_args(arguments)
    try:
        plan = read(root / "studies" / given.study / f"plan-{given.number}.yaml")
        if given.what == "show":
            return _show(plan)
        if given.what == "page":
            return _page(root, plan)
        marked = tiny_stamp if given.tiny else pilot_stamp if given.pilot else stamp
        work = Work(root, plan, marked(root, place(plan)))
        if given.what == "collect":
            return _collect(work, given.missing)
        missing = run_missing(
            work, only=given.only, minutes=given.minutes, look_again=given.look_again, say=partial(print, flush=True)
        )  # fmt: skip
        print(f"{missing} of the wanted parts do not stand" if missing else "all wanted parts stand")
        return 1 if missing else 0
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


def _show(plan: Plan) -> int:
    for claim in plan.claims:
        strictest, mildest = powers_of(plan, claim)
        print(
            f"{claim.name}, in {len(claim.settings)} settings: supported if as expected "
            f"{strictest.supported:.0%} to {mildest.supported:.0%}, not supported if there is none "
            f"{strictest.not_supported:.0%} to {mildest.not_supported:.0%}"
        )
    takes = sum(part.kind.core_minutes for part in plan.every_part)
    print(f"{len(plan.every_part)} parts, {takes:g} of {plan.budget.core_minutes:g} core minutes")
    return 0


def _collect(work: Work, missing: str) -> int:
    found = results.collected(work, missing=missing)
    path = results.write(work.root if work.stamp.code else work.scratch, work.plan, found)
    for (claim, setting), one in verdicts(work.plan, found).items():
        print(f"{one.word:13} {claim}, {setting}{': ' + one.why if one.why else ''}")
    print(path)
    return 0


def _page(root: Path, plan: Plan) -> int:
    text = page.page(plan, results.read_results(root, plan), page.prose_of(root, plan))
    results.path_of(root, plan, "md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
