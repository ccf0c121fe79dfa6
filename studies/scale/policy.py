"""A checkpoint that draws solutions through the product: its engine, its math task, its verifier.

Law: a draw's seed follows from the seed given and the draw's place. A solution is right where the task reads a draft
that the verifier passes; one whose answer cannot be compared is neither right nor wrong.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

from msgspec import Struct
from msgspec.structs import replace

from actors.gates.verifier import VerifierGate, WorkerLimits
from actors.gates.verifier_pool import VerifierPool
from actors.protocols import Engine
from actors.tasks.math import MathTask
from deployments.local.gates import started
from schemas.config import Math, TransformersEngine, VllmEngine
from schemas.config_engines import VllmArgument
from schemas.config_gates import Verifier
from schemas.config_tasks import SamplingDefaults
from schemas.errors import JudgeError, ungrouped
from schemas.orders import Lease, Order
from schemas.recovery import Repair, Repairs
from schemas.samples import Draft, FinishReason, GenerationRequest, Prompt
from schemas.verdicts import GateRequest, Passed
from studies.scale.problems import WorkedProblem
from studies.scale.settings import Settings

UNDER_WAY = 2048
"""Requests that wait in the engine together."""
VERIFIER = Verifier()


class Reply(Struct, frozen=True):
    """What a model wrote behind a problem and the steps given. `ended`: it was not cut off."""

    text: str
    ended: bool


class Grade(Struct, frozen=True):
    """A whole solution as the product reads it. `right`: None where it could not be read or compared."""

    solution: str
    right: bool | None


class Policy:
    """A checkpoint in an engine of its own; used as a context, so that the engine ends. `generated`, `prompted`: tokens
    so far."""

    def __init__(self, model: str | Path, settings: Settings) -> None:
        self._config = engine_of(model, settings)
        self._settings = settings
        self._task = math_task(settings)
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._engine: Engine
        self._gate: VerifierGate
        self.generated = self.prompted = 0

    def __enter__(self) -> "Policy":
        limits = WorkerLimits(timeout_s=VERIFIER.timeout_s, memory_mib=VERIFIER.memory_mib)
        self._gate = VerifierGate(VERIFIER, VerifierPool(limits, processes=2))
        self._stack.callback(self._gate.close)
        try:
            self._engine = self._runner.run(started(self._stack, self._config))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def replies(self, asked: Sequence[tuple[WorkedProblem, str]], *, temperature: float, seed: int) -> list[Reply]:
        """One draw for each problem after the steps given ("": from its beginning). Raises EngineError."""
        return self._runner.run(self._replies(asked, temperature, seed))

    def graded(self, problem: WorkedProblem, reply: Reply) -> Grade:
        """A whole solution as the product reads it."""
        finish = FinishReason.STOP if reply.ended else FinishReason.LENGTH
        draft = self._task.read(lease_of(problem, ""), reply.text, finish)
        if not isinstance(draft, Draft):
            return Grade(reply.text, None)
        request = GateRequest(id=problem.passage.id, passage=problem.passage, draft=draft)
        try:
            return Grade(draft.answer, isinstance(self._runner.run(self._gate.check(request)), Passed))
        except JudgeError:
            return Grade(draft.answer, None)

    async def _replies(self, asked: Sequence[tuple[WorkedProblem, str]], temperature: float, seed: int) -> list[Reply]:
        room = asyncio.Semaphore(UNDER_WAY)

        async def reply(place: int, problem: WorkedProblem, prefix: str) -> Reply:
            prompt = self._task.prompt(lease_of(problem, prefix))
            dice = random.Random(f"{seed} {place}").getrandbits(31)
            sampling = replace(prompt.sampling, temperature=temperature, seed=dice)
            async with room:
                done = await self._engine.generate(GenerationRequest(f"{seed}/{place}", prompt.messages, sampling))
            self.generated += done.completion_tokens
            self.prompted += done.prompt_tokens
            return Reply(done.text, done.finish is FinishReason.STOP)

        with ungrouped():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(reply(place, *one)) for place, one in enumerate(asked)]
        return [task.result() for task in tasks]


def engine_of(model: str | Path, settings: Settings) -> VllmEngine | TransformersEngine:
    """The product's configuration of the engine; every checkpoint computes in bfloat16."""
    if settings.engine == "transformers":
        return TransformersEngine(model=str(model), dtype="bfloat16")
    memory: dict[VllmArgument, int | float | bool] = {}
    if settings.small:
        memory = {"enforce_eager": True, "kv_cache_memory_bytes": 1 << 29}
    return VllmEngine(model=str(model), dtype="bfloat16", max_model_len=settings.longest, engine_args=memory)


def math_task(settings: Settings) -> MathTask:
    """The product's task, whose prompt every arm is asked and trained with."""
    sampling = SamplingDefaults(temperature=settings.temperature, max_tokens=settings.max_tokens)
    return MathTask(Math(sampling=sampling), longest_answer=VERIFIER.max_characters)


def prompt_of(task: MathTask, problem: WorkedProblem, prefix: str) -> Prompt:
    """The task's prompt of a problem after the steps given."""
    return task.prompt(lease_of(problem, prefix))


def lease_of(problem: WorkedProblem, prefix: str) -> Lease:
    """A first attempt, or a restart from the prefix."""
    order = Order.fresh(problem.passage.id, "math", 0)
    repair = Repair(Repairs.RESTART_FROM_PREFIX, 0.0, prefix=prefix) if prefix else None
    return Lease(order, problem.passage, 1, 0.0, repair)
