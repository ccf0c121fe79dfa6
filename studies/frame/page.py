"""A study's page, `docs/studies/<study>-<number>.md`, from its plan and, once they are there, its results.

Law: no figure and no word of verdict is written by hand. What a person adds stands in `studies/<study>/prose-<n>.md`,
where a figure or word is a name (`{{ claims["rft", "harms"] }}`, `{{ words["rft", "harms"] }}`,
`{{ headlines["credit-teaches", "harms"] }}`, `{{ arms["harms", "rft", "error"] }}`,
`{{ figures["arms-harms-0", "pairs"] }}`) and digits outside of names, code and links are refused.
"""

import math
import re
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

from schemas.errors import ConfigError
from studies.frame.plan import Claim, Measure, Plan
from studies.frame.results import Results
from studies.frame.statistics import Interval, interval
from studies.frame.verdicts import Verdict, headlines, powers_of, verdicts

NOT_PROSE = re.compile(
    r"""\{\{ \w+\[("[^"]*"(, )?)+\] \}\}|`[^`]*[A-Za-z_][^`]*`|\]\([^)]*\)|https?://\S+|arXiv:? ?[\d.]+"""
)
"""Where a digit is no figure: in the name of one, in code that is more than a number, in a link."""


def page(plan: Plan, results: Results | None, prose: str = "") -> str:
    """The page's text. `prose`: the template that a person wrote. Raises ConfigError where it holds a bare figure or a
    name of nothing."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    measures = {one.name: one for one in plan.measures}
    said = verdicts(plan, results) if results else {}
    parts = results.parts if results else []
    known = {
        "plan": plan,
        "results": results,
        "verdicts": said,
        "words": {key: one.word for key, one in said.items()},
        "headlines": headlines(plan, said) if results else {},
        "claims": {
            (claim.name, setting): _effect(claim, measures[claim.measure], said[claim.name, setting])
            for claim in plan.claims
            for setting in claim.settings
            if results
        },
        "arms": _arms(results, measures) if results else {},
        "figures": {(part.part, name): f"{v:g}" for part in parts for name, v in part.found.figures.items()},
        "powers": {claim.name: powers_of(plan, claim) for claim in plan.claims},
        "percent": "{:.0%}".format,
        "amount": lambda claim: _amount(claim, measures),
    }
    for number, line in enumerate(prose.splitlines(), 1):
        if bare := re.search(r"\d[\d,.]*", NOT_PROSE.sub("", line)):
            raise ConfigError(
                f"prose, line {number}: the figure {bare[0]} is written by hand; name it from the results"
            )
    try:
        told = environment.from_string(prose).render(known) if results else ""
        return environment.get_template("page.md.j2").render(known, prose=told)
    except (UndefinedError, KeyError) as error:
        raise ConfigError(f"prose: {error}") from None


def prose_of(root: Path, plan: Plan) -> str:
    """What a person wrote of the results; empty where there is nothing."""
    path = root / "studies" / plan.study / f"prose-{plan.number}.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def shown(found: Interval | None, measure: Measure, *, signed: bool = False) -> str:
    """A value with its interval; shares in percent."""
    if found is None:
        return "not defined"
    by, digits = (100, 1) if measure.percent else (1, 3)
    sign = "+" if signed else ""
    value, low, high = (f"{by * one:{sign}.{digits}f}" for one in (found.value, found.low, found.high))
    return f"{value}{'' if signed or not measure.percent else '%'} ({low} to {high})"


def _effect(claim: Claim, measure: Measure, one: Verdict) -> str:
    if one.contrast is None:
        return "none"
    found = one.contrast.effect
    if claim.form == "ratio":
        return f"{math.exp(found.value):.2f} times ({math.exp(found.low):.2f} to {math.exp(found.high):.2f})"
    return shown(found, measure, signed=True)


def _arms(results: Results, measures: dict[str, Measure]) -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = {}
    for (setting, measure), arms in results.measured.items():
        for arm in arms:
            sums = np.array(list(results.sums(setting, arm, measure).values()))
            found[setting, arm, measure] = shown(interval(sums[:, 0], sums[:, 1]), measures[measure])
    return found


def _amount(claim: Claim, measures: dict[str, Measure]) -> str:
    """The smallest effect of interest in words."""
    if claim.form == "ratio":
        return f"{claim.smallest:g} times"
    return f"{100 * claim.smallest:g} points" if measures[claim.measure].percent else f"{claim.smallest:g}"
