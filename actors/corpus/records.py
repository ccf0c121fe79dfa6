"""Turns a file's record into a document: its text, id and reference answer. A wrong record is refused, with its
place."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from actors.corpus.code_problems import code_problem
from actors.text.rows import row_text
from schemas.config import Corpus
from schemas.corpus import DocumentRefused, Form, Places, RefusalReason

MAX_ID_BYTES = 1024
"""Every record of an order's life holds its document's id. A longer id is probably a text in the wrong field."""


class Text(Struct, frozen=True):
    """A document's text, not yet checked. `id`: None when the format has none. `where`: the place, for messages. The
    other fields are those of a `Document`."""

    uri: str
    text: str
    id: str | None = None
    where: str = ""
    reference: str | None = None
    places: Places | None = None
    license: str | None = None
    extractor: str | None = None
    form: Form | None = None


Item = Text | DocumentRefused


def refused(uri: str, reason: RefusalReason, detail: str) -> DocumentRefused:
    """A refusal. `detail` says what is wrong and where in the file."""
    return DocumentRefused(uri=uri, reason=reason, detail=detail)


def too_large(uri: str, config: Corpus, where: str = "") -> DocumentRefused:
    """The refusal of a document over the size limit. `where` says which part of the file it is."""
    detail = f"{where}larger than corpus.max_document_bytes ({config.max_document_bytes:,})"
    return refused(uri, RefusalReason.TOO_LARGE, detail)


def record_item(uri: str, record: dict[str, Any], where: str, config: Corpus) -> Item:
    """The document of a record. Messages begin with `where`."""
    if config.problems is not None:
        return _problem_item(uri, record, where, config)
    wrong = _missing(record, config) or _wrong_content(record, config) or _wrong_id(record, config)
    if wrong is None and config.answer_field is not None:
        wrong = _wrong_answer(record[config.answer_field], config.answer_field)
    if wrong is not None:
        return refused(uri, RefusalReason.BAD_RECORD, where + wrong)
    name = record.get(config.id_field)
    return Text(
        uri=uri,
        text=record[config.text_field] if config.columns is None else row_text(_row(record, config.columns)),
        id=None if name is None else str(name),
        where=where,
        reference=None if config.answer_field is None else _answer(record[config.answer_field]),
    )


def _problem_item(uri: str, record: dict[str, Any], where: str, config: Corpus) -> Item:
    """A programming problem, whose tests are its reference answer."""
    problem = code_problem(record)
    if isinstance(problem, str):
        return refused(uri, RefusalReason.BAD_RECORD, where + problem)
    wrong = _wrong_id({config.id_field: problem.id}, config)
    if wrong is not None:
        return refused(uri, RefusalReason.BAD_RECORD, where + wrong)
    return Text(uri=uri, text=problem.text, id=problem.id, where=where, reference=problem.tests)


def _missing(record: dict[str, Any], config: Corpus) -> str | None:
    for wanted, key in wanted_fields(config):
        if wanted not in record:
            fields = ", ".join(str(name)[:40] for name in list(record)[:10])
            return f"no field '{wanted}' (corpus.{key}); it has: {fields}"
    return None


def wanted_fields(config: Corpus) -> list[tuple[str, str]]:
    """The fields that a record must have, each with the key that names it."""
    content = (
        [(config.text_field, "text_field")] if config.columns is None else [(n, "columns") for n in config.columns]
    )
    return content if config.answer_field is None else [*content, (config.answer_field, "answer_field")]


def no_records(uri: str, config: Corpus) -> DocumentRefused | None:
    """The refusal of a file that is one text where records are wanted; None where a text is."""
    if config.problems is not None:
        return refused(uri, RefusalReason.BAD_RECORD, "a text, not records of problems (corpus.problems)")
    for name, key in wanted_fields(config):
        if key != "text_field":
            detail = f"a text, not records with a field '{name}' (corpus.{key})"
            return refused(uri, RefusalReason.BAD_RECORD, detail)
    return None


def _row(record: dict[str, Any], columns: Sequence[str]) -> dict[str, str]:
    return {name: _cell(record[name]) or "" for name in columns}


def _cell(value: object) -> str | None:
    """A column's value as text; None for one that is neither text, number, true, false nor nothing."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return str(value).lower()
    return None if isinstance(value, float | Decimal) and not math.isfinite(value) else _answer(value)


def _wrong_content(record: dict[str, Any], config: Corpus) -> str | None:
    if config.columns is None:
        return _wrong_text(record, config)
    for name in config.columns:
        if _cell(record[name]) is None:
            return f"field '{name}' (corpus.columns) is {type(record[name]).__name__}, neither text nor a number"
    if not any(text.strip() for text in _row(record, config.columns).values()):
        return f"nothing in {', '.join(config.columns)} (corpus.columns)"
    return None


def _wrong_text(record: dict[str, Any], config: Corpus) -> str | None:
    text = record[config.text_field]
    return None if isinstance(text, str) else f"field '{config.text_field}' is {type(text).__name__}, not text"


def _wrong_id(record: dict[str, Any], config: Corpus) -> str | None:
    name = record.get(config.id_field)
    if name is None:
        return None
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        return f"field '{config.id_field}' is {type(name).__name__}, neither text nor a whole number, or empty"
    shown = str(name)
    size = len(shown) if len(shown) > MAX_ID_BYTES else len(shown.encode("utf-8", "surrogatepass"))
    if size > MAX_ID_BYTES:
        return f"field '{config.id_field}' has {size:,} bytes or more; an id has at most {MAX_ID_BYTES:,}"
    return None


def _wrong_answer(value: object, field: str) -> str | None:
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return f"field '{field}' is {value}, which is not a number"
    return f"field '{field}' holds no answer: neither a text nor a number" if _answer(value) is None else None


def _answer(value: object) -> str | None:
    """A reference answer as text. A float becomes the shortest decimal that reads back as it; None for other types."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    return text if text.strip() else None
