"""What a configuration says of the calls that orders make: the pools that they go to, and how long a completion of the
task may be."""

from collections.abc import Iterator

from msgspec import Struct

from schemas.config import FRESH_POOL, RunConfig
from schemas.config_gates import CustomGate, shared_pools
from schemas.config_tasks import CustomTask, GroundedAnswer, Prompted, SamplingDefaults
from schemas.ids import PoolName


class TaskCall(Struct, frozen=True):
    """One call of an attempt. `pool`: that it names; None: the attempt's own. `longest`: its longest completion, in
    tokens, with thoughts. `limit`: the keys that say so, in words."""

    pool: str | None
    longest: int
    limit: str


def task_calls(config: RunConfig) -> tuple[TaskCall, ...]:
    """The calls of one attempt, in order. A task of the user's own is known as one call, whatever it makes."""
    return tuple(_calls(config))


def needed_pools(config: RunConfig) -> frozenset[PoolName]:
    """The pools that every order needs, beside that of fresh orders: those that the task's calls name, and those that
    judge for a gate. A task or a gate of the user's own may ask any pool but those that are there for something
    else."""
    named = {*shared_pools(config.gates).values(), *(call.pool for call in task_calls(config) if call.pool is not None)}
    if isinstance(config.task, CustomTask) or any(isinstance(gate, CustomGate) for gate in config.gates.values()):
        named |= config.pools.keys() - {config.recovery.escalate_to, config.probes.injector.verifier}
    return frozenset(map(PoolName, named))


def longest_call(config: RunConfig, pool: str) -> TaskCall | None:
    """The call with the longest completion among those that may go to the pool; None if none may."""
    attempts = (FRESH_POOL, config.recovery.escalate_to)
    goes_anywhere = isinstance(config.task, CustomTask) or pool in attempts
    mine = (call for call in task_calls(config) if call.pool == pool or (call.pool is None and goes_anywhere))
    return max(mine, key=lambda call: call.longest, default=None)


def _calls(config: RunConfig) -> Iterator[TaskCall]:
    task = config.task
    if not isinstance(task, Prompted):
        several = task.samples_per_call if isinstance(task, GroundedAnswer) else 1
        yield _call(None, task.sampling, "task", several)
        return
    for index, step in enumerate(task.calls):
        if step.sampling is None:
            yield _call(step.pool, task.sampling, "task")
        else:
            yield _call(step.pool, step.sampling, f"task.steps[{index}]")


def _call(pool: str | None, sampling: SamplingDefaults, section: str, samples: int = 1) -> TaskCall:
    several = " of task.samples_per_call samples" if samples > 1 else ""
    thinking = " and thinking_tokens" if sampling.thinking_tokens else ""
    longest = samples * sampling.max_tokens + sampling.thinking_tokens
    return TaskCall(pool, longest, f"{section}.sampling.max_tokens{several}{thinking}")
