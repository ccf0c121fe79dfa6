"""results as one page, report.html: no script, nothing fetched."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from studies.provenance import pictures
from studies.provenance.bootstrap import Estimate
from studies.provenance.findings import Difference, Results
from studies.provenance.plan import POLICIES, SCALES


def render(found: Results) -> str:
    """The page."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"figure": figure, "share": share, "points": points, "spoken": spoken}
    gains = {(one.what, one.more, one.less): one.gain for one in found.policy_gains}
    return environment.get_template("page.html.j2").render(
        found=found,
        gains=gains,
        pictures={name: getattr(pictures, name)(found) for name in ("modes", "policies", "curves", "students")},
        scales=("all", *SCALES),
        policies=POLICIES,
        shown_gains=[one for one in found.policy_gains if _is_told(one)],
        mode_names=sorted({mode for row in found.confusion for mode in row.modes}),
    )


def figure(one: Estimate, digits: int = 3) -> str:
    """0.912 (0.894–0.930)."""
    return f"{one.value:.{digits}f} ({one.low:.{digits}f}–{one.high:.{digits}f})"


def share(one: Estimate) -> str:
    """91.2% (89.4–93.0)."""
    return f"{100 * one.value:.1f}% ({100 * one.low:.1f}–{100 * one.high:.1f})"


def points(one: Estimate) -> str:
    """+3.1 (+1.0 to +5.2), in points of percent."""
    return f"{100 * one.value:+.1f} ({100 * one.low:+.1f} to {100 * one.high:+.1f})"


def spoken(name: str) -> str:
    """Of names in code."""
    return name.replace("_", " ")


def _is_told(one: Difference) -> bool:
    """Beside the tables by scale: the differences of all scales together, and of other temperatures."""
    return one.what.endswith((", all", ", all, no budget")) or " at " in one.what
