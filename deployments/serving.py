"""Which Serve deployments a run has, and how each is scaled. The only file that calls Serve's deployment API.

Law: every pool and gate is an application of its own, named after the run, so that two runs share a cluster unharmed.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from ray import serve
from ray.serve.schema import ApplicationStatus

from deployments.gate import ModelGate
from deployments.generator import GeneratorPool
from deployments.progress import ReplicaStatus
from schemas.config import Replicas, RunConfig
from schemas.errors import ConfigError, ModelError
from schemas.ids import PoolName
from schemas.verdicts import GateName

BATCHES_PER_REPLICA = 8
"""Target of Serve's autoscaler: micro-batches under way in one replica."""


class DeploymentNames(Struct, frozen=True):
    """Application names of one run, by pool and by gate."""

    pools: dict[PoolName, str]
    gates: dict[GateName, str]

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.pools.values(), *self.gates.values())


def names(config: RunConfig, run_id: str) -> DeploymentNames:
    """Where each pool and gate of the run is found."""
    return DeploymentNames(
        pools={PoolName(pool): f"{run_id}-pool-{pool}" for pool in config.pools},
        gates={gate: f"{run_id}-{gate.value}" for gate in (GateName.FAITHFULNESS, GateName.REWARD)},
    )


def deploy(config: RunConfig, where: DeploymentNames) -> None:
    """Asks Serve for every pool and gate at once; does not wait for their models."""
    targets = [
        _target(GeneratorPool, where.pools[PoolName(name)], pool.replicas, pool) for name, pool in config.pools.items()
    ]
    for gate in (GateName.FAITHFULNESS, GateName.REWARD):
        model = config.gates.faithfulness if gate is GateName.FAITHFULNESS else config.gates.reward
        targets.append(_target(ModelGate, where.gates[gate], model.replicas, gate, model))
    serve.run_many(targets, wait_for_applications_running=False, wait_for_ingress_deployment_creation=True)


def check_fits(config: RunConfig, resources: Mapping[str, float]) -> None:
    """Raises ConfigError when the smallest number of replicas cannot run side by side: some would wait for ever."""
    wanted = [(f"pools.{name}", pool.replicas) for name, pool in config.pools.items()]
    wanted += [
        ("gates.faithfulness", config.gates.faithfulness.replicas),
        ("gates.reward", config.gates.reward.replicas),
    ]
    for resource, key in (("CPU", "num_cpus"), ("GPU", "num_gpus")):
        needed = sum(getattr(replicas, key) * replicas.min for _, replicas in wanted)
        there = resources.get(resource, 0.0)
        if needed > there:
            largest = max(wanted, key=lambda one: getattr(one[1], key) * one[1].min)[0]
            raise ConfigError(
                f"the smallest set of replicas takes {needed:g} {resource}s, this machine has {there:g}: "
                f"lower {largest}.replicas.{key} or .min (a part of one {resource} is allowed)"
            )


def remove(where: DeploymentNames) -> None:
    """Takes the run's deployments down and waits until their processes have ended."""
    known = serve.status().applications
    for name in where.all:
        if name in known:
            serve.delete(name, _blocking=name == where.all[-1])


def replica_status(where: DeploymentNames) -> list[ReplicaStatus]:
    """How many replicas run and are wanted. Raises ModelError when one can never start, in the model's words."""
    applications = serve.status().applications
    found = []
    for name in where.all:
        application = applications.get(name)
        if application is None:
            found.append(ReplicaStatus(name=name, running=0, wanted=0, state="absent"))
            continue
        if application.status is ApplicationStatus.DEPLOY_FAILED:
            raise ModelError(_why(name, application))
        for deployment in application.deployments.values():
            states = {getattr(state, "value", str(state)): count for state, count in deployment.replica_states.items()}
            found.append(
                ReplicaStatus(
                    name=name,
                    running=states.get("RUNNING", 0),
                    wanted=sum(states.values()),
                    state=application.status.value,
                )
            )
    return found


def _target(replica: type, name: str, replicas: Replicas, *arguments: object) -> serve.RunTarget:
    resources: dict[str, Any] = {"num_cpus": replicas.num_cpus, "num_gpus": replicas.num_gpus}
    if replicas.accelerator_type is not None:
        resources["accelerator_type"] = replicas.accelerator_type
    scale: dict[str, Any] = {"num_replicas": replicas.max}
    if replicas.min != replicas.max:
        scale = {
            "autoscaling_config": {
                "min_replicas": replicas.min,
                "max_replicas": replicas.max,
                "target_ongoing_requests": BATCHES_PER_REPLICA,
            }
        }
    deploy: Any = serve.deployment
    deployment = deploy(
        replica,
        name=name,
        ray_actor_options=resources,
        max_ongoing_requests=replicas.max_ongoing,
        max_constructor_retry_count=2,
        graceful_shutdown_timeout_s=5,
        graceful_shutdown_wait_loop_s=0.2,
        **scale,
    )
    return serve.RunTarget(target=deployment.bind(*arguments), name=name, route_prefix=None)


def _why(name: str, application: Any) -> str:
    messages = [application.message, *(deployment.message for deployment in application.deployments.values())]
    for message in messages:
        for line in reversed(message.splitlines()):
            if "ModelError" in line or "ConfigError" in line:
                return line.split("Error:", 1)[-1].strip()
    return f"{name} did not start: {' '.join(' '.join(messages).split())[-600:]}"
