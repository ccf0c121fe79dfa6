"""Every error names a page of the docs, and every page that is named exists, with its anchor."""

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from deployments.cli import app
from deployments.terminal import pages
from deployments.terminal.boundary import boundary, with_page
from deployments.terminal.pages import BY_COMMAND, BY_KEY, BY_TYPE, page_of
from schemas import errors
from schemas.config import RunConfig
from schemas.errors import ConfigError, HeldError, ModelError, OutputError, PoolAwayError, UserError

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"\bdocs/([\w/-]+\.md(?:#[\w-]+)?)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def named() -> set[str]:
    """Every page that the tables have or that a text of the code names."""
    sources = [path for folder in ("actors", "deployments", "schemas") for path in (ROOT / folder).rglob("*.py")]
    said = {page for path in sources for page in NAMED.findall(path.read_text(encoding="utf-8"))}
    tables = {
        *BY_TYPE.values(),
        *BY_KEY.values(),
        *BY_COMMAND.values(),
        pages.BUG,
        pages.BEGINNING,
        pages.CONFIGURATION,
    }
    return said | tables


@pytest.mark.parametrize("page", sorted(named()))
def test_the_page_is_there(page: str) -> None:
    """A page that was renamed, or a heading that was reworded, is found here and not by who needs it."""
    file, _, anchor = page.partition("#")
    assert (ROOT / "docs" / file).is_file()
    assert not anchor or anchor in anchors(ROOT / "docs" / file)


def test_every_command_has_a_page() -> None:
    """A new command says where its errors are explained."""
    assert set(getattr(typer.main.get_command(app), "commands")) == set(BY_COMMAND)  # noqa: B009 - a group


def test_every_key_of_a_run_has_a_page() -> None:
    """Every section of the configuration, and nothing that is none."""
    assert {key.partition(".")[0] for key in BY_KEY} == set(RunConfig.__struct_fields__)


def test_every_error_that_is_shown_has_a_page() -> None:
    """A kind of error that is not the user's configuration has a page of its own."""
    shown = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, UserError)]
    assert {kind for kind in shown if not issubclass(kind, tuple(BY_TYPE))} == {UserError, ConfigError}


@pytest.mark.parametrize(
    ("error", "page"),
    [
        (ConfigError("run.yaml: pools.generator.engine.base_url: no address"), "servers.md#what-your-server-may-need"),
        (ConfigError("pools.generator.replicas.num_gpus: must be …"), "scaling.md#setting-it-up"),
        (ConfigError("a b/run.yaml: gates.my-gate.provenance.k: must be …"), "measuring.md#what-the-judge-is-shown"),
        (ConfigError("run.yaml: corpus.paths[0]: must be text, not 3"), "corpus.md#what-is-read"),
        (ConfigError("run.yaml: stop.accepted_of: no such variable"), "stopping.md#so-many-of-each"),
        (ConfigError("run.yaml: line 3, column 1: not YAML"), "configuration.md"),
        (ConfigError("run.yaml: samples: unknown key"), "configuration.md"),
        (UserError("gates.length.check: no module named x"), "gates.md"),
        (UserError("--split train: no share"), "exports.md"),
        (ModelError("pools.generator: no such model"), "first-contact.md#the-first-mistakes"),
        (HeldError("runs/a: another run is writing here"), "durability.md#stopping"),
        (OutputError("runs/a: No space left on device"), "durability.md#one-truth"),
        (PoolAwayError("generator", "away", 0.0, "gone"), "monitoring.md#gleanerpoolpaused"),
        (RuntimeError("boom"), "monitoring.md#logs"),
    ],
)
def test_the_page_that_helps(error: Exception, page: str) -> None:
    """By the error's type, then by the key that it is about, then by the command that was given."""
    assert page_of(error, "export") == page


def test_an_error_that_names_a_page_keeps_it() -> None:
    """One page is enough."""
    words = "error: --metrics-port 1: in use; name another (docs/monitoring.md)"
    assert with_page(words, UserError(words)) == words


def test_it_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """What a person sees, at the one place where errors become words."""
    with pytest.raises(typer.Exit), boundary():
        raise ConfigError("run.yaml: queue.capacity: must be a whole number")
    said = "gleaner: error: run.yaml: queue.capacity: must be a whole number (docs/clusters.md#how-large)\n"
    assert capsys.readouterr().err == said


def test_a_command_that_is_given_names_its_own_page(tmp_path: Path) -> None:
    """As a shell gives it; with --json stdout stays empty of words."""
    told = CliRunner().invoke(app, ["verify", str(tmp_path / "none"), "--json"])
    assert told.exit_code == 2 and told.stdout == ""
    assert told.stderr.rstrip().endswith("(docs/durability.md#what-verify-says-of-a-folder-in-use)")
