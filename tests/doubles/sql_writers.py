"""A model that writes questions and queries, each passage's first one with the fault that its table is named after."""

import re

from actors.gates.execution import SYSTEM
from schemas.samples import GenerationRequest
from tests.doubles.writers import Writer

FAULTY = {
    "right": "SELECT count(*) FROM {table}",
    "syntax_error": "SELECT count(*)\nFROM WHERE {table}",
    "wrong_name": "SELECT count(nam)\nFROM {table}",
    "runtime_error": "SELECT max(count(*)) FROM {table}",
    "timeout": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n",
    "empty_result": "SELECT name FROM {table} WHERE id > 100",
    "disagreement": "SELECT name FROM {table} ORDER BY name",
    "stubborn": "SELECT count(*) FROM {table} WHERE id > 1",
    "unread": "SELECT count(*) FROM {table}",
}
"""What is written first of each table. `stubborn` is never mended; of `unread` no second query is ever written."""
MANY, NAMES = "How many are there?", "What are their names, in alphabetical order?"


def script_of(table: str) -> str:
    """A passage: three rows in a table of that name."""
    return (
        f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
        f"INSERT INTO {table} VALUES (1, 'Amber'), (2, 'Tarn'), (3, 'Osk');"
    )


class SqlWriter(Writer):
    """Writes, mends, and reads the question as a second writer would."""

    def text(self, request: GenerationRequest) -> str:
        system, asked = (message.content for message in request.messages)
        found = re.search(r"CREATE TABLE (\w+)", asked)
        assert found is not None
        table = found[1]
        right = f"SELECT count(*) FROM {table}"
        if system == SYSTEM:
            if table == "unread":
                return "I would rather not."
            return f"```sql\nSELECT name FROM {table} ORDER BY 1\n```" if NAMES in asked else right
        if table != "stubborn" and "Write the query again" in asked:
            return right
        if table != "stubborn" and "Write the question again" in asked:
            return NAMES
        if "Write the question again" in asked:
            return MANY
        return f"Question: {MANY}\nQuery: {FAULTY[table].format(table=table)}"
