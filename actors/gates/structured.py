"""One structured answer of a judge that is a chat model.

Law: an answer without the requested form is an error, never a score.
"""

from typing import TypeVar

from msgspec import Struct

from actors.protocols import Generator
from actors.text.completions import Unreadable, verdict_in
from schemas.config_gates import LlmJudge
from schemas.errors import ErrorKind, JudgeError
from schemas.ids import derived_seed
from schemas.samples import Completion, Cost, FinishReason, GenerationRequest, Heard, Message, Sampling
from schemas.verdicts import VERDICT_CUT_OFF

T = TypeVar("T")

RETRY_TEMPERATURE = 0.3
"""Lowest temperature of later tries: a greedy judge would give the same nonsense again."""


HEARD = 500
"""How many characters of an unusable answer are kept."""


class Question(Struct, frozen=True):
    """A question to a judge: system and user message, the JSON schema (as text) of the answer, and the keys that the
    answer must have. `tries`, from 1: a judge that answered nonsense is asked for another draw."""

    id: str
    system: str
    user: str
    schema: str
    keys: tuple[str, ...]
    tries: int = 1
    passage_id: str | None = None


async def verdict_of(model: Generator, question: Question, config: LlmJudge, form: type[T]) -> tuple[Completion, T]:
    """The judge's completion, and its answer. Raises HopError as the model does, and JudgeError, with prompt and reply,
    for an answer that is cut off or lacks the form."""
    request = GenerationRequest(
        id=question.id,
        messages=(Message("system", question.system), Message("user", question.user)),
        sampling=Sampling(
            temperature=config.temperature if question.tries == 1 else max(config.temperature, RETRY_TEMPERATURE),
            max_tokens=config.max_tokens,
            seed=derived_seed("judge", question.id, question.tries),
        ),
        json_schema=question.schema,
        passage_id=question.passage_id,
    )
    completion = await model.generate(request)
    if completion.finish is FinishReason.LENGTH:
        raise _nonsense(VERDICT_CUT_OFF, request, completion)
    said = verdict_in(completion.text, form, question.keys)
    if isinstance(said, Unreadable):
        raise _nonsense(f"the judge's answer is no verdict: {said.why}", request, completion)
    return completion, said


def cost_of(completion: Completion) -> Cost:
    """The tokens of the judge's completion."""
    return completion.cost


def _nonsense(detail: str, request: GenerationRequest, completion: Completion) -> JudgeError:
    begins = completion.text[:HEARD].encode("utf-8", "replace").decode()
    return JudgeError(ErrorKind.NONSENSE, detail, heard=Heard(request.messages, begins, cost_of(completion)))
