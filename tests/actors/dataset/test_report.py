"""report.html: true numbers, text that stays text, and a page for every state that a run can be in."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.ledger.history import Life, life_of
from actors.report.examples import marked_passage
from actors.report.facts import Drawn, ReportFold, facts_of
from actors.report.finish import build_report
from actors.report.timeline import MAX_BINS, Timeline
from actors.report.words import percent
from schemas.corpus import Passage
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, Planned, Record, Rejoined, RunStarted
from schemas.recovery import Modes
from schemas.samples import MalformedReason
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.folders import keep
from tests.doubles.ledgers import STARTED_AT, MemoryLedger, Scale, plausible_run
from tests.needs import needs

HOSTILE = (
    "</blockquote></style><script>document.title='owned'</script><img src=x onerror=alert(1)> & \"a\" 'b' {{ 7*7 }}"
)


def facts_from(records: list[Record]) -> ReportFold:
    return facts_of(enumerate(records, 1), seed=3)


def page_of(folder: Path, records: list[Record]) -> str:
    keep(folder, records)
    return build_report(folder, NOW)


class Reader(HTMLParser):
    """Tags and text of a page; an element that is never closed is an error."""

    VOID = frozenset({"meta", "br", "img", "link", "hr", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_the_page_says_what_the_run_came_to(tmp_path: Path) -> None:
    """Someone opens the report: the counts in it are those of the ledger, and nothing is fetched from anywhere."""
    records = list(plausible_run(1, Scale(passages=60)))
    page = page_of(tmp_path, records)
    text = " ".join("".join(read(page).text).split())
    counts = facts_from(records).summary().counts
    assert f"{counts.issued} orders from 60 passages gave {counts.accepted} accepted samples." in text
    assert f"{counts.recovered} recovered of {counts.rejected} rejected" in text
    for heading in ("Where the orders went", "Failure modes", "same faults", "Scores", "Throughput", "Dead letters"):
        assert heading in text
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|<script", page)
    assert "default-src 'none'" in page


@pytest.mark.parametrize(
    "scale", [Scale(passages=0, refused=0), Scale(passages=3, finished=0.0), Scale(passages=20, finished=0.3)]
)
def test_a_page_for_a_run_that_is_not_done(tmp_path: Path, scale: Scale) -> None:
    """`gleaner report` while models load, before the first end, and half way."""
    records = list(plausible_run(1, scale))
    page = page_of(tmp_path, records)
    assert not re.search(r"\b(nan|None|inf)\b", page)
    assert ("unfinished" in page) == (scale.passages > 0)


def test_a_ledger_without_records_has_a_page(tmp_path: Path) -> None:
    """The process died as it opened the ledger."""
    assert "No order has been issued yet" in page_of(tmp_path, [])


def malformed_run() -> list[Record]:
    """A small model's run: its completions are cut off, and lack an answer at an order's last attempt."""
    records: list[Record] = []
    for record in plausible_run(2, Scale(passages=60)):
        if isinstance(record, Rejoined) and record.attempt.candidate and record.attempt.candidate.malformed:
            cut = replace(record.attempt.candidate, malformed_reason=MalformedReason.CUT_OFF)
            record = replace(record, attempt=replace(record.attempt, candidate=cut))
        records.append(record)
    return records


def test_why_completions_were_malformed_stands_below_their_mode(tmp_path: Path) -> None:
    """Most were cut off: the page says so, with numbers that add up to the mode's, the commonest first."""
    records = malformed_run()
    summary = facts_from(records).summary()
    words = " ".join(" ".join(read(page_of(tmp_path, records)).text).split())
    (mode,) = [each.attempts for each in summary.modes if each.mode == Modes.MALFORMED]
    whole = sum(each.attempts for each in summary.modes)
    found = {each.reason: each.attempts for each in summary.malformed}
    cut, none = found[MalformedReason.CUT_OFF], found[MalformedReason.NO_ANSWER]
    assert cut + none == mode and cut >= none
    told = [f"cut off {cut} {percent(cut / whole)}", f"no answer {none} {percent(none / whole)}"]
    assert 0 < words.index(f"malformed {mode}") < words.index(told[0]) < words.index(told[1])


def test_a_run_without_malformed_completions_says_nothing_of_them(tmp_path: Path) -> None:
    """No row and no word for what did not happen."""
    assert "no draft" not in page_of(tmp_path, list(plausible_run(1, Scale(passages=1))))


def hostile_run() -> list[Record]:
    """A run over a corpus that tries to break out of the page, in its text and its names."""
    records: list[Record] = []
    for record in plausible_run(2, Scale(passages=12)):
        if isinstance(record, Planned):
            where = record.passage.provenance
            text = record.passage.text + HOSTILE
            told = type(where)(
                f"file:///{HOSTILE}", where.document_id, where.document_sha256, 0, len(text), where.chunker
            )
            record = Planned(record.at, Passage(record.passage.id, text, told), record.orders)
        records.append(record)
    return records


def test_markup_in_a_passage_is_shown_not_run(tmp_path: Path) -> None:
    """A web page with scripts was in the corpus: its words are on the page, its markup does nothing."""
    reader = read(page_of(tmp_path, hostile_run()))
    assert not {"script", "img"} & set(reader.tags)
    assert HOSTILE in "".join(reader.text)


