"""Rules for the JSON schema of a field. Law: every keyword in it is one that is checked: none is passed over, follows a
reference, or can take long."""

import json
from collections.abc import Iterator, Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from actors.gates.rules import BadRule
from actors.gates.value_checks import value_checks
from deployments.config.faults import at, below, nearest
from schemas.config_tasks import PromptedField

LONGEST_SCHEMA = 20_000
"""In characters."""
DEEPEST = 20
OF_SCHEMAS = ("properties",)
LISTS_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
SCHEMAS = ("items", "additionalProperties", "not")
KEYWORDS = (
    *("type", "enum", "const", "title", "description", "required", "minimum", "maximum", "exclusiveMinimum"),
    *("exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
    *("minProperties", "maxProperties", *OF_SCHEMAS, *LISTS_OF_SCHEMAS, *SCHEMAS),
)


def broken_schema(path: str, field: PromptedField) -> Iterator[str]:
    """The faults of a field's schema and checks."""
    schema = field.schema
    if schema is None:
        if field.checks:
            yield f"{path}.checks: are of the values of JSON; give the field a schema"
        return
    if len(json.dumps(schema)) > LONGEST_SCHEMA:
        yield f"{path}.schema: has more than {LONGEST_SCHEMA:,} characters"
        return
    fault = next(_unknown(f"{path}.schema", schema, DEEPEST), None)
    if fault is not None:
        yield fault
        return
    if schema.get("type") not in ("object", "array"):
        yield f"{path}.schema.type: must be object or array; a text, a number or a truth is a field without a schema"
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        place = "".join(f".{step}" for step in error.absolute_path)
        yield at(f"{path}.schema{place}", " ".join(error.message.split()))
        return
    for index, check in enumerate(field.checks):
        try:
            value_checks(schema, (check,))
        except BadRule as bad:
            yield at(f"{path}.checks[{index}]", str(bad))


def _unknown(path: str, schema: object, deep: int) -> Iterator[str]:
    """Keywords that are not checked, wherever they stand."""
    if not isinstance(schema, Mapping):
        if not isinstance(schema, bool):
            yield f"{path}: must be a schema: a section of keywords"
        return
    if not deep:
        yield f"{path}: is nested too deeply"
        return
    for key, value in schema.items():
        here = below(path, key)
        if key not in KEYWORDS:
            yield at(here, f"is no keyword that is checked{nearest(key, KEYWORDS)}")
        for place, inner in _inner(here, key, value):
            yield from _unknown(place, inner, deep - 1)


def _inner(path: str, key: str, value: object) -> Iterator[tuple[str, object]]:
    """The schemas inside a keyword's value, with their places."""
    if key in OF_SCHEMAS and isinstance(value, Mapping):
        yield from ((below(path, str(name)), inner) for name, inner in value.items())
    elif key in LISTS_OF_SCHEMAS and isinstance(value, list):
        yield from ((f"{path}[{index}]", inner) for index, inner in enumerate(value))
    elif key in SCHEMAS:
        yield path, value
