"""Reads completions, without what chat models put around their content: thoughts, code fences, remarks, control text.

Law: all readers of completions (of drafts, solutions, judges' verdicts) use this module, so that all forgive the same.
Every function takes any text, never raises, and needs time in proportion to its length. Differences in form are
forgiven. Content that is missing, or given twice in different ways, is an error with its reason and is never guessed.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

import msgspec
from msgspec import Struct

from actors.text.markup import CONTROL

T = TypeVar("T")

_THOUGHTS_END = re.compile(
    r"""</(?:think|thinking|thought|thoughts|reasoning|seed:think)> | \[/THINK\] | ◁/think▷ | <channel\|>
    | <\|channel\|>\s*final\b(?:\s*<\|constrain\|>\s*\w+)?\s*<\|message\|>""",
    re.VERBOSE | re.IGNORECASE,
)
_THOUGHTS_BEGIN = re.compile(
    r"""\s*(?:<(?:think|thinking|thought|thoughts|reasoning|seed:think)> | \[THINK\] | ◁think▷ | <\|channel>\s*thought
    | (?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*(?:analysis|commentary)\b | analysis(?=[A-Za-z]))""",
    re.VERBOSE | re.IGNORECASE,
)
_HARMONY_BEGINS = re.compile(r"\s*analysis(?=[A-Za-z])")
_HARMONY_FINAL = re.compile(r"assistantfinal(?:json(?=\s*[{\[]))?")
"""The names of Harmony's channels, as they stand when the server has dropped the special tokens between them."""

_FENCE = "```"
_FENCE_OPENS = re.compile(r"```[\w-]*[ \t]*\n")
_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_AT_AN_END = re.compile(rf"\s+|{_CONTROL_CHARACTERS.pattern}|{CONTROL.pattern}", re.VERBOSE)
_HALF = re.compile("[\ud800-\udfff]")

_NEAR_THE_END, _LONGER_THAN_A_TOKEN = 4_000, 1_000
"""Characters; what is around a long text seldom takes more than the first of them."""
REPAIRS = 8
"""The most objects of one completion whose typographic marks are replaced: each costs a reading of the text after
it."""


def after_thoughts(text: str) -> str | None:
    """The text after the thoughts, which the text or the chat template opened. None when the thoughts never end."""
    ends = [found.end() for found in _THOUGHTS_END.finditer(text)]
    said = text[ends[-1] :] if ends else text
    if not ends and _HARMONY_BEGINS.match(text):
        *_, said = _HARMONY_FINAL.split(text)
    return None if _THOUGHTS_BEGIN.match(said) else said


def thoughts_apart(text: str) -> tuple[str, str]:
    """The thoughts, without their marks, and the text after them. When there are none, or they never end: no thoughts
    and the whole text."""
    said = after_thoughts(text)
    if said is None or said == text:
        return "", text
    thoughts = text[: len(text) - len(said)]
    ends = [found.start() for found in _THOUGHTS_END.finditer(thoughts)]
    bare = thoughts[: ends[-1]] if ends else _HARMONY_FINAL.sub("", thoughts)
    begun = _THOUGHTS_BEGIN.match(bare)
    return (bare if begun is None else bare[begun.end() :]).strip(), said


def without_code_fence(text: str) -> str:
    """The content of a code fence that holds the whole text; any other text as it is."""
    bare = text.strip()
    opened = _FENCE_OPENS.match(bare)
    if opened is None or not bare.endswith(_FENCE) or len(bare) < opened.end() + len(_FENCE):
        return text
    inside = bare[opened.end() : -len(_FENCE)].rstrip(" \t")
    return inside.removesuffix("\n")


def without_control(text: str, *, source: str = "") -> str:
    """The text without white space, special tokens and control characters at its ends, unless `source` holds them."""
    start = 0
    while (found := _AT_AN_END.match(text, start)) and _is_around(found[0], source):
        start = found.end()
    near = max(start, len(text) - _NEAR_THE_END)
    end = _end_without_control(text, near, source)
    if start < near and end - near < _LONGER_THAN_A_TOKEN:
        end = _end_without_control(text, start, source)
    return text[start:end]


def _end_without_control(text: str, begin: int, source: str) -> int:
    """Where what is around the text begins at its end, of what stands behind `begin`."""
    end = len(text)
    for found in reversed([each for each in _AT_AN_END.finditer(text, begin) if _is_around(each[0], source)]):
        if found.end() != end:
            break
        end = found.start()
    return end


def _is_around(said: str, source: str) -> bool:
    return not said.strip() or said not in source


def control_in(text: str, *, source: str = "") -> str | None:
    """The first special token or control character in the text that `source` does not hold; None without one."""
    for pattern in (_HALF, _CONTROL_CHARACTERS, CONTROL):
        for found in pattern.finditer(text):
            if pattern is _HALF or found[0] not in source:
                return found[0]
    return None


class Figure(str):
    """A JSON number as it was written: `18.50` keeps its zero."""

    __slots__ = ()


class Pairs(list[tuple[str, object]]):
    """A JSON object as its keys and values in order, with repeated keys."""


def as_json(value: object) -> str:
    """A value that was read as `Pairs`, `Figure` and lists, as JSON again: repeated keys and figures as they were."""
    if isinstance(value, Figure):
        return str(value)
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(key)}: {as_json(inner)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_json, value)) + "]"
    return json.dumps(value)


