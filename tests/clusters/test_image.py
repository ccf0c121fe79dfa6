"""The Dockerfile, without a Docker to build it: its base, its user, what it copies, and nothing secret in it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.clusters.pins import RAY, ROOT

_LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
STEPS = [tuple(line.split(maxsplit=1)) for line in _LINES if line and not line.startswith("#")]


def steps(instruction: str) -> list[str]:
    return [rest for name, rest in STEPS if name == instruction]


def test_the_base_has_the_pinned_ray_and_is_that_of_ray_up() -> None:
    """One Ray everywhere: a pin, the image, cluster.yaml."""
    (base,) = steps("FROM")
    assert re.fullmatch(rf"rayproject/ray:{re.escape(RAY)}-py31[12]-gpu", base)
    assert base == yaml.safe_load((ROOT / "cluster.yaml").read_text())["docker"]["image"]


def test_one_thing_is_done_as_root() -> None:
    """The base image's user may become root without a password: that right goes; the rest is done as the user."""
    assert steps("USER") == ["root", "ray"]
    assert STEPS[1] == ("USER", "root") and STEPS[3] == ("USER", "ray")
    instruction, removal = STEPS[2]
    assert instruction == "RUN" and "NOPASSWD' /etc/sudoers /etc/sudoers.d" in removal
    assert not any("sudo" in rest for _, rest in STEPS[3:])


@pytest.mark.skipif(shutil.which("sed") is None, reason="no sed")
def test_the_line_of_the_base_image_is_removed(tmp_path: Path) -> None:
    """As rayproject/ray's own Dockerfile writes it; what else may stand there stays."""
    sudoers = tmp_path / "sudoers"
    sudoers.write_text("root ALL=(ALL:ALL) ALL\nray ALL=NOPASSWD: ALL\n")
    (script,) = re.findall(r"sed -i '([^']+)'", STEPS[2][1])
    subprocess.run(["sed", "-i", script, sudoers], check=True)
    assert sudoers.read_text() == "root ALL=(ALL:ALL) ALL\n"


def test_what_it_copies_is_there_and_let_through() -> None:
    """A path that .dockerignore keeps out, or that is gone, fails only when somebody builds."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    sources = {source.removeprefix("./") for rest in steps("COPY") for source in rest.split()[1:-1]}
    assert sources >= {"pyproject.toml", "schemas", "actors", "deployments", "examples"}
    for source in sources:
        path = ROOT / source
        assert path.exists()
        assert f"!{source}/" in ignored if path.is_dir() else f"!{source}" in ignored
    assert len(sources) == sum(line.startswith("!") for line in ignored)


def test_no_secret_is_in_it() -> None:
    """No argument, variable or copied file that could hold a token or a key."""
    assert steps("ARG") == []
    assert not re.search(r"(?i)(token|key|secret|password)\w*=(?!token\b)", " ".join(steps("ENV")))
    assert "RAY_AUTH_MODE=token" in " ".join(steps("ENV"))
