"""Templates to HTML. Law: every text is escaped by default, no template marks one as safe, and no style or script is
inline: the page's policy would refuse it."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from actors.counts.rates import share
from actors.report.words import count, duration, percent, short, spoken
from deployments.terminal import words
from schemas.gate_audit import Rate

HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _range(rate: Rate) -> str:
    """A rate's 95% interval in per cent."""
    return "" if rate.low is None or rate.high is None else f"{100 * rate.low:.0f}–{100 * rate.high:.0f}%"


_TEMPLATES.filters.update(
    count=count,
    percent=percent,
    short=short,
    duration=duration,
    spoken=spoken,
    number=words.number,
    seconds=words.spoken,
    per_second=words.per_second,
    moment=words.moment,
    range=_range,
)
_TEMPLATES.globals.update(share=share)


def rendered(template: str, **values: Any) -> str:
    """The template of that name with these values."""
    return _TEMPLATES.get_template(f"{template}.html.j2").render(**values)