class Unreadable(Struct, frozen=True):
    """Why a completion does not have the requested form."""

    why: str


def json_objects(text: str, names: Collection[str]) -> Iterator[Pairs | Unreadable]:
    """The outermost JSON objects that have one of these keys, in reading order, inside or outside of fences and lists.

    Keys are compared without case. A text that begins like an object and does not parse ends the search, as Unreadable:
    an object inside it might be quoted from a passage.
    """
    wanted = frozenset(map(_key, names))
    repairs = REPAIRS
    begun = _BEGUN.search(text)
    while begun is not None:
        try:
            read, end = _JSON.raw_decode(text, begun.start())
        except (ValueError, RecursionError):
            repairs -= 1
            repaired = _repaired(text, begun.start()) if repairs >= 0 else None
            if repaired is None:
                yield Unreadable("the JSON does not parse")
                return
            read, end = repaired
        yield from _with_any(read, wanted)
        begun = _BEGUN.search(text, end)


def verdict_in(text: str, form: type[T], names: Collection[str]) -> T | Unreadable:
    """The first JSON object after the thoughts that has all of these keys, as a `form`. Numbers may stand as strings,
    and other keys are ignored. Unreadable when there is none, when it does not fit the form, or when a second one
    differs."""
    said = after_thoughts(text)
    if said is None or not said.strip():
        return Unreadable("nothing was said" if said is not None else "the thinking never ended")
    return _verdict_of(json_objects(said, names), form, names)


NUMBER = "draft"
"""The key that says which draft a verdict is on."""
_AROUND = re.compile(r'\A\s*\{\s*"verdicts"\s*:\s*(?=\[)', re.IGNORECASE)
"""The beginning of the object around several verdicts, without which each is read even if a later one is cut off."""


def verdicts_in(text: str, form: type[T], names: Collection[str], *, count: int) -> list[T | Unreadable]:
    """A verdict on each of `count` drafts, which are numbered from 1: the JSON object after the thoughts that has the
    draft's number and all of these keys, read as `verdict_in` reads one. Unreadable in place of one that cannot be
    read, and of those behind a text that begins like an object and does not parse."""
    said = after_thoughts(text)
    if said is None or not said.strip():
        return [Unreadable("nothing was said" if said is not None else "the thinking never ended")] * count
    parts: dict[str, list[Pairs]] = {}
    missing = "there is no verdict on it"
    for pairs in json_objects(_AROUND.sub("", without_code_fence(said)), (NUMBER,)):
        if isinstance(pairs, Unreadable):
            missing = pairs.why
            break
        numbers = {str(value).strip() for key, value in pairs if _key(key) == NUMBER}
        if len(numbers) == 1:
            parts.setdefault(numbers.pop(), []).append(pairs)
    return [
        _verdict_of(parts[number], form, names) if number in parts else Unreadable(missing)
        for number in map(str, range(1, count + 1))
    ]


def _verdict_of(objects: Iterable[Pairs | Unreadable], form: type[T], names: Collection[str]) -> T | Unreadable:
    whole = _whole(objects, names)
    if isinstance(whole, Unreadable):
        return whole
    try:
        first, *others = [msgspec.convert(each, form, strict=False) for each in whole]
    except (msgspec.ValidationError, RecursionError) as bad:
        return Unreadable(str(bad))
    return first if all(other == first for other in others) else Unreadable("there are two different ones")


