"""Texts that try to become something else: tags, attributes, escape codes, paths."""

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas.ledger import Record
from tests.doubles.ledgers import Scale, plausible_run

MARK = "gleaner-evil"
"""No tag and no attribute of ours has this in its name."""
PIECES = (
    "<", ">", '"', "'", "&", "`", "=", "/", " ", "\n", "\t", "\x00", "\u2028", "{{", "}}", "{%", "%}", "--", "]]>",
    "&lt;", "&#60;", "</script>", "</style>", "</title>", "</svg>", "</pre>", "<!--", "-->", "<script>", "<svg>",
    f"<{MARK}>", f'" {MARK}="', f"' {MARK}='", f" {MARK}=1 ", f"<img src=x {MARK} onerror=1>", "javascript:alert(1)",
    f"</script><script {MARK}>", f"</style><{MARK}>", "<iframe srcdoc=", "<base href=//evil>",
)  # fmt: skip
markup = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)
"""Markup put together from its sharpest pieces."""

BREAKOUTS = (
    "<script>alert(1)</script>",
    f'"><{MARK} onload="alert(1)">',
    f"' {MARK}='1' autofocus onfocus='alert(1)",
    "</script><script>alert(1)</script>",
    f"</style></title></pre></svg><{MARK}>",
    f"<!-- --><{MARK}>]]>",
)

CODES = (
    "\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\", "\x9b31m", "\x07", "\x08" * 9,
    "\r", "\x7f", "\u202e", "\u2066", "\x1bP+q\x1b\\", "\x00",
)  # fmt: skip
"""What drives a terminal: clears it, names its window, forges links, rings, overwrites, turns text around."""

_FREE = frozenset({
    "text", "uri", "question", "answer", "quote", "malformed", "note", "detail", "claim", "discounted", "content",
    "chunker", "document_id", "said",
})  # fmt: skip
"""Fields whose text comes from a corpus, a model or a server."""
_NAMES = frozenset({"pool", "policy", "task", "model", "version", "config_sha256", "document_sha256"})
"""Fields that hold names of our own, unless somebody forged the ledger."""


def poisoned(
    evil: str,
    *,
    seed: int = 3,
    scale: Scale = Scale(passages=8),  # noqa: B008 - frozen
    names: bool = False,
) -> list[Record]:
    """A plausible run in whose every foreign text the evil stands, at its beginning and at its end; `names`: in
    names of our own too, as in a ledger that somebody forged."""
    fields = _FREE | {"reasons"} | (_NAMES if names else frozenset())
    return [_poisoned(record, evil, fields) for record in plausible_run(seed, scale)]


def _poisoned(record: Record, evil: str, fields: frozenset[str]) -> Record:
    return msgspec.convert(_with(msgspec.to_builtins(record), evil, fields), Record)


def _with(value: Any, evil: str, fields: frozenset[str], *, free: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: _with(item, evil, fields, free=key in fields) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_with(item, evil, fields, free=free) for item in value]
    return f"{evil}{value}{evil}" if free and isinstance(value, str) else value
