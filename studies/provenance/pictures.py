"""The report's figures, drawn by matplotlib as SVG. Law: every point shows its interval of 95%."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from studies.provenance.bootstrap import Estimate
from studies.provenance.findings import Results
from studies.provenance.modes import MODES
from studies.provenance.plan import JUDGES, POLICIES, SCALES

TONES = {
    "strong": "#3a6ea5", "weak": "#c9952b", "small": "#aab2b8", "middle": "#5b7fa6", "large": "#22405c",
    "naive_resample": "#b5503f", "rules": "#c9952b", "adaptive": "#3a8a72", "naive_resample_same_bar": "#aab2b8",
    "discard": "#6a737b",
}  # fmt: skip
NAMES = {"naive_resample": "naive", "naive_resample_same_bar": "naive, same bar"}

STYLE: dict[Any, Any] = {
    "font.size": 9, "font.family": "sans-serif", "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 10, "svg.fonttype": "none", "svg.hashsalt": "study",
}  # fmt: skip


def modes(found: Results) -> Markup:
    """F1 and AUROC of both judges by what they are shown."""

    def draw(axes: Sequence[Axes]) -> None:
        for at, (name, of) in enumerate((("F1 of rejecting the unfaithful", "f1"), ("AUROC", "auroc"))):
            for shift, judge in enumerate(JUDGES):
                rows = {one.mode: one for one in found.modes if one.judge == judge}
                points = [getattr(rows[mode], of) for mode in MODES]
                _dots(axes[at], points, shift=0.16 * shift - 0.08, tone=TONES[judge], label=f"{judge} judge")
            axes[at].set_yticks(range(len(MODES)), MODES if at == 0 else [""] * len(MODES))
            axes[at].invert_yaxis()
            axes[at].set_title(name)
        axes[1].legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return _picture(draw, columns=2, size=(9, 3.4), label="The judges by what they are shown")


def policies(found: Results) -> Markup:
    """Recovery rate and recovered samples per 1,000 tokens, by scale."""
    shown = [policy for policy in POLICIES if policy != "discard"]

    def draw(axes: Sequence[Axes]) -> None:
        parts = (("true recovery rate", "true_recovery_rate"), ("recovered per 1,000 tokens", "recovered_per_1000"))
        for at, (name, of) in enumerate(parts):
            for shift, policy in enumerate(shown):
                rows = {one.scale: one for one in found.policies if one.policy == policy}
                points = [getattr(rows[scale], of) for scale in SCALES]
                label = NAMES.get(policy, policy)
                _dots(axes[at], points, shift=0.16 * shift - 0.24, tone=TONES[policy], label=label)
            axes[at].set_yticks(range(len(SCALES)), SCALES if at == 0 else [""] * len(SCALES))
            axes[at].invert_yaxis()
            axes[at].set_title(name)
        axes[1].legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return _picture(draw, columns=2, size=(9, 3.4), label="Policies by scale of the generator")


def curves(found: Results) -> Markup:
    """What is truly recovered as the budget grows."""

    def draw(axes: Sequence[Axes]) -> None:
        for policy in dict.fromkeys(one.policy for one in found.curves):
            points = [one for one in found.curves if one.policy == policy]
            budgets = [one.budget for one in points]
            rates = [one.true_recovery_rate for one in points]
            label = NAMES.get(policy, policy)
            axes[0].plot(budgets, [one.value for one in rates], color=TONES[policy], marker="o", ms=3, label=label)
            low, high = [one.low for one in rates], [one.high for one in rates]
            axes[0].fill_between(budgets, low, high, color=TONES[policy], alpha=0.14, lw=0)
        axes[0].set_xlabel("tokens spent on recovery, as a share of the first attempts'")
        axes[0].set_ylabel("truly recovered, of rejected")
        axes[0].set_ylim(bottom=0)
        axes[0].legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return _picture(draw, columns=1, size=(9, 3.4), label="Recovery as the budget grows")


def students(found: Results) -> Markup:
    """What students of each arm's data answer right."""
    arms = list(dict.fromkeys(one.arm for one in found.students))

    def draw(axes: Sequence[Axes]) -> None:
        for shift, scale in enumerate(SCALES):
            rows = {one.arm: one for one in found.students if one.scale == scale}
            points = [rows[arm].right for arm in arms]
            _dots(axes[0], points, shift=0.2 * shift - 0.2, tone=TONES[scale], label=f"{scale} generator")
        axes[0].set_yticks(range(len(arms)), [NAMES.get(arm, arm) for arm in arms])
        axes[0].invert_yaxis()
        axes[0].set_xlabel("answered right, of the exam")
        axes[0].legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return _picture(draw, columns=1, size=(9, 3.4), label="Students by what they were taught")


def _dots(axes: Axes, points: Sequence[Estimate], *, shift: float, tone: str, label: str) -> None:
    places = [place + shift for place in range(len(points))]
    values = [one.value for one in points]
    around = ([max(0, p.value - p.low) for p in points], [max(0, p.high - p.value) for p in points])
    axes.errorbar(values, places, xerr=around, fmt="o", ms=4.5, lw=1.6, color=tone, label=label)


def _picture(draw: Callable[[Sequence[Axes]], None], *, columns: int, size: tuple[float, float], label: str) -> Markup:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = [figure.add_subplot(1, columns, column + 1) for column in range(columns)]
        draw(axes)
        for one in axes:
            one.grid(axis="x", color="#e4e2db", lw=0.8)
            one.set_axisbelow(True)
        written = io.StringIO()
        FigureCanvasSVG(figure).print_svg(written, metadata={"Date": None})
    text = written.getvalue()
    drawn = text[text.index("<svg") :].replace("<svg", f'<svg class="figure" role="img" aria-label="{label}"', 1)
    return Markup(drawn)
