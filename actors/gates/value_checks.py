"""Checks of a JSON object's values, in the language of rules: `len(items) > 0 and total <= 100`.

Law: a check is read when a configuration is; of an object it says what is wrong, and never raises. A check of a value
that the object lacks is not held.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actors.gates.rules import BadRule, Kind, RuleFailed, Sample, SampleRule, read_rule

_KINDS: Mapping[str, Kind] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "truth",
    "array": "list",
}


def kinds_of(schema: Mapping[str, Any]) -> dict[str, Kind]:
    """The values that a check may name: the properties of the schema that have one plain type."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    return {
        name: _KINDS[inner["type"]]
        for name, inner in properties.items()
        if isinstance(inner, Mapping) and isinstance(inner.get("type"), str) and inner["type"] in _KINDS
    }


def _choices(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    """The texts that a property can have, where its `enum` lists them."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    return {
        name: [value for value in inner["enum"] if isinstance(value, str)]
        for name, inner in properties.items()
        if isinstance(inner, Mapping) and "enum" in inner
    }


def value_checks(schema: Mapping[str, Any], checks: Sequence[str]) -> list[Callable[[Mapping[str, Any]], str | None]]:
    """A function for each check. Raises BadRule."""
    kinds, choices = kinds_of(schema), _choices(schema)
    return [_check(read_rule(text, kinds=kinds, values=choices), text, kinds) for text in checks]


def _check(rule: SampleRule, text: str, kinds: Mapping[str, Kind]) -> Callable[[Mapping[str, Any]], str | None]:
    if rule.scores:
        raise BadRule("no gate has judged what is being read: there is no score")

    def said(values: Mapping[str, Any]) -> str | None:
        try:
            held = rule.score(Sample({name: value for name, value in values.items() if name in kinds})) == 1
        except RuleFailed as failed:
            return f"{text} is not known: {failed}"
        return None if held else f"{text} does not hold"

    return said
