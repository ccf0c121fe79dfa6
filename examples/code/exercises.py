"""Small exercises by rule: each a question, a function and its tests, with two numbers that make it one of many."""

from collections.abc import Callable

from msgspec import Struct


class Exercise(Struct, frozen=True):
    """A question with its function and tests, all three right."""

    question: str
    code: str
    tests: str


def band(low: int, more: int) -> Exercise:
    """A choice of three with both boundaries."""
    name, high = f"band_{low}_{more}", low + more
    return Exercise(
        f"Write {name}(points): the text 'low' for whole numbers below {low}, 'high' for those above {high}, and "
        "'middle' for all others.",
        f"def {name}(points):\n    if points < {low}:\n        return 'low'\n    if points > {high}:\n"
        "        return 'high'\n    return 'middle'",
        _tests(name, {f"{low - 1}": "low", f"{low}": "middle", f"{high}": "middle", f"{high + 1}": "high"}),
    )


def count_between(low: int, more: int) -> Exercise:
    """A count with two conditions."""
    name, high = f"count_between_{low}_{more}", low + more
    inside = [low, low + 1, high]
    return Exercise(
        f"Write {name}(numbers): how many of the whole numbers in a list are at least {low} and at most {high}. Of an "
        "empty list it is 0.",
        f"def {name}(numbers):\n    count = 0\n    for number in numbers:\n        if number >= {low} and number <= "
        f"{high}:\n            count += 1\n    return count",
        _tests(name, {"[]": 0, f"[{low - 1}, {high + 1}]": 0, f"{inside}": 3, f"[{high}, {high}]": 2, f"[{low}]": 1}),
    )


def bonus(least: int, share: int) -> Exercise:
    """A rule with a threshold and a sum."""
    name = f"bonus_{least}_{share}"
    return Exercise(
        f"Write {name}(points, days): points and {share} more for each day, and twice that if points is at least "
        f"{least}. For less than one day it is 0.",
        f"def {name}(points, days):\n    if days < 1:\n        return 0\n    total = points + {share} * days\n"
        f"    if points >= {least}:\n        total = total * 2\n    return total",
        _tests(
            name,
            {
                f"{least}, 0": 0,
                f"{least}, 1": 2 * (least + share),
                f"{least - 1}, 3": least - 1 + 3 * share,
                f"{least + 2}, 2": 2 * (least + 2 + 2 * share),
            },
        ),
    )


def every(step: int, first: int) -> Exercise:
    """A selection by place."""
    name, numbers = f"every_{step}_{first}", list(range(20))
    return Exercise(
        f"Write {name}(items): a list of every item of a list whose place, from 0, is at least {first} and is {first} "
        f"plus a multiple of {step + 1}.",
        f"def {name}(items):\n    kept = []\n    for place, item in enumerate(items):\n        if place >= {first} and "
        f"(place - {first}) % {step + 1} == 0:\n            kept.append(item)\n    return kept",
        _tests(
            name,
            {"[]": [], f"list(range({first}))": [], "list(range(20))": numbers[first :: step + 1], "list('x' * 19)": 0},
        ).replace(" == 0", f" == {['x'] * len(numbers[first : 19 : step + 1])}"),
    )


def digits(least: int, more: int) -> Exercise:
    """A sum over a text."""
    name, high = f"digits_{least}_{more}", least + more
    return Exercise(
        f"Write {name}(text): the sum of the numbers in a text of numbers with commas between them that are more than "
        f"{least} and not {high}. Of an empty text it is 0.",
        f"def {name}(text):\n    if not text:\n        return 0\n    total = 0\n    for part in text.split(','):\n"
        f"        number = int(part)\n        if number > {least} and number != {high}:\n            total += number\n"
        "    return total",
        _tests(
            name,
            {"''": 0, f"'{least},{high}'": 0, f"'{least + 1},{high + 1}'": least + high + 2, f"'{high + 5}'": high + 5},
        ),
    )


EXERCISES: dict[str, Callable[[int, int], Exercise]] = {
    each.__name__: each for each in (band, count_between, bonus, every, digits)
}


def _tests(name: str, cases: dict[str, object]) -> str:
    asserts = "\n".join(f"assert {name}({given}) == {expected!r}" for given, expected in cases.items())
    return f"from solution import {name}\n\n{asserts}"
