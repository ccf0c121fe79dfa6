"""docs/dependencies.md says why each dependency is here: none without a reason, no reason for what is gone."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent


def named(requirement: str) -> str:
    return re.split(r"[\[=<>~! ;]", requirement, maxsplit=1)[0]


def test_every_dependency_has_its_reason() -> None:
    """Someone adds a package to pyproject.toml: the page asks for one line of why."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    page = (ROOT / "docs" / "dependencies.md").read_text()
    explained = {
        re.split(r"\[", name)[0]
        for line in page.splitlines()
        if line.startswith("|")
        for name in re.findall(r"`([^`]+)`", line)
    }
    extras = set(project["optional-dependencies"])
    assert {named(requirement) for requirement in asked} - {"gleaner"} == explained - (extras - set(map(named, asked)))


OURS = ("actors", "deployments", "schemas", "gleaner")
TEMPLATES = ROOT / "deployments" / "templates"
"""Files for users' own folders."""
EXTRACTORS = ROOT / "actors" / "corpus" / "extract"
"""Imported when such a document is read; without the extra `documents` a reader says so."""

TRACKERS = ROOT / "deployments" / "monitoring" / "trackers"
"""Imported in the process of a tracker that the configuration has; a run looks for the extra before it begins."""


def imported_at_once(body: list[ast.stmt]) -> Iterator[str]:
    """Top names of what a module imports when it is imported: not in functions, nor for type checkers alone."""
    for statement in body:
        match statement:
            case ast.Import():
                yield from (alias.name.partition(".")[0] for alias in statement.names)
            case ast.ImportFrom():
                yield (statement.module or "").partition(".")[0]
            case ast.If(test=ast.Name("TYPE_CHECKING")):
                pass
            case ast.If() | ast.With() | ast.ClassDef():
                yield from imported_at_once(statement.body)


def test_what_is_imported_is_installed() -> None:
    """A user has the dependencies and no extra: whatever a module imports at once is one of them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installed = {named(requirement).lower().replace("_", "-") for requirement in project["dependencies"]}
    installed |= {"tokenizers"}  # transformers' own
    distributions = packages_distributions()
    missing = set()
    for path in (
        path
        for package in OURS
        for path in (ROOT / package).rglob("*.py")
        if not {TEMPLATES, EXTRACTORS, TRACKERS} & {*path.parents}
    ):
        for name in set(imported_at_once(ast.parse(path.read_text()).body)) - {*OURS, *sys.stdlib_module_names}:
            owners = {owner.lower().replace("_", "-") for owner in distributions.get(name, ())}
            if not owners & installed:
                missing.add((path.relative_to(ROOT).as_posix(), name))
    assert missing == set()