def test_every_figure_is_well_formed(tmp_path: Path) -> None:
    """A broken figure shows as nothing in some browsers: each is proper XML with sizes that are numbers."""
    page = page_of(tmp_path, list(plausible_run(1, Scale(passages=60))))
    figures = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(figures) > 8
    for figure in figures:
        tree = ElementTree.fromstring(figure)
        assert tree.get("aria-label")
        for element in tree.iter():
            for name in ("x", "y", "width", "height", "r", "cx", "cy"):
                if name in element.attrib:
                    assert float(element.attrib[name]) >= -1


@given(st.integers(0, 10_000), st.integers(0, 12), st.sampled_from([0.0, 0.4, 1.0]))
def test_paths_add_up_to_what_was_issued(seed: int, passages: int, finished: float) -> None:
    """The flow figure: every order is in one ribbon, and each end's ribbons are as many as its orders."""
    facts = facts_from(list(plausible_run(seed, Scale(passages=passages, finished=finished))))
    counts = facts.summary().counts
    for paths in (facts.paths.full(), facts.paths.brief()):
        ends = {end: sum(number for path, number in paths.items() if path[-1] == end) for end in {p[-1] for p in paths}}
        assert sum(ends.values()) == counts.issued
        assert ends.get("first_pass", 0) == counts.first_pass
        assert ends.get("recovered", 0) == counts.recovered
        assert ends.get("dead_lettered", 0) == counts.dead_lettered
        assert ends.get("outstanding", 0) == counts.outstanding
        assert sum(number for path, number in paths.items() if path[1] == "rejected") == counts.rejected


def test_histograms_hold_every_score() -> None:
    """Each attempt that a gate scored is in one bar."""
    facts = facts_from(list(plausible_run(4, Scale(passages=50))))
    scored = facts.summary().overlap.scored
    totals = {found.gate: found.total for found in facts.histograms.used()}
    assert scored and all(total >= scored for total in totals.values()) and set(totals) == {"faithfulness", "reward"}


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=200))
def test_a_timeline_is_bounded_and_loses_nothing(times: list[float]) -> None:
    """A run of months: as many bins as one of a minute, and every attempt in one of them."""
    accepted = next(record for record in plausible_run(1) if isinstance(record, AcceptedEnd))
    timeline = Timeline()
    for at in times:
        timeline.apply(accepted, at)
    for series in timeline.series():
        assert len(series.per_bin) <= MAX_BINS
    assert sum(timeline.series()[0].per_bin) == len(times)


def test_time_between_an_end_and_a_resumption_is_not_run_time() -> None:
    """Interrupted on Friday, resumed on Monday: the weekend is not in the wall time, the resumption is marked."""
    records = list(plausible_run(1, Scale(passages=10)))
    alone = facts_from(records).clock.seconds
    later = RunStarted(at=records[-1].at + 200_000, config_sha256="", versions={})
    facts = facts_from([*records, later])
    assert facts.clock.seconds == pytest.approx(alone)
    assert facts.clock.resumed_at == [pytest.approx(alone)]


@given(st.sets(st.text("abcdef0123456789", min_size=4, max_size=8), max_size=40), st.randoms())
def test_examples_do_not_depend_on_the_order_of_ends(ids: set[str], random) -> None:  # type: ignore[no-untyped-def]
    """The same run in another order of completion shows the same samples."""
    ordered, shuffled = sorted(ids), sorted(ids)
    random.shuffle(shuffled)
    chosen = []
    for these in (ordered, shuffled):
        drawn = Drawn(seed=1, size=3)
        for order_id in these:
            drawn.offer(OrderId(order_id))
        chosen.append(drawn.orders())
    assert chosen[0] == chosen[1] and len(chosen[0]) == min(3, len(ids))


def test_marks_change_no_word_of_a_passage() -> None:
    """A short passage is shown whole, whatever is marked in it; the answer of an accepted sample is marked."""
    ledger = MemoryLedger(list(plausible_run(6, Scale(passages=30))))
    marked = 0
    for record in ledger.records:
        if isinstance(record, AcceptedEnd):
            life: Life = life_of(record.order_id, ledger.story(record.order_id))
            pieces = marked_passage(life)
            assert "".join(piece.text for piece in pieces) == life.passage.text
            marked += any(piece.mark == "answer" for piece in pieces)
    assert marked > 50


CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom"),
)


@pytest.mark.slow
@needs("chromium", "chromium")
@pytest.mark.parametrize("width", [400, 1600])
def test_a_browser_shows_it_without_complaint(tmp_path: Path, width: int) -> None:
    """Opened in a real browser, narrow and wide: no console message, nothing wider than the window."""
    assert CHROMIUM is not None
    keep(tmp_path, hostile_run())
    page = build_report(tmp_path, NOW)
    probe = "<script>document.title = `width ${document.documentElement.scrollWidth} of ${innerWidth}`</script></body>"
    (tmp_path / "report.html").write_text(page)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    (tmp_path / "probe.html").write_text(
        page.replace(policy, policy + "; script-src 'unsafe-inline'").replace("</body>", probe)
    )
    shown = {}
    for name in ("report", "probe"):
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / name}", f"--window-size={width},1000"]
        done = subprocess.run([*command, f"file://{tmp_path / name}.html"], capture_output=True, text=True, timeout=120)
        assert "CONSOLE" not in done.stderr
        shown[name] = done.stdout
    assert "<title>run · Gleaner</title>" in shown["report"]
    found = re.search(r"<title>width (\d+) of (\d+)</title>", shown["probe"])
    assert found is not None and int(found[1]) <= int(found[2])
    assert "Where the orders went" in shown["report"] and STARTED_AT < NOW
