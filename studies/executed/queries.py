"""Problems whose answer is a query: small databases with drawn rows, and other rows that nobody sees."""

import re
from collections.abc import Sequence
from functools import lru_cache
from random import Random

from studies.executed.problems import Half, Problem, State

SUBJECTS = (
    ("shop", "sale", "price"), ("club", "game", "score"), ("farm", "crop", "weight"), ("ship", "voyage", "cargo"),
    ("school", "course", "hours"), ("museum", "loan", "value"), ("band", "concert", "fee"), ("park", "tree", "height"),
    ("garage", "repair", "cost"), ("bakery", "cake", "sugar"), ("lab", "trial", "dose"), ("port", "crane", "load"),
)  # fmt: skip
"""A table, one that refers to it, and a column of whole numbers in the second."""
LABELS = ("Amber", "Birch", "Cedar", "Dune", "Elm", "Fern", "Gorse", "Heath", "Iris", "Juniper", "Kelp", "Larch")
HIDDEN_DATABASES = 3
"""Of the same tables with other rows, on which a query is judged by who no gate and no writer asks."""
_ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


def database(subject: Sequence[str], random: Random) -> str:
    """A script with drawn rows. The last row of the first table is referred to by none."""
    one, many, amount = subject
    names = random.sample(LABELS, 4)
    rows = [
        f"({n}, {random.randint(1, 3)}, '{label}', {random.randint(1, 9)}, {random.randint(2001, 2006)})"
        for n, label in enumerate(random.sample(LABELS, 11), 1)
    ]
    firsts = [f"({n}, '{name}')" for n, name in enumerate(names, 1)]
    return (
        f"CREATE TABLE {one} (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
        f"CREATE TABLE {many} (id INTEGER PRIMARY KEY, {one}_id INTEGER NOT NULL REFERENCES {one} (id), label TEXT "
        f"NOT NULL, {amount} INTEGER NOT NULL, year INTEGER NOT NULL);\n"
        f"INSERT INTO {one} VALUES {', '.join(firsts)};\n"
        f"INSERT INTO {many} VALUES {', '.join(rows)};"
    )


def subject_of(script: str) -> tuple[str, str, str]:
    """What a script of `database` is about. Raises ValueError for another one."""
    found = re.search(r"CREATE TABLE (\w+) .*\nCREATE TABLE (\w+) .*NOT NULL, (\w+) INTEGER NOT NULL, year", script)
    if found is None:
        raise ValueError(f"no script of this study: {script[:80]!r}")
    return found[1], found[2], found[3]


def hidden_databases(script: str) -> list[str]:
    """The same tables with other rows, the same for the same script."""
    return [database(subject_of(script), Random(f"{script}/{n}")) for n in range(HIDDEN_DATABASES)]


@lru_cache(maxsize=64)
def queries(one: str, many: str, amount: str) -> tuple[Problem, ...]:
    """A problem for each shape of query that the task asks for, in the order of its shapes (`actors/tasks/sql.py`)."""
    joined = f"SELECT {many}.label, {one}.name FROM"
    both = {
        f"How many {many} rows have {amount} above 4?": f"SELECT count(*) FROM {many} WHERE {amount} > 4",
        f"How many {many} rows have {amount} of 4 or more?": f"SELECT count(*) FROM {many} WHERE {amount} >= 4",
        f"Which label and {one} name belong together, for each {many}?":
            f"{joined} {many} JOIN {one} ON {one}.id = {many}.{one}_id",
        f"Which label and {one} name belong together, with every {one}, also one without any {many}?":
            f"{joined} {one} LEFT JOIN {many} ON {one}.id = {many}.{one}_id",
        f"What is the sum of {amount} for each {one}_id?": f"SELECT {one}_id, sum({amount}) FROM {many} GROUP BY 1",
        f"What is the mean of {amount} for each {one}_id?": f"SELECT {one}_id, avg({amount}) FROM {many} GROUP BY 1",
        f"Which three labels have the largest {amount}, the largest first and equal ones by id?":
            f"SELECT label FROM {many} ORDER BY {amount} DESC, id LIMIT 3",
        f"Which three labels have the smallest {amount}, the smallest first and equal ones by id?":
            f"SELECT label FROM {many} ORDER BY {amount}, id LIMIT 3",
        f"Which labels have both {amount} above 3 and a year after 2002?":
            f"SELECT label FROM {many} WHERE {amount} > 3 AND year > 2002",
        f"Which labels have {amount} above 3, or a year after 2002, or both?":
            f"SELECT label FROM {many} WHERE {amount} > 3 OR year > 2002",
        f"Which labels have {amount} above its mean?":
            f"SELECT label FROM {many} WHERE {amount} > (SELECT avg({amount}) FROM {many})",
        f"Which labels have {amount} below its mean?":
            f"SELECT label FROM {many} WHERE {amount} < (SELECT avg({amount}) FROM {many})",
        f"What is the largest {amount} of {one} number 1?": f"SELECT max({amount}) FROM {many} WHERE {one}_id = 1",
        f"What is the smallest {amount} of {one} number 1?": f"SELECT min({amount}) FROM {many} WHERE {one}_id = 1",
        f"Which values of {one}_id come more than three times, each with how often?":
            f"SELECT {one}_id, count(*) FROM {many} GROUP BY 1 HAVING count(*) > 3",
        f"Which values of {one}_id come at least three times, each with how often?":
            f"SELECT {one}_id, count(*) FROM {many} GROUP BY 1 HAVING count(*) >= 3",
    }  # fmt: skip
    asked, answers = list(both), list(both.values())
    return tuple(
        Problem(
            f"{many}_{at // 2}",
            {
                Half.ANSWER: {
                    State.RIGHT: answers[at],
                    State.OTHER: answers[at + 1],
                    State.SYNTAX: answers[at].replace(" FROM ", " FORM ", 1),
                    State.NAME: answers[at].replace("SELECT ", f"SELECT {many}_nr, ", 1),
                    State.CRASH: f"SELECT max(count(*)) FROM {many}",
                    State.ENDLESS: _ENDLESS,
                    State.EMPTY: f"SELECT label FROM {many} WHERE id > 1000",
                },
                Half.PARTNER: {State.RIGHT: asked[at], State.OTHER: asked[at + 1]},
            },
        )
        for at in range(0, len(both), 2)
    )