def _whole(objects: Iterable[Pairs | Unreadable], names: Collection[str]) -> list[dict[str, object]] | Unreadable:
    """Every JSON object that has all of these keys, reduced to them. Unreadable when no object has all of them, or one
    has a key twice with different values."""
    whole: list[dict[str, object]] = []
    missing: list[str] | None = None
    for pairs in objects:
        if isinstance(pairs, Unreadable):
            return pairs
        read: dict[str, object] = {}
        for name in names:
            values = [_built(value) for key, value in pairs if _key(key) == _key(name)]
            if any(value is _TWICE or value != values[0] for value in values):
                return Unreadable(f"`{name}` is given twice")
            read.update(dict.fromkeys([name] if values else [], values[0] if values else None))
        if len(read) == len(names):
            whole.append(read)
        elif missing is None:
            missing = [name for name in names if name not in read]
    if whole:
        return whole
    return Unreadable("there is no JSON object" if missing is None else f"`{'`, `'.join(missing)}` is missing")


def _not_a_number(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(
    object_pairs_hook=Pairs, parse_int=Figure, parse_float=Figure, parse_constant=_not_a_number, strict=False
)

_BEGUN = re.compile(r"\{\s*(?:[\"'“”‘’]|\w+\s*[:：])")
_PIECE = re.compile(
    r"""(?P<straight>"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)) | “(?P<curly>(?:[^“”\\]++|\\.)*+)(?:”|(?=“)|\\?\Z)
    | (?P<colon>[:：])(?P<grouped>\s*-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?=\s*[,}]))?
    | (?P<comma>，)""",
    re.VERBOSE | re.DOTALL,
)
_REPAIRABLE = re.compile(r"[“”：，]|\d,\d{3}")
"""What `_PIECE` would change. Most texts that do not parse contain none of it."""


def _repaired(text: str, at: int) -> tuple[object, int] | None:
    """The object with plain marks in place of typographic ones around keys and values, and 1,234 as one value; and its
    end.

    Outside of strings these marks can mean nothing else. None when the text still does not parse.
    """
    if _REPAIRABLE.search(text, at) is None:
        return None
    try:
        read, _ = _JSON.raw_decode(_PIECE.sub(_plain_piece, text[at:]))
    except (ValueError, RecursionError):
        return None
    return read, _end_of(text, at)


def _end_of(text: str, at: int) -> int:
    """Where the object that begins here ends: when, outside of strings, all its opening braces are closed."""
    depth = 0
    for found in _BRACES.finditer(text, at):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if not depth and found[0] == "}":
            return found.end()
    return len(text)


_BRACES = re.compile(
    r""" "(?:[^"\\]++|\\.)*+(?:"|\\?\Z) | “(?:[^“”\\]++|\\.)*+(?:”|(?=“)|\\?\Z) | [{}]""", re.VERBOSE | re.DOTALL
)
"""As in `_PIECE`, an opened string always ends somewhere. Otherwise each mark inside it would be read to the end."""


def _plain_piece(found: re.Match[str]) -> str:
    if found["straight"] is not None:
        return found[0]
    if found["curly"] is not None:
        return json.dumps(found["curly"])
    if found["comma"] is not None:
        return ","
    grouped = found["grouped"]
    return ":" if grouped is None else f':"{grouped.strip()}"'


def _key(name: str) -> str:
    return name.strip().casefold()


def _with_any(value: object, names: frozenset[str]) -> Iterator[Pairs]:
    if isinstance(value, Pairs):
        if any(_key(key) in names for key, _ in value):
            yield value
        else:
            for _, inner in value:
                yield from _with_any(inner, names)
    elif isinstance(value, list):
        for inner in value:
            yield from _with_any(inner, names)


_TWICE = object()


def _built(value: object) -> object:
    """The plain value; `_TWICE` when an object in it has a key with two values."""
    if isinstance(value, Figure):
        return float(value)
    if isinstance(value, Pairs):
        built: dict[str, object] = {}
        for key, inner in value:
            said = _built(inner)
            if said is _TWICE or built.setdefault(_key(key), said) != said:
                return _TWICE
        return built
    if isinstance(value, list):
        items = [_built(inner) for inner in value]
        return _TWICE if any(item is _TWICE for item in items) else items
    return value
