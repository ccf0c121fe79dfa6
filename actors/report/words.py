"""Numbers and names in the page's form."""

from schemas.probes import Drift, DriftOf

NBSP = "\u00a0"
"""A number and its unit stay on one line."""


def count(number: float) -> str:
    """12345 → 12,345."""
    return f"{number:,.0f}"


def percent(rate: float | None) -> str:
    """0.6667 → 66.7%; a dash for an unknown rate."""
    return "–" if rate is None else f"{100 * rate:.1f}%"


def short(number: float) -> str:
    """1234567 → 1.23 M: three digits are enough for a reader."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{NBSP}{unit}"
    return f"{number:.3g}"


def duration(seconds: float | None) -> str:
    """3725 → 1 h 2 min; below a minute with one decimal."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f}{NBSP}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min{NBSP}{rest}{NBSP}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{NBSP}h{NBSP}{minutes}{NBSP}min" if hours < 48 else f"{hours // 24}{NBSP}d{NBSP}{hours % 24}{NBSP}h"


def spoken(name: str) -> str:
    """strict_grounding → strict grounding."""
    return name.replace("_", " ")


def model_name(model: str) -> str:
    """A model's short name: the last part of a local path, all of a hub's name."""
    return model.rstrip("/").rsplit("/", 1)[-1] if model.startswith("/") else model


def plural(number: int, noun: str) -> str:
    """1 passage, 2 passages."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def drift_words(drift: Drift) -> str:
    """A flagged change: which rate, from which value to which."""
    what = {DriftOf.RECALL: "recall", DriftOf.GOOD_PASSED: "good ones passed"}[drift.of]
    before, after = drift.before, drift.after
    first = f"{what} was {percent(before.value)} in the first {count(before.trials)} probes"
    return f"{first}, and is {percent(after.value)} in the {count(after.trials)} since"
