"""The scores of one gate, by the attempt's outcome, with the threshold. Law: every scored attempt is in one bar."""

from collections.abc import Sequence

from markupsafe import Markup

from actors.counts.order import known_first
from actors.report.statistics import nice_ceiling
from actors.report.svg import figure, line, tag, text, title
from actors.report.words import count, short, spoken
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Record, Rejoined
from schemas.verdicts import ALWAYS_ASKED, FAITHFULNESS, REWARD, VERIFIER, Errored, GateName, Rejected

BINS = 20
FIRST = (FAITHFULNESS, REWARD, VERIFIER)
"""These come before a configuration's own gates."""
OUTCOMES = ("accepted", "rejected", "idle")
"""The attempt was accepted, was rejected by this gate, or passed this gate and was rejected by another."""
_SPOKEN = {"accepted": "accepted", "rejected": "rejected by this gate", "idle": "passed here, rejected elsewhere"}
WIDTH, HEIGHT = 500.0, 230.0
LABELLED = 6
"""The most thresholds whose values are written."""
LETTER = 6.5
"""Mean width of a label's letter, in pixels of the drawing's own scale."""
LEFT, RIGHT, TOP, BOTTOM = 44.0, 12.0, 22.0, 26.0


class Histogram:
    """The scores of one gate."""

    def __init__(self, gate: GateName) -> None:
        self.gate = gate
        self.thresholds: set[float] = set()
        self.bars = {outcome: [0] * BINS for outcome in OUTCOMES}

    @property
    def total(self) -> int:
        return sum(sum(bars) for bars in self.bars.values())

    def add(self, score: float, threshold: float, outcome: str) -> None:
        self.thresholds.add(threshold)
        self.bars[outcome][min(max(int(score * BINS), 0), BINS - 1)] += 1


class Histograms:
    """The scores of every gate, over all attempts."""

    def __init__(self) -> None:
        self._of: dict[GateName, Histogram] = {}

    def apply(self, record: Record) -> None:
        """Counts the scores of an attempt."""
        if not isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd | NotNeededEnd) or record.attempt is None:
            return
        for said in record.attempt.verdicts:
            if isinstance(said, Errored) or said.gate in ALWAYS_ASKED:
                continue
            elsewhere = "accepted" if isinstance(record, AcceptedEnd) else "idle"
            outcome = "rejected" if isinstance(said, Rejected) else elsewhere
            self._of.setdefault(said.gate, Histogram(said.gate)).add(said.score, said.threshold, outcome)

    def used(self) -> Sequence[Histogram]:
        """The gates that scored attempts. The duplicate check gives a verdict only when it rejects, so it has no
        figure."""
        return [self._of[gate] for gate in known_first(self._of, FIRST)]


def _thresholds(thresholds: Sequence[float], base: float) -> list[Markup]:
    """A line for each threshold, and one label for all: the thresholds that repairs raise lie close together."""
    at = [LEFT + (WIDTH - LEFT - RIGHT) * threshold for threshold in thresholds]
    drawn = [line(x, TOP - 6, x, base, class_="threshold") for x in at]
    if not thresholds:
        return drawn
    words = ", ".join(f"{threshold:.3g}" for threshold in thresholds[:LABELLED])
    words += ", …" if len(thresholds) > LABELLED else ""
    half = LETTER * (len(words) + len("thresholds ")) / 2
    middle = min(max((at[0] + at[-1]) / 2, half), WIDTH - half)
    name = "threshold" if len(thresholds) == 1 else "thresholds"
    return [*drawn, text(middle, TOP - 10, f"{name} {words}", class_="tick", anchor="middle")]


def histogram_figure(histogram: Histogram) -> Markup:
    """Stacked bars from 0 to 1, and the thresholds as lines."""
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    base = TOP + plot_height
    tallest = max(sum(histogram.bars[outcome][i] for outcome in OUTCOMES) for i in range(BINS))
    top = nice_ceiling(tallest)
    step = plot_width / BINS
    parts: list[Markup] = []
    for number in (0.0, top / 2, top):
        height = base - plot_height * number / top
        parts.append(line(LEFT, height, WIDTH - RIGHT, height, class_="grid"))
        parts.append(text(LEFT - 6, height + 4, short(number), class_="tick", anchor="end"))
    for i in range(BINS):
        floor = base
        for outcome in OUTCOMES:
            number = histogram.bars[outcome][i]
            height = plot_height * number / top
            if number:
                words = f"score {i / BINS:.2f} to {(i + 1) / BINS:.2f}, {_SPOKEN[outcome]}: {count(number)}"
                place = {"x": LEFT + i * step + 0.5, "y": floor - height, "width": step - 1, "height": height}
                parts.append(tag("rect", title(words), class_=f"bar tone-{outcome}", **place))
            floor -= height
    parts += _thresholds(sorted(histogram.thresholds), base)
    parts += [text(LEFT + plot_width * at, HEIGHT - 8, f"{at:g}", class_="tick", anchor="middle") for at in (0, 0.5, 1)]
    return figure(WIDTH, HEIGHT, parts, label=f"Scores of the {spoken(histogram.gate)} gate")
