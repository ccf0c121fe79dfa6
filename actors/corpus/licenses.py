"""The licence or the terms of a document: as it states them itself, or else as the configuration does for its folder.

Law: what is stated is carried, in one line, and never interpreted.
"""

import re
from collections.abc import Iterable
from os.path import normpath

from actors.corpus.names import is_remote
from schemas.config import Corpus

_MOST_CHARACTERS = 300
_FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(.{0,16384}?)\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_KEY = re.compile(r"^(?:licen[cs]e|rights|copyright)[ \t]*:[ \t]*(\S.*)$", re.IGNORECASE | re.MULTILINE)


def stated(values: Iterable[str | None]) -> str | None:
    """The first of these values that says something, in one line of at most 300 characters."""
    lines = (" ".join(value.split()) for value in values if value is not None)
    return next((line[:_MOST_CHARACTERS] for line in lines if line), None)


def front_matter_license(text: str) -> str | None:
    """The `license`, `rights` or `copyright` of a text's front matter (`---` lines at its start)."""
    head = _FRONT_MATTER.match(text)
    found = None if head is None else _KEY.search(head[1])
    return None if found is None else stated([found[1].strip().strip("\"'")])


def license_of(uri: str, config: Corpus) -> str | None:
    """The licence that the configuration states for a document: that of the longest path that it lies in."""
    named = {path if is_remote(path) else normpath(path): terms for path, terms in config.licenses.items()}
    within = [path for path in named if path == "." or _is_within(uri, path.rstrip("/"))]
    return stated([named[max(within, key=len)]]) if within else None


def _is_within(uri: str, path: str) -> bool:
    return uri.startswith(path) and uri[len(path) : len(path) + 1] in ("", "/", "#")
