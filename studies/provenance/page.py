"""results as one page, report.html: no script, nothing fetched."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from studies.provenance import pictures
from studies.provenance.bootstrap import Estimate
from studies.provenance.findings import Difference, Results
from studies.provenance.plan import SCALES

MODE_MEASURES = ("F1, strong judge", "F1, weak judge", "AUROC, strong judge", "AUROC, weak judge")
MEASURES = (
    "yield", "recovery rate", "true recovery rate", "recovered per 1,000 tokens (times)",
    "truly recovered per 1,000 tokens (times)", "good per 1,000 tokens of all",
)  # fmt: skip


def render(found: Results) -> str:
    """The page."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"figure": figure, "share": share, "points": points, "spoken": spoken}
    names = list(dict.fromkeys(one.scale for one in found.policies))
    return environment.get_template("page.html.j2").render(
        found=found,
        pictures={name: getattr(pictures, name)(found) for name in ("modes", "policies", "curves", "students")},
        scales=("all", *SCALES),
        other_groups=[name for name in names if name not in ("all", *SCALES)],
        mode_gains=square(found.mode_gains, MODE_MEASURES),
        policy_gains={name: square(found.policy_gains, [f"{one}, {name}" for one in MEASURES]) for name in names},
        measures=MEASURES,
        mode_measures=MODE_MEASURES,
        student_gains=square(found.student_gains, [f"right answers, {scale}" for scale in ("all", *SCALES)]),
        mode_names=sorted({mode for row in found.confusion for mode in row.modes}),
    )


def square(gains: Sequence[Difference], measures: Sequence[str]) -> list[tuple[str, str, list[Estimate]]]:
    """One row for each pair that has all of the measures, in their order."""
    of = {(one.more, one.less, one.what): one.gain for one in gains}
    pairs = dict.fromkeys((one.more, one.less) for one in gains)
    return [
        (more, less, [of[(more, less, what)] for what in measures])
        for more, less in pairs
        if all((more, less, what) in of for what in measures)
    ]


def figure(one: Estimate, digits: int = 3) -> str:
    """0.912 (0.894–0.930)."""
    between = " to " if one.low < 0 else "–"
    return f"{one.value:.{digits}f} ({one.low:.{digits}f}{between}{one.high:.{digits}f})"


def share(one: Estimate) -> str:
    """91.2% (89.4–93.0)."""
    return f"{100 * one.value:.1f}% ({100 * one.low:.1f}–{100 * one.high:.1f})"


def points(one: Estimate) -> str:
    """+3.1 (1.0 to 5.2), in points of percent."""
    return f"{100 * one.value:+.1f} ({100 * one.low:.1f} to {100 * one.high:.1f})"


def spoken(name: str) -> str:
    """Of names in code."""
    return pictures.NAMES.get(name, name).replace("_", " ")
