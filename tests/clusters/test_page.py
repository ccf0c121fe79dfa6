"""docs/clusters.md tells commands that are there and files that exist."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from deployments.config.load import load
from tests.clusters.pins import CLUSTERS, ROOT, understood

PAGE = ROOT / "docs" / "clusters.md"
FILES = [PAGE, ROOT / "README.md", ROOT / "cluster.yaml", *sorted(CLUSTERS.iterdir())]
COMMAND = re.compile(r"\bgleaner (?:run|preview|status|explain|verify|report|drain) [^'\n`#]*")


def commands() -> list[str]:
    """Every `gleaner …` of the page and the cluster files, shell variables as they stand."""
    found = [match.group() for path in FILES for match in COMMAND.finditer(path.read_text())]
    return sorted({command.rstrip(" &\\") for command in found if "DIR" not in command and "…" not in command})


def test_there_are_commands() -> None:
    """The test below has something to read."""
    assert len(commands()) >= 8


@pytest.mark.parametrize("command", commands())
def test_every_command_is_understood(command: str) -> None:
    """An option that was renamed is found here and not on a cluster."""
    assert understood(command)


def test_the_smoke_run_is_the_quickstart_on_a_cluster() -> None:
    """The quickstart is run by other tests; the page's figures are of both."""
    smoke, quickstart = load(ROOT / "examples" / "smoke.yaml"), load(ROOT / "examples" / "quickstart.yaml")
    assert smoke.ray_address == "auto"
    assert replace(smoke, name=quickstart.name, ray_address=None) == quickstart


@pytest.mark.parametrize(
    "page", [PAGE, ROOT / "docs" / "decisions" / "0004-queue-shards.md"], ids=lambda page: page.stem
)
def test_what_it_names_exists(page: Path) -> None:
    """Links, and the project's files in running text."""
    text = page.read_text()
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
    named = re.findall(r"\b(?:tests|deployments|examples|actors|schemas)/[\w./-]+\.\w+", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
