"""The base of every part of a configuration. Law: unknown keys are refused, and everything about a key stands at its
field: type, bounds, default, words, and when it may change.

A field reads `key: Annotated[type, CLASS("words", bounds)] = default`, where CLASS is `never`, `replay` or
`any_resume`. A field that holds a section has `section("words")` instead, since the keys inside have classes of their
own. A section that is chosen by `kind`, `form` or `mode`, or that may be absent, has a class: that of the choice.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal, TypedDict, Unpack

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Amount = Annotated[float, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0)]
MoreThanNone = Annotated[float, Meta(gt=0)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
NAME_WORDS = "a name of lower-case letters, digits, _ and - that begins with a letter"
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$", title=NAME_WORDS)]
Factory = Annotated[str, Meta(pattern=r"^[\w.]+:\w+$", title="'module:function'")]
Options = dict[str, str | int | float | bool]
JudgeKind = Literal["faithfulness", "reward"]
CHANGE = "change"
"""The key of `Meta.extra` that holds a field's class."""


class Change(Enum):
    """When a key may change in a folder that holds a run."""

    ANY_RESUME = "any resume"
    """The key changes no sample: only where and how fast things run, and limits."""
    REPLAY = "replay"
    """The key changes how attempts are made and judged: `gleaner replay --config` applies it."""
    GROW = "to more"
    """The key says how many orders there are, and may grow: `gleaner run` makes those that are missing."""
    NEVER = "never"
    """The key changes which orders there are: that is another run, in another folder."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part of a configuration."""

    gone: ClassVar[Mapping[str, str]] = {}
    """Keys that earlier versions had here, each with what to do now. They are refused with these words, but ignored in
    the folder of an earlier run."""


def gone_keys(section: type[Struct]) -> Mapping[str, str]:
    """The keys that a section no longer has, each with what to do now."""
    return section.gone if issubclass(section, Config) else {}


class KeyBounds(TypedDict, total=False):
    """Bounds of a key: at least, more than, at most."""

    ge: float
    gt: float
    le: float


def any_resume(words: str, **bounds: Unpack[KeyBounds]) -> Meta:
    """A key that changes no sample."""
    return _meta(words, Change.ANY_RESUME, bounds)


def replay(words: str, **bounds: Unpack[KeyBounds]) -> Meta:
    """A key that changes how attempts are made and judged."""
    return _meta(words, Change.REPLAY, bounds)


def never(words: str, **bounds: Unpack[KeyBounds]) -> Meta:
    """A key that changes which orders there are."""
    return _meta(words, Change.NEVER, bounds)


def grow(words: str, **bounds: Unpack[KeyBounds]) -> Meta:
    """A number of orders, which may grow."""
    return _meta(words, Change.GROW, bounds)


def section(words: str) -> Meta:
    """A key that holds a section, whose keys have classes of their own."""
    return Meta(description=words)


def _meta(words: str, change: Change, bounds: KeyBounds) -> Meta:
    given: dict[str, Any] = dict(bounds)
    return Meta(description=words, extra={CHANGE: change}, **given)


Share = Annotated[
    float,
    replay(
        "Of the orders, drawn by the run's seed, this share is judged; the others pass the gate unjudged, and say so "
        "(docs/gates.md).",
        gt=0,
        le=1,
    ),
]
"""Of a gate that need not judge every order."""
