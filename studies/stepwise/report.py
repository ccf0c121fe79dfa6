"""results.json and one report.html with plots and tables. Law: shows what the parts hold; judges nothing.

A reader without the parts can make everything again from results.json.
"""

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

import matplotlib as mpl
import msgspec
import numpy as np
from matplotlib.figure import Figure

from studies.stepwise.credit_cost import FIXED
from studies.stepwise.curves import MOST
from studies.stepwise.results import Results, Versus, Worth

mpl.use("Agg")

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}img{max-width:100%}.note{color:#555}"""
COLOURS = ("#444444", "#1b7837", "#b35806", "#8073ac", "#2166ac", "#c51b7d")
Table = tuple[Sequence[str], Sequence[Sequence[object]]]


def write(results: Results, folder: Path) -> None:
    """Writes both files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    (folder / "report.html").write_text(page(results), encoding="utf-8")


def page(results: Results) -> str:
    """The whole page, plots inside."""
    parts = [
        "<h1>Per-step credit against positives alone</h1>",
        '<p class="note">Smoke run: proves that every part runs; its figures say nothing.</p>' if results.smoke else "",
        f"<p>Parts missing: {escape(', '.join(results.missing) or 'none')}.</p>",
        "<h2>Test error and problems</h2>",
        image(error_plot(results)),
        table(curves(results)),
        "<h2>How many times the problems SFT needs</h2>",
        f"<p>SFT's curve: error = {results.scale:.2f} · problems<sup>−{results.slope:.3f}</sup>. "
        f"{MOST:.0e}: by it SFT never reaches the arm's error.</p>",
        table(worth(results.worth)),
        "<h3>By sampled solutions</h3>",
        table(worth(results.worth_sampled)),
        "<h2>Arm against arm</h2>",
        table(versus("error, likeliest", results.versus)),
        table(versus("error, sampled", results.versus_sampled)),
        "<h2>What training moved (nats a step, from the SFT policy)</h2>",
        table(moves(results)),
        "<h2>First pits</h2>",
        table(pits(results)),
        "<h2>What finding a first pit costs</h2>",
        table(costs(results)),
        "<h2>Restart from the last good step</h2>",
        table(restarts(results)),
        "<h2>Spurious steps</h2>",
        table(spurious(results)),
        "<h2>Path-star graphs</h2>",
        table(stars(results)),
    ]
    body = "\n".join(part for part in parts if part)
    head = f'<meta charset="utf-8"><title>Stepwise</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en">{head}{body}</html>\n'


def image(figure: Figure) -> str:
    """The figure inside the page."""
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=120)
    data = base64.b64encode(held.getvalue()).decode()
    return f'<img alt="test error against problems" src="data:image/png;base64,{data}">'


def error_plot(results: Results) -> Figure:
    """Error against problems, both logarithmic, with SFT's fitted curve."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    arms = list(dict.fromkeys(row.arm for row in results.curves))
    for arm, colour in zip(arms, COLOURS, strict=False):
        rows = [row for row in results.curves if row.arm == arm]
        axes.plot([row.size for row in rows], [row.error for row in rows], "o-", color=colour, label=arm)
        for row in rows:
            axes.plot([row.size] * row.seeds, row.errors, ".", color=colour, alpha=0.4)
    sizes = np.array(sorted({row.size for row in results.curves}))
    axes.plot(sizes, results.scale * sizes**-results.slope, "--", color="#999999", label="SFT, fitted")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("synthetic problems")
    axes.set_ylabel("test error, likeliest solution")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    ticks = [0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def table(content: Table) -> str:
    """An HTML table; a word where there is nothing."""
    head, rows = content
    if not rows:
        return '<p class="note">Not measured.</p>'
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = ("<tr>" + "".join(f"<td>{escape(shown(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{''.join(lines)}</table>"


def shown(cell: object) -> str:
    """A number as a reader wants it."""
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)


def _times(ratio: float) -> str:
    """Two figures; below a thousand all that stand before the point."""
    return f"{ratio:.0f}" if 10 <= ratio < 1000 else f"{ratio:.2g}"


def curves(results: Results) -> Table:
    """One row for each arm and size."""
    rows = [
        (row.arm, row.size, row.seeds, percent(row.error), percent(row.sampled_error), percent(row.spurious_rate))
        for row in results.curves
    ]
    if results.base is not None:
        one = results.base
        rows.insert(0, ("base", 0, 1, percent(one.error), percent(one.sampled_error), percent(one.spurious_rate)))
    return ("arm", "problems", "seeds", "error, likeliest", "error, sampled", "spurious among right"), rows


def percent(share: float) -> str:
    """With one decimal."""
    return f"{100 * share:.1f}%"


def worth(found: Sequence[Worth]) -> Table:
    """One row for each arm."""
    rows = [
        (
            one.arm, _times(one.value), f"{_times(one.low)} – {_times(one.high)}",
            ", ".join(f"{size}: {_times(ratio)}" for size, ratio in one.at.items()),
            "yes" if one.extrapolated else "no",
        )
        for one in found
    ]  # fmt: skip
    return ("arm", "multiplier", "95%", "by size", "beyond SFT's largest size"), rows


def versus(what: str, found: Sequence[Versus]) -> Table:
    """One row for each pair of arms that the claims compare."""
    rows = [
        (f"{one.arm} − {one.other}", f"{100 * one.value:+.1f}", f"{100 * one.low:+.1f} – {100 * one.high:+.1f}")
        for one in found
    ]
    return (what, "points", "95%"), rows


def moves(results: Results) -> Table:
    """Means over all cells."""
    rows = []
    for arm in dict.fromkeys(arm for part in results.arms for arm in part.moved):
        found = [part.moved[arm] for part in results.arms]
        values = ([one.pits for one in found], [one.before for one in found], [one.teacher for one in found])
        rows.append((arm, *(float(np.mean(each)) for each in values)))
    return ("arm", "first pits", "good steps before them", "steps of sound right solutions"), rows


def pits(results: Results) -> Table:
    """One row for each cell."""
    rows = []
    for part in results.arms:
        one = part.critical
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(one.kinds.items()))
        shares = (percent(one.terse), percent(one.terse_all))
        cell = f"{part.size} problems, seed {part.seed}"
        rows.append((cell, part.wrong, part.pairs, one.largest, one.others, *shares, kinds))
    terse = ("pits without working", "steps without working")
    return ("cell", "credited", "pairs", "largest |A|", "other |A|", *terse, "pits are"), rows


def costs(results: Results) -> Table:
    """One row for each strategy."""
    if results.credit is None:
        return ("",), ()
    rows = [
        (
            name, percent(one.agreement), f"{percent(one.low)} – {percent(one.high)}", percent(one.near), one.rollouts,
            percent(one.rollouts / results.credit.strategies[f"fixed {FIXED}"].rollouts),
        )
        for name, one in results.credit.strategies.items()
    ]  # fmt: skip
    full = f"of fixed {FIXED}"
    return ("strategy", "first pit as the truth", "95%", "at most one step off", "rollouts a solution", full), rows


def restarts(results: Results) -> Table:
    """Both ways."""
    one = results.restart
    if one is None:
        return ("",), ()
    ways = {
        "last good step": (one.restart_recovered, one.restart_tokens),
        "the same, credit paid": (one.restart_recovered, one.restart_tokens + one.credit_tokens),
        "scratch": (one.scratch_recovered, one.scratch_tokens),
    }
    rows = [
        (name, recovered, one.solutions, tokens, 1000 * recovered / max(1, tokens))
        for name, (recovered, tokens) in ways.items()
    ]
    return ("from", "recovered", "of", "tokens", "recovered per 1,000 tokens"), rows


def spurious(results: Results) -> Table:
    """One row for each net and seed."""
    rows = []
    for part in results.spurious:
        for name, one in part.marks.items():
            shares = (percent(one.error), percent(one.sampled_error), percent(one.spurious_rate))
            rows.append((f"{name}, seed {part.seed}", part.examples, *shares))
    return ("positives", "solutions", "error, likeliest", "error, sampled", "spurious among right"), rows


def stars(results: Results) -> Table:
    """One row for each seed."""
    rows = []
    for one in results.pathstar:
        scores = (one.chance, one.early, one.sft, one.sft_train, one.positives_alone, one.after_negatives)
        rows.append((one.seed, *(percent(score) for score in scores)))
    sft = ("SFT to the end", "its training graphs")
    return ("seed", "chance", "early", *sft, "early + positives", "early + negatives"), rows
