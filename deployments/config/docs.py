"""`docs/configuration.md`, made from the types in `schemas.config` and the words beside each field, not by hand.

`python -m deployments.config.docs` writes it anew.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

import schemas.config
import schemas.config_audit
import schemas.config_credit
import schemas.config_deployed
import schemas.config_engines
import schemas.config_gates
import schemas.config_injection
from deployments.config.faults import allowed
from deployments.config.identity import change_of, plain
from schemas.config import RunConfig

_MODULES: tuple[Any, ...] = (
    schemas.config,
    schemas.config_audit,
    schemas.config_credit,
    schemas.config_deployed,
    schemas.config_engines,
    schemas.config_gates,
    schemas.config_injection,
)
PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
_HEAD = """# Configuration

A run is one YAML file. It is decoded strictly: an unknown key, a wrong type or an impossible value is refused before
anything starts, with the key's path, what is allowed and the nearest valid name. Relative paths begin at the file's
folder. Environment variables are not expanded, and secrets are refused: name the variable that holds one.

The column *may change* says when a key may differ from what a folder's run began with. A difference is shown key by
key, old → new, and refused where it may not be taken.

- *any resume*: it changes no sample (where and how fast things run, and their bounds). `gleaner run` takes it.
- *replay*: it changes how attempts are made and judged. `gleaner run` refuses it; `gleaner replay DIR --config
  RUN.yaml` takes it, for the dead letters that it puts back. What is accepted stays as it is.
- *never*: it changes which orders there are, or which of them are made bad on purpose. Another `--output` is another
  run.

This page is made from `schemas/config.py` and the modules beside it by `python -m deployments.config.docs`.
"""


def page() -> str:
    """The whole page."""
    sections = _sections(inspect.type_info(RunConfig), {})
    return _HEAD + "".join(_section(kind, places) for kind, places in sections.items())


def _sections(kind: inspect.Type, found: dict[Any, list[str]], place: str = "") -> dict[Any, list[str]]:
    """Every kind of section in the order a reader meets them, each once, with the places where it may stand."""
    match kind:
        case inspect.StructType():
            places = found.setdefault(kind.cls, [])
            places += [place] if place not in places else []
            for field in kind.fields:
                _sections(field.type, found, f"{place}.{field.encode_name}" if place else field.encode_name)
        case inspect.UnionType():
            for each in kind.types:
                _sections(each, found, place)
        case inspect.DictType():
            _sections(kind.value_type, found, f"{place}.NAME")
    return found


def _section(cls: Any, places: list[str]) -> str:
    kind = inspect.type_info(cls)
    assert isinstance(kind, inspect.StructType)
    words = _words()[cls.__name__]
    names = dict.fromkeys(place.rsplit(".", 1)[-1] for place in places) if len(places) > 1 else places
    title = ", ".join(f"`{name}`" for name in names) if places[0] else "The file"
    if kind.tag_field is not None:
        title += f" with `{kind.tag_field}: {kind.tag}`"
    lines = [f"\n## {title}\n", words[""] + "\n"]
    if len(places) > 1:
        lines.append("In " + ", ".join(f"`{place}`" for place in places) + ".\n")
    lines += ["| key | value | default | may change | |", "| --- | --- | --- | --- | --- |"]
    if kind.tag_field is not None:
        lines.append(f"| `{kind.tag_field}` | {kind.tag} | required | {change_of(cls, kind.tag_field).value} | |")
    lines += (_row(cls, field, words.get(field.name, "")) for field in kind.fields)
    return "\n".join(lines) + "\n"


def _row(section: Any, field: inspect.Field, words: str) -> str:
    default = "required" if field.required else f"`{_default(field)}`"
    change = "" if is_section(field.type) else change_of(section, field.name).value
    cells = (f"`{field.encode_name}`", allowed(field.type), default, change, words)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def is_section(kind: inspect.Type) -> bool:
    """Whether a key of the type holds keys of its own, each with its class."""
    match kind:
        case inspect.StructType():
            return True
        case inspect.UnionType():
            return any(is_section(each) for each in kind.types)
        case inspect.DictType():
            return is_section(kind.value_type)
    return False


def _default(field: inspect.Field) -> str:
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if isinstance(value, msgspec.Struct):
        return "{}"
    return msgspec.json.encode(plain(value)).decode().replace(",", ", ").replace(":", ": ")


def _words() -> dict[str, dict[str, str]]:
    """What stands beside each field of each section; under the empty name, what the section is for."""
    modules = [ast.parse(Path(module.__file__).read_text(encoding="utf-8")) for module in _MODULES]
    sections = (node for module in modules for node in module.body if isinstance(node, ast.ClassDef))
    return {section.name: dict(_field_words(section)) for section in sections}


def _field_words(section: ast.ClassDef) -> Iterator[tuple[str, str]]:
    yield "", " ".join((ast.get_docstring(section) or "").split())
    for field, after in zip(section.body, [*section.body[1:], None], strict=True):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                yield name, " ".join(words.split())


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
