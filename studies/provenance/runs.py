"""The product's own loop under a recovery policy, over the same orders with the same draws.

Law: queue, conductor, gates, diagnoser and policy are the run's; only Ray is left out, and the models remember. First
attempts are the same in every arm, so whatever differs comes from the policy.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from actors.conductor import Toolbox
from actors.gates.build import build_gate
from actors.protocols import Orders
from deployments.build.wiring import toolbox
from schemas.config import FRESH_POOL, RunConfig
from schemas.config_gates import gate_models
from schemas.ids import PoolName
from schemas.ledger import Record
from schemas.orders import OrderKind
from schemas.recovery import Experience
from schemas.verdicts import FAITHFULNESS, REWARD, GateName
from studies.frame.loop import records_of
from studies.provenance.kit import FIRST, MODELS, Kit
from studies.provenance.machines import Remembering, classifier, generator
from studies.provenance.plan import Plan, Setting
from studies.provenance.tries import Try, tries_of
from studies.provenance.warm import Warm
from studies.provenance.world import World, run_config


@dataclass(frozen=True)
class Machines:
    """What the runs of a seed at a scale share."""

    writer: Remembering
    judges: Mapping[GateName, Remembering]


async def machines(stack: AsyncExitStack, scale: str, memory: Path, kit: Kit = FIRST) -> Machines:
    """Loaded, with what they remember; closed with the stack."""
    writer = await generator(stack, scale, memory)
    models = {FAITHFULNESS: kit.judge, REWARD: MODELS / "reward"}
    return Machines(writer, {gate: await classifier(stack, model, memory) for gate, model in models.items()})


async def arm(plan: Plan, world: World, shared: Machines, *, setting: Setting, policy: str) -> list[Try]:
    """Every attempt of the world's orders under the policy."""
    return tries_of(await records(plan, world, shared, setting=setting, policy=policy), world.told)


async def records(
    plan: Plan, world: World, shared: Machines, *, setting: Setting, policy: str, prior: Experience | None = None
) -> list[Record]:
    """The ledger of a run that brings every order and probe to its end. `prior`: what its policy begins with."""
    config = run_config(plan, world.config, seed=world.seed, setting=setting, policy=policy, kit=world.kit)
    return await records_of(config, world.told, partial(_tools, config, world, shared, prior))


def _tools(config: RunConfig, world: World, shared: Machines, prior: Experience | None, orders: Orders) -> Toolbox:
    models = gate_models(config.gates)
    scored = {gate: build_gate(gate, model, shared.judges[gate]) for gate, model in models.items()}
    # the injector reads the whole corpus: made once for the world, not for every arm
    plain = replace(config, probes=replace(config.probes, rate=0.0))
    tools = toolbox(plain, orders, {PoolName(FRESH_POOL): shared.writer}, scored)
    recovery = tools.recovery if prior is None else Warm(tools.recovery, prior)
    return replace(tools, makers={OrderKind.PROBE: world.maker}, recovery=recovery)
