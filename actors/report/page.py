"""report.html: one file that loads nothing and has no script. Law: every text is escaped, and no script may run."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from actors.counts.advice import advice_of
from actors.counts.bill import per_accelerator_hour
from actors.counts.carried_words import carried_words
from actors.counts.diversity import diversity_words
from actors.counts.outlook import saving, saving_words
from actors.counts.rates import share
from actors.ledger.history import life_of
from actors.report.billed import held_rows, held_words
from actors.report.examples import Example, example_of
from actors.report.facts import ReportFold
from actors.report.flow import NARROW, WIDE, flow_figure
from actors.report.histogram import histogram_figure
from actors.report.intervals import interval_figure, interval_words
from actors.report.latency import latency_rows
from actors.report.overlap import overlap_figure
from actors.report.probes import probe_section
from actors.report.timeline import timeline_figure
from actors.report.words import count, duration, model_name, percent, plural, short, spoken
from schemas.credit import FIXED
from schemas.ids import OrderId
from schemas.ledger import Record
from schemas.manifest import Manifest

PAGE_NAME = "report.html"
SHOWN = {"accepted": 3, "recovered": 5, "dead_lettered": 5}
_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_TEMPLATES.filters.update(
    count=count, percent=percent, short=short, duration=duration, spoken=spoken, model_name=model_name
)
_TEMPLATES.globals.update(share=share, interval_words=interval_words, interval_figure=interval_figure)


class ExampleLedger(Protocol):
    """The part of a ledger that examples need."""

    def story(self, order_id: OrderId) -> Sequence[Record]: ...


def render(facts: ReportFold, manifest: Manifest, ledger: ExampleLedger, *, now: float) -> str:
    """The page as HTML. `now`: seconds since the epoch."""
    series, summary = facts.timeline.series(), facts.summary()
    hourly = per_accelerator_hour(summary)
    return _TEMPLATES.get_template("page.html.j2").render(
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        manifest=manifest,
        counts=manifest.counts,
        facts=facts,
        made_at=_moment(now),
        started_at=_moment(manifest.started_at) if manifest.started_at else None,
        lead=_lead(facts, manifest),
        advice=[advice.words for advice in advice_of(summary)],
        flow_wide=flow_figure(facts.paths.full(), WIDE, class_="wide"),
        flow_narrow=flow_figure(facts.paths.brief(), NARROW, class_="narrow"),
        summary=summary,
        carried=carried_words(summary.carried),
        diversity=diversity_words(summary.diversity),
        saving=saving_words(saving(summary)),
        latency=latency_rows(facts.distributions()),
        hourly=hourly,
        accelerator="" if hourly is None else hourly[0].value.upper(),
        held_words=held_words(manifest.held, manifest.bill),
        held_rows=held_rows(manifest.held, manifest.bill),
        fixed=FIXED,
        probes=probe_section(manifest.probes),
        overlap=overlap_figure(manifest.overlap),
        histograms=[(found.gate, histogram_figure(found)) for found in facts.histograms.used()],
        timelines=[
            (found, timeline_figure(found, width_s=facts.timeline.width_s, resumed_at=facts.clock.resumed_at))
            for found in series
        ],
        resumed=len(facts.clock.resumed_at),
        examples={end: _examples(facts, ledger, end) for end in SHOWN},
    )


def _lead(facts: ReportFold, manifest: Manifest) -> str:
    counts = manifest.counts
    if not counts.issued:
        return "No order has been issued yet."
    begun = f"{plural(counts.issued, 'order')} from {plural(facts.passages, 'passage')} gave {count(counts.accepted)} "
    begun += f"accepted {'sample' if counts.accepted == 1 else 'samples'}."
    if not counts.rejected:
        return f"{begun} No order was rejected."
    saved = f"{plural(counts.rejected, 'order')} {'was' if counts.rejected == 1 else 'were'} rejected at first, and "
    return f"{begun} {saved}{count(counts.recovered)} of these {'was' if counts.recovered == 1 else 'were'} recovered."


def _examples(facts: ReportFold, ledger: ExampleLedger, end: str) -> list[Example]:
    chosen = facts.examples(end)[: SHOWN[end]]
    return [example_of(life_of(order_id, ledger.story(order_id)), end) for order_id in chosen]


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
