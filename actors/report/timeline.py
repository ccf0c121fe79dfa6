"""Throughput over a run's own time: accepted samples, attempts and tokens per second.

Law: memory is bounded for a run of any length: when the bins are used up, their width doubles.
"""

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

from actors.ledger.attempts import generation_cost
from actors.report.statistics import nice_ceiling
from actors.report.svg import figure, line, tag, text, title
from actors.report.words import duration, short
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Record, Rejoined

MAX_BINS = 96
FIRST_WIDTH_S = 0.5
WIDTH, HEIGHT = 360.0, 170.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 10.0, 12.0, 26.0


class Series(Struct, frozen=True):
    """One count over time. `per_bin` begins at the start of the run."""

    label: str
    tone: str
    per_bin: tuple[float, ...]


class Timeline:
    """Counts in bins of the run's own seconds."""

    def __init__(self) -> None:
        self.width_s = FIRST_WIDTH_S
        self._accepted = [0.0]
        self._attempts = [0.0]
        self._tokens = [0.0]

    def apply(self, record: Record, seconds: float) -> None:
        """Counts a record of this second of the run."""
        if not isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd | NotNeededEnd) or record.attempt is None:
            return
        attempt = record.attempt
        index = self._bin(seconds)
        tokens = generation_cost(attempt).tokens + sum(said.cost.tokens for said in attempt.verdicts)
        self._attempts[index] += 1
        self._tokens[index] += tokens
        self._accepted[index] += isinstance(record, AcceptedEnd)

    def series(self) -> tuple[Series, ...]:
        """Accepted samples, attempts and tokens."""
        return (
            Series("accepted samples / s", "accepted", tuple(self._accepted)),
            Series("attempts / s", "ink", tuple(self._attempts)),
            Series("tokens / s", "repair", tuple(self._tokens)),
        )

    def _bin(self, seconds: float) -> int:
        while int(seconds / self.width_s) >= MAX_BINS:
            self.width_s *= 2
            for counts in (self._accepted, self._attempts, self._tokens):
                counts[:] = [sum(counts[at : at + 2]) for at in range(0, len(counts), 2)]
        index = int(seconds / self.width_s)
        for counts in (self._accepted, self._attempts, self._tokens):
            counts.extend(0.0 for _ in range(index + 1 - len(counts)))
        return index


def timeline_figure(series: Series, *, width_s: float, resumed_at: Sequence[float]) -> Markup:
    """The rate over time as an area, with a dashed line where the run was resumed."""
    rates = [number / width_s for number in series.per_bin]
    total_s = len(rates) * width_s
    top = nice_ceiling(max(rates))
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    base = TOP + plot_height

    def x(seconds: float) -> float:
        return LEFT + plot_width * seconds / total_s

    def y(rate: float) -> float:
        return base - plot_height * rate / top

    parts: list[Markup] = []
    for rate in (0.0, top / 2, top):
        parts.append(line(LEFT, y(rate), WIDTH - RIGHT, y(rate), class_="grid"))
        parts.append(text(LEFT - 6, y(rate) + 4, short(rate), class_="tick", anchor="end"))
    steps = [
        f"H{x((i + 1) * width_s):.1f}V{y(rates[i + 1] if i + 1 < len(rates) else 0):.1f}" for i in range(len(rates))
    ]
    outline = f"M{LEFT:.1f} {base:.1f}V{y(rates[0]):.1f}{''.join(steps)}"
    words = f"{series.label}: {short(sum(series.per_bin) / total_s)} on average, {short(max(rates))} at most"
    parts.append(tag("path", title(words), d=f"{outline}Z", class_=f"area tone-{series.tone}"))
    parts += [line(x(at), TOP, x(at), base, class_="threshold") for at in resumed_at if 0 < at < total_s]
    parts.append(text(LEFT, HEIGHT - 8, "0", class_="tick"))
    parts.append(text(WIDTH - RIGHT, HEIGHT - 8, duration(total_s), class_="tick", anchor="end"))
    return figure(WIDTH, HEIGHT, parts, label=words)
