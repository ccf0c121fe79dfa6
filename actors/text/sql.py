"""SQL as text: statements and their places, names, the order of a result. Law: nothing here runs SQL; what is not
certain from the text alone is left to SQLite."""

import re
import sqlite3
from collections.abc import Iterator, Mapping

from msgspec import Struct

_TOKEN = re.compile(
    r"""(?P<skipped>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<text>'(?:[^']|'')*'?)
    |(?P<quoted>"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<mark>\d[\w.]*|.)""",
    re.VERBOSE | re.DOTALL,
)
_FENCED = re.compile(
    r"^[ \t]*(?P<fence>`{3,}+|~{3,}+)[^`\n]*+\n(?P<code>.*?)^[ \t]*(?P=fence)", re.MULTILINE | re.DOTALL
)
_BEGINS = re.compile(r"(?:select|with|values)\b", re.IGNORECASE)
_NAMED = re.compile(r"(?:no such (?:column|table|function|view)|ambiguous column name): (?P<name>.+)", re.DOTALL)
_CLOCK = frozenset({"date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"})


class SqlToken(Struct, frozen=True):
    """A word, a quoted name, a text or a mark, at its place."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def name(self) -> str:
        """The name that it is, in lower case, without its quotes."""
        return (self.text[1:-1] if self.kind == "quoted" else self.text).lower()


def tokens(sql: str) -> Iterator[SqlToken]:
    """All but white space and comments."""
    for found in _TOKEN.finditer(sql):
        kind = found.lastgroup or "mark"
        if kind != "skipped":
            yield SqlToken(kind, found[0], found.start())


def statements(script: str) -> Iterator[list[SqlToken]]:
    """The tokens of each statement, its semicolon included. A trigger ends with the semicolon behind its END."""
    begun: list[SqlToken] = []
    for token in tokens(script):
        if token.text == ";" and not begun:
            continue
        begun.append(token)
        if token.text == ";" and sqlite3.complete_statement(script[begun[0].start : token.end]):
            yield begun
            begun = []
    if begun:
        yield begun


def definitions(script: str) -> Mapping[str, tuple[int, int]]:
    """The place of the statement that makes each table or view, by its name in lower case; without the semicolon."""
    found: dict[str, tuple[int, int]] = {}
    for statement in statements(script):
        name = _made_by(statement)
        if name is not None:
            last = statement[-2] if statement[-1].text == ";" and len(statement) > 1 else statement[-1]
            found.setdefault(name, (statement[0].start, last.end))
    return found


def _made_by(statement: list[SqlToken]) -> str | None:
    """The name of the table or view that a statement makes."""
    words = [token.text.lower() for token in statement[:8]]
    at = next((at for at, word in enumerate(words) if word in ("table", "view")), None)
    if words[:1] != ["create"] or at is None or not set(words[1:at]) <= {"temp", "temporary", "virtual"}:
        return None
    at += 4 if words[at + 1 : at + 4] == ["if", "not", "exists"] else 1
    at += 2 if words[at + 1 : at + 2] == ["."] else 0
    return statement[at].name if at < len(statement) else None


def is_ordered(query: str) -> bool:
    """Whether a query orders the rows of its result: ORDER BY outside of all brackets."""
    depth, before = 0, ""
    for token in tokens(query):
        if token.text in "()":
            depth += 1 if token.text == "(" else -1
        elif depth == 0 and before == "order" and token.text.lower() == "by":
            return True
        before = token.text.lower() if token.kind == "word" else ""
    return False


def reads_clock(query: str) -> bool:
    """Whether a result depends on the time: a date function of no argument, or `'now'` beside one."""
    found = list(tokens(query))
    calls = [
        at for at, token in enumerate(found[:-1]) if token.kind == "word" and token.name in _CLOCK
        if found[at + 1].text == "("
    ]  # fmt: skip
    bare = any(found[at + 2].text == ")" for at in calls if at + 2 < len(found))
    return bare or (bool(calls) and any(token.text.lower() == "'now'" for token in found))


def query_in(said: str) -> str | None:
    """The query of a reply: in its first code fence, or all of it; without semicolons behind it. None: no SELECT."""
    fenced = _FENCED.search(said)
    bare = (said if fenced is None else fenced["code"]).strip().rstrip("; \t\n")
    first = next(tokens(bare), None)
    return bare if first is not None and _BEGINS.match(first.text) else None


def line_of(query: str, message: str) -> int | None:
    """The first line that has the name which a message of SQLite's says is wrong; None for another message."""
    named = _NAMED.search(message)
    if named is None:
        return None
    name = named["name"].strip().rsplit(".", 1)[-1].lower()
    found = next((each for each in tokens(query) if each.kind in ("word", "quoted") and each.name == name), None)
    return None if found is None else query.count("\n", 0, found.start) + 1
