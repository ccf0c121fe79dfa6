"""A stand-in for a model that writes questions and queries: four forms of question by rule, with faults on purpose. It
shows how a run of `kind: sql` goes on any machine, and says nothing about any model."""

import re
import sqlite3
from random import Random

from schemas.errors import EngineError, ErrorKind
from schemas.samples import Classification, ClassificationRequest, Completion, FinishReason, GenerationRequest

FORMS = {
    r"How many rows has (?P<table>\w+)\?": 'SELECT count(*) FROM "{table}"',
    r"How many different (?P<column>\w+) are in (?P<table>\w+)\?": 'SELECT count(DISTINCT "{column}") FROM "{table}"',
    r"How many (?P<column>\w+) are in (?P<table>\w+)\?": 'SELECT count("{column}") FROM "{table}"',
    r"Which (?P<column>\w+) are in (?P<table>\w+), in order\?": 'SELECT DISTINCT "{column}" FROM "{table}" ORDER BY 1',
}
FAULTS = ("none", "none", "none", "name", "syntax", "vague")


class RuleWriter:
    """Reads a question as its form says; writes one by the seed."""

    async def start(self) -> None:
        """Nothing to load."""

    async def check(self) -> None:
        """Rules cannot break."""

    async def close(self) -> None:
        """Nothing to free."""

    async def classify(self, request: ClassificationRequest) -> Classification:
        raise EngineError(ErrorKind.PERMANENT, "a writer of questions is no classifier")

    async def generate(self, request: GenerationRequest) -> Completion:
        prompt = request.messages[-1].content
        text = said(prompt, Random(request.sampling.seed))
        return Completion(request.id, text, FinishReason.STOP, len(prompt.split()), len(text.split()))


def said(prompt: str, random: Random) -> str:
    """What is written for a prompt of the task or of the gate."""
    script, _, asked = prompt.partition("<<<")[2].partition(">>>")
    if "Write the question again" in asked:
        return asked.split("another way:\n")[1].split("\n")[0].replace("How many ", "How many different ", 1)
    if "Write one question" not in asked:
        return f"```sql\n{answer_to(asked)}\n```"
    table, column = drawn(script, random)
    fault = random.choice(FAULTS)
    if fault == "vague":
        question = f"How many {column} are in {table}?"
        return f'Question: {question}\nQuery: SELECT count(DISTINCT "{column}") FROM "{table}"'
    form = random.choice([form for form in FORMS if not form.startswith("How many (?P")])
    question = re.sub(r"\(\?P<(\w+)>\\w\+\)", lambda found: {"table": table, "column": column}[found[1]], form)
    question = question.replace("\\?", "?")
    query = answer_to(question)
    if fault == "name":
        query = query.replace(f'"{table}"', f'"{table}_list"')
    if fault == "syntax":
        query = query.replace("FROM", "FORM")
    return f"Question: {question}\nQuery: {query}"


def answer_to(asked: str) -> str:
    """The query of the first question in a text whose form is known."""
    for form, query in FORMS.items():
        if found := re.search(form, asked):
            return query.format(**found.groupdict())
    return "I do not know."


def drawn(script: str, random: Random) -> tuple[str, str]:
    """A table of the database, and one of its columns."""
    with sqlite3.connect(":memory:") as database:
        database.executescript(script)
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = random.choice(tables)
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
    return table, random.choice(columns)
