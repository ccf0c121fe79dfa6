"""The loader over anything at all: what is written is read back; no file gives an exception but ConfigError."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from deployments.config.identity import plain
from deployments.config.load import difference, load_text, to_yaml
from deployments.config.rules import broken_rule
from schemas.config import Pool, RunConfig
from schemas.errors import ConfigError
from tests.deployments.config.test_load import CONFIG, WHOLE, refusal

PRINTABLE = st.characters(exclude_categories=["C", "Z"], exclude_characters="@", include_characters=" ")
TEXT = st.text(PRINTABLE, min_size=1, max_size=12).filter(str.strip)
SIGNS = st.characters(min_codepoint=33, max_codepoint=126)


def values_of(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Plain values, as YAML would give them, that fit a type."""
    match kind:
        case inspect.Metadata():
            return values_of(kind.type)
        case inspect.StructType():
            return section(kind)
        case inspect.UnionType():
            return st.one_of([values_of(each) for each in kind.types])
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.StrType():
            return TEXT if kind.pattern is None else st.from_regex(kind.pattern, fullmatch=True, alphabet=SIGNS)
        case inspect.IntType():
            return st.integers(kind.ge or 0, kind.le)
        case inspect.FloatType():
            low = kind.gt if kind.gt is not None else kind.ge
            return st.floats(low, kind.le, exclude_min=kind.gt is not None, allow_nan=False, allow_infinity=False)
        case inspect.VarTupleType():
            return st.lists(values_of(kind.item_type), min_size=1, max_size=3)
        case inspect.DictType():
            any_name = st.from_regex(r"[a-z][a-z0-9_-]{0,9}", fullmatch=True)
            names = values_of(kind.key_type) if isinstance(kind.key_type, inspect.LiteralType) else any_name
            return st.dictionaries(names, values_of(kind.value_type), max_size=2)
    return st.booleans() if isinstance(kind, inspect.BoolType) else st.none()


def section(kind: inspect.StructType) -> st.SearchStrategy[dict[str, Any]]:
    required = {field.encode_name: values_of(field.type) for field in kind.fields if field.required}
    optional = {field.encode_name: values_of(field.type) for field in kind.fields if not field.required}
    if kind.tag_field is not None:
        required[kind.tag_field] = st.just(kind.tag)
    return st.fixed_dictionaries(required, optional=optional)


ANY_RUN = values_of(inspect.type_info(RunConfig))
ANY_POOL = values_of(inspect.type_info(Pool))


@st.composite
def configs(draw: st.DrawFn) -> RunConfig:
    """Runs of any values, most of which break no rule."""
    values = draw(ANY_RUN)
    values["pools"]["generator"] = draw(ANY_POOL)
    values.get("recovery", {}).pop("escalate_to", None)
    values.pop("ray_address", None)
    values["corpus"].pop("encoding", None)
    return msgspec.convert(values, RunConfig)


@given(config=configs())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back(config: RunConfig) -> None:
    """run.yaml holds the run exactly, whatever the values; one that breaks a rule is refused the same way again."""
    problem = broken_rule(config)
    event("breaks a rule" if problem else "can be run")
    if problem is None:
        assert load_text(to_yaml(config)) == config
        assert difference(config, load_text(to_yaml(config))) == []
    else:
        assert refusal(to_yaml(config)) == problem


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield (*path, key)
        yield from places(item, (*path, key))


RAW = plain(CONFIG)
PLACES = list(places(RAW))
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just(10**400)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)),
    max_leaves=4,
)


@pytest.mark.slow
@given(place=st.sampled_from(PLACES), action=st.sampled_from(["drop", "rename", "retype"]), junk=JUNK, name=TEXT)
@settings(max_examples=200, deadline=None)
def test_no_change_breaks_the_loader(place: tuple[Any, ...], action: str, junk: Any, name: str) -> None:
    """Any key dropped, renamed or given any value: a configuration or one line, never another exception."""
    values = deepcopy(RAW)
    within = values
    for key in place[:-1]:
        within = within[key]
    old = within.pop(place[-1]) if isinstance(within, dict) else within[place[-1]]
    if isinstance(within, list) or action == "retype":
        within[place[-1]] = junk
    elif action == "rename":
        within[name] = old
    try:
        load_text(yaml.safe_dump(values, allow_unicode=True), "x.yaml")
    except ConfigError as error:
        message = str(error)
        assert message.startswith("x.yaml: ")
        assert len(message.splitlines()) == 1


@given(text=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WHOLE.splitlines()), max_size=14).map("\n".join)))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_loader(text: str) -> None:
    """Any text, and any shuffling of lines of a real one."""
    try:
        load_text(text)
    except ConfigError as error:
        assert "\n" not in str(error)


NAMED_BY_THE_USER = [("pools",), ("gates",), ("options",)]


@given(
    place=st.sampled_from(
        [place for place in PLACES if isinstance(place[-1], str) and place[-2:-1] not in NAMED_BY_THE_USER]
    )
)
def test_a_mistyped_key_is_found_where_it_is(place: tuple[Any, ...]) -> None:
    """Whatever key has a letter too many, the message names its whole path and the right name."""
    values = deepcopy(RAW)
    within = values
    for key in place[:-1]:
        within = within[key]
    within[f"{place[-1]}x"] = within.pop(place[-1])
    wrong = ".".join([*place[:-1], f"{place[-1]}x"])
    assert refusal(yaml.safe_dump(values)) == f"{wrong}: unknown key; did you mean '{place[-1]}'?"
