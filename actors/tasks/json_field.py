"""A field that is JSON: found in what a model says, held to its schema, then to checks of its values.

Law: as `field_reading`; and a value that does not fit is never mended here. The reason names the place in it.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from actors.tasks.code_reading import fenced_blocks
from schemas.samples import Malformed, MalformedReason

ValueCheck = Callable[[Mapping[str, Any]], str | None]
"""Says what is wrong with an object; None: nothing."""
LONGEST_FAULT = 300
"""In characters; a fault may quote a value."""


class JsonField:
    """`schema` has no fault, and says that the value is an object or a list."""

    def __init__(self, name: str, schema: Mapping[str, Any], checks: Sequence[ValueCheck] = ()) -> None:
        self.name = name
        self.schema = json.dumps(schema)
        self._validator = Draft202012Validator(dict(schema))
        self._checks = checks

    def read(self, said: str) -> str | Malformed:
        """The value as JSON on one line, or what is wrong with it and where. Never raises, whatever is said."""
        try:
            value = _value_in(said)
            text = json.dumps(value, ensure_ascii=False)
        except (ValueError, RecursionError) as error:
            return Malformed(MalformedReason.BAD_JSON, f"the {self.name} is no JSON: {error}"[:LONGEST_FAULT])
        errors = self._validator.iter_errors(value)
        error = min(errors, key=lambda each: (len(each.absolute_path), each.message), default=None)
        if error is not None:
            return self._unfit(f"{_place(self.name, error.absolute_path)}: {error.message}")
        for check in self._checks if isinstance(value, dict) else ():
            fault = check(value)
            if fault is not None:
                return self._unfit(f"{self.name}: {fault}")
        return text

    def _unfit(self, why: str) -> Malformed:
        return Malformed(MalformedReason.OFF_SCHEMA, " ".join(why.split())[:LONGEST_FAULT])


def value_of(text: str) -> Any:
    """The value of a text that was read as JSON; any other text as it is."""
    try:
        return _value_in(text)
    except (ValueError, RecursionError):
        return text


def _value_in(said: str) -> Any:
    """The value that a text holds, perhaps between fences. Raises ValueError and RecursionError."""
    blocks, _ = fenced_blocks(said)
    return json.loads(
        blocks[0] if blocks else said, parse_constant=_number, parse_float=_number, object_pairs_hook=_object
    )


def _number(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{written} is no number of JSON")
    return number


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("an object has a key twice")
    return made


def _place(name: str, path: Sequence[str | int]) -> str:
    return name + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
