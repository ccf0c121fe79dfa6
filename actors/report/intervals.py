"""The 95% Wilson interval of a rate, in words and as a figure."""

from markupsafe import Markup

from actors.counts.rates import wilson
from actors.report.svg import figure, line, tag, title

WIDTH, HEIGHT = 150.0, 18.0


def interval_words(successes: int, trials: int) -> str:
    """The interval in whole percents."""
    found = wilson(successes, trials)
    return "–" if found is None else f"{100 * found[0]:.0f}–{100 * found[1]:.0f}%"


def interval_figure(successes: int, trials: int) -> Markup:
    """A dot at the rate and a line over the interval, on a scale from 0 to 100%."""
    found = wilson(successes, trials)
    middle, span = HEIGHT / 2, WIDTH - 10
    parts = [line(5, middle, WIDTH - 5, middle, class_="grid")]
    parts += [line(5 + span * at, middle - 4, 5 + span * at, middle + 4, class_="grid") for at in (0, 0.5, 1)]
    if found is not None:
        low, high = found
        parts.append(line(5 + span * low, middle, 5 + span * high, middle, class_="whisker"))
        words = f"{successes} of {trials}: {interval_words(successes, trials)}"
        parts.append(tag("circle", title(words), cx=5 + span * successes / trials, cy=middle, r=4, class_="dot"))
    return figure(WIDTH, HEIGHT, parts, label=interval_words(successes, trials), class_="interval")
