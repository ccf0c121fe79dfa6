"""What Serve says of a deployment, and what a run makes of it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from ray import serve
from ray.serve._private.common import DeploymentStatus
from ray.serve._private.common import DeploymentStatusTrigger as Trigger
from ray.serve.schema import ApplicationStatus, ApplicationStatusOverview, DeploymentStatusOverview, ServeStatus

from deployments.config.load import load, load_text
from deployments.monitoring.endpoint import moment
from deployments.monitoring.progress import Phase, Progress
from deployments.monitoring.standstill import waits_of
from deployments.ray.launch import Launch
from deployments.serve import deployments as serving
from deployments.serve.deployments import check_fits, failed_for_good, names, replica_status
from schemas.config import Pool
from schemas.config_deployed import Replicas
from schemas.config_engines import HttpEngine, VllmEngine
from schemas.config_gates import Classifier, LlmJudge
from schemas.errors import ConfigError
from schemas.ids import PoolName
from schemas.verdicts import REWARD

FAILED_CHECK = "A replica's health check failed."
NODE_LOST = """The deployment failed to start 2 times in a row. This may be due to a problem with its constructor or
initial health check failing. Error: The actor died unexpectedly before finishing this task. The actor died because its
node has died. Node Id: 40d0 the actor's node was terminated unexpectedly: health check failed due to missing too many
heartbeats The actor never ran - it was cancelled before it started running.""".replace("\n", " ")


def test_a_pool_keeps_its_name_whatever_the_folder_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder `a-pool-b`, a pool `x-pool-y`: board, status and metrics know each by its name in the configuration."""
    config = load(Path(__file__).parents[3] / "examples" / "quickstart.yaml")
    config = replace(config, pools={"x-pool-y": config.pools["generator"], **config.pools})
    where = names(config, Launch("a-pool-b", "876673b39d27", "0123456789").name)
    monkeypatch.setattr(serve, "status", lambda: ServeStatus(applications={}))
    replicas = tuple(replica_status(where))
    roles = ["x-pool-y", "generator", *config.pools.keys() - {"x-pool-y", "generator"}, "faithfulness", "reward"]
    assert sorted(status.role for status in replicas) == sorted(roles)
    told = moment(Progress(at=1.0, phase=Phase.STARTING, replicas=replicas))
    assert told.replicas.keys() == set(roles)
    waits = waits_of(Progress(at=1.0, phase=Phase.RUNNING, replicas=replicas, moved_at=0.0))
    assert {loading.name for loading in waits.loading} == set(roles)


def application(
    status: ApplicationStatus, *deployments: tuple[DeploymentStatus, Trigger], message: str = FAILED_CHECK
) -> ApplicationStatusOverview:
    """As `serve.status()` shows it."""
    told = {
        str(number): DeploymentStatusOverview(status=status, status_trigger=trigger, replica_states={}, message=message)
        for number, (status, trigger) in enumerate(deployments)
    }
    return ApplicationStatusOverview(status=status, message="", last_deployed_time_s=0.0, deployments=told)


@pytest.mark.parametrize(
    ("trigger", "for_good"),
    [(Trigger.REPLICA_STARTUP_FAILED, True), (Trigger.HEALTH_CHECK_FAILED, False)],
    ids=["its model cannot be loaded", "one was killed while another started"],
)
def test_why_a_deployment_failed_decides(trigger: Trigger, for_good: bool) -> None:
    """A replica that dies in a run's first seconds is replaced; one that cannot start ends the run."""
    failed = application(ApplicationStatus.DEPLOY_FAILED, (DeploymentStatus.DEPLOY_FAILED, trigger))
    assert failed_for_good(failed) is for_good


def test_one_that_cannot_start_beside_one_that_was_killed() -> None:
    """A killed replica does not excuse one that cannot start."""
    both = (Trigger.HEALTH_CHECK_FAILED, Trigger.REPLICA_STARTUP_FAILED)
    failed = application(
        ApplicationStatus.DEPLOY_FAILED, *((DeploymentStatus.DEPLOY_FAILED, trigger) for trigger in both)
    )
    assert failed_for_good(failed)


