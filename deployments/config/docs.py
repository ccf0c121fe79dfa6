"""Makes `docs/configuration.md` from the fields and docstrings of `schemas.config` and the modules of its sections.

`python -m deployments.config.docs` writes it.
"""

from pathlib import Path

import msgspec
from msgspec import inspect

from deployments.config.faults import allowed
from deployments.config.identity import plain
from deployments.config.schema import Section, facts, is_section, sections

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
- *to more*: a number of orders may grow, and `gleaner run` makes those that are missing, of known passages too.
- *never*: it changes which orders there are. Another `--output` is another run.

This page is made from the fields of `schemas/config.py` and the modules beside it:
`python -m deployments.config.docs`.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(section) for section in sections())


def _section(section: Section) -> str:
    kind, places = section.type, section.places
    names = dict.fromkeys(place.rsplit(".", 1)[-1] for place in places) if len(places) > 1 else places
    title = ", ".join(f"`{name}`" for name in names) if names != ("",) else "The file"
    if kind.tag_field is not None:
        title += f" with `{kind.tag_field}: {kind.tag}`"
    lines = [f"\n## {title}\n", _one_line(section.cls.__doc__ or "") + "\n"]
    if len(places) > 1:
        lines.append("In " + ", ".join(f"`{place}`" for place in places) + ".\n")
    lines += ["| key | value | default | may change | |", "| --- | --- | --- | --- | --- |"]
    if kind.tag_field is not None and section.choice is not None:
        lines.append(f"| `{kind.tag_field}` | {kind.tag} | required | {section.choice.value} | |")
    lines += (_row(section, field) for field in kind.fields)
    return "\n".join(lines) + "\n"


def _row(section: Section, field: inspect.Field) -> str:
    fact = facts(section.cls)[field.name]
    default = "required" if field.required else f"`{_default(field)}`"
    change = "" if is_section(field.type) or fact.change is None else fact.change.value
    cells = (f"`{field.encode_name}`", allowed(field.type), default, change, fact.words)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: inspect.Field) -> str:
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if isinstance(value, msgspec.Struct):
        return "{}"
    return msgspec.json.encode(plain(value)).decode().replace(",", ", ").replace(":", ": ")


def _one_line(words: str) -> str:
    return " ".join(words.split())


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
