"""What pyproject.toml pins, and what the command line takes: the two that every cluster's files must agree with."""

import shlex
import tomllib
from pathlib import Path

import typer

from deployments.cli import app

ROOT = Path(__file__).parent.parent.parent
CLUSTERS = ROOT / "deployments" / "clusters"
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSION: str = _PROJECT["version"]
RAY: str = next(line for line in _PROJECT["dependencies"] if line.startswith("ray[")).split("==")[1]


def understood(command: str) -> dict[str, object]:
    """What the command line makes of `gleaner …`, without doing it. Raises click's UsageError for what it refuses."""
    program, name, *arguments = shlex.split(command)
    assert program == "gleaner"
    known = getattr(typer.main.get_command(app), "commands")[name]  # noqa: B009  a group, which typer does not say
    return known.make_context(name, arguments).params