def test_a_node_that_dies_while_models_start_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both replicas of a pool were to start on a node that was gone, and Serve has given the pool up: it is asked for
    again. One whose model cannot be loaded is not."""
    startup = (DeploymentStatus.DEPLOY_FAILED, Trigger.REPLICA_STARTUP_FAILED)
    lost = application(ApplicationStatus.DEPLOY_FAILED, startup, message=NODE_LOST)
    cut_off = application(ApplicationStatus.DEPLOY_FAILED, startup, message=f"ray.exceptions.{serving.CUT_OFF}: …")
    broken = application(ApplicationStatus.DEPLOY_FAILED, startup, message="ModelError: no such model")
    assert not failed_for_good(lost) and not failed_for_good(cut_off) and failed_for_good(broken)
    where = serving.DeploymentNames(
        pools={PoolName("a"): "run-a", PoolName("b"): "run-b"}, gates={REWARD: "run-c"}, board="board"
    )
    running = application(
        ApplicationStatus.RUNNING, (DeploymentStatus.HEALTHY, Trigger.UPSCALE_COMPLETED), message=NODE_LOST
    )
    told = SimpleNamespace(applications={"run-a": lost, "run-b": broken, "run-c": running})
    monkeypatch.setattr(serve, "status", lambda: told)
    assert serving.lost_with_a_node(where) == ["run-a"]


def test_an_application_that_was_never_built_has_failed() -> None:
    """It has no deployment to say why."""
    assert failed_for_good(application(ApplicationStatus.DEPLOY_FAILED))


@pytest.mark.parametrize(
    "status", [ApplicationStatus.DEPLOYING, ApplicationStatus.RUNNING, ApplicationStatus.UNHEALTHY]
)
def test_everything_else_goes_on(status: ApplicationStatus) -> None:
    """Serve mends what it can."""
    replica = (DeploymentStatus.UNHEALTHY, Trigger.HEALTH_CHECK_FAILED)
    assert not failed_for_good(application(status, replica))


README = Path(__file__).parents[3] / "README.md"


def readme_example() -> str:
    return README.read_text().split("```yaml\n")[1].split("```")[0]


@pytest.fixture
def for_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """vLLM's build for GPUs is installed, not the one for CPUs."""
    monkeypatch.setattr(serving, "_has_vllm_for_cpus", lambda: False)


@pytest.mark.usefixtures("for_gpus")
def test_the_readmes_example_runs() -> None:
    """It decodes, its replicas see the GPUs that they need, and a thinking model is configured not to think."""
    config = load_text(readme_example())
    check_fits(config, {"CPU": 8.0, "GPU": 2.0})
    engine = config.pools["generator"].engine
    assert isinstance(engine, VllmEngine)
    assert engine.chat_template_kwargs == {"enable_thinking": False}


@pytest.mark.usefixtures("for_gpus")
@pytest.mark.parametrize(
    ("engine", "replicas", "advice"),
    [
        ("{kind: vllm, model: m}", "{}", "is 0, .* set it to 1 .a part of one is allowed"),
        ("{kind: vllm, model: m, engine_args: {tensor_parallel_size: 2}}", "{num_gpus: 1}", "is 1, .* set it to 2"),
        ("{kind: transformers, model: m, device: 'cuda:0'}", "{}", "is 0, .* set it to 1 .a part of one is allowed"),
    ],
)
def test_an_engine_that_would_see_no_gpu(engine: str, replicas: str, advice: str) -> None:
    """A forgotten `replicas` on a machine with GPUs: Ray hides them all from it. Said before anything starts."""
    before, after = readme_example().split("  reward:")
    reward = f"  reward:\n    form: classifier\n    engine: {engine}\n    replicas: {replicas}\n"
    config = load_text(before + reward + after.split("positive_label: 0\n")[1])
    with pytest.raises(ConfigError, match=rf"gates\.reward\.replicas\.num_gpus {advice}"):
        check_fits(config, {"CPU": 8.0, "GPU": 8.0})
    check_fits(load_text(readme_example()), {"CPU": 8.0, "GPU": 8.0})


def test_what_runs_without_a_gpu_runs_beside_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quickstart on a GPU host, and vLLM's build for CPUs."""
    monkeypatch.setattr(serving, "_has_vllm_for_cpus", lambda: True)
    for example in ("quickstart", "quickstart-vllm"):
        check_fits(load(README.parent / f"examples/{example}.yaml"), {"CPU": 8.0, "GPU": 1.0})


def test_a_replica_that_waits_for_a_server_takes_little() -> None:
    """Three waiting replicas on a laptop with two cores; a computing one takes a core, or the configured number."""
    http = HttpEngine("http://127.0.0.1:8000/v1", "m")
    assert Pool(http).replicas.num_cpus == 0.1
    assert LlmJudge(http, Replicas(max=2)).replicas == Replicas(max=2, num_cpus=0.1)
    assert Classifier(http, Replicas(num_cpus=0.5)).replicas.num_cpus == 0.5
    assert Pool(VllmEngine("m")).replicas.num_cpus == 1.0
