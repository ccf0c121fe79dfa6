"""A record's columns as one text, which is a document like any other: it has a span, a hash and a place."""

import json
from collections.abc import Mapping, Sequence


def row_text(columns: Mapping[str, str]) -> str:
    """The text of a row: a JSON object of its columns, in their order."""
    return json.dumps(dict(columns), ensure_ascii=False)


def row_in(text: str, names: Sequence[str]) -> dict[str, str]:
    """The columns of a row's text; each is empty in a text that is no row of them."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = None
    row = read if isinstance(read, dict) else {}
    return {name: value if isinstance(value := row.get(name), str) else "" for name in names}
