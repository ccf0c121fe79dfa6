"""One structured answer of a chat model that judges.

Law: an answer that is not of the asked form is an error, never a score.
"""

from typing import TypeVar

import msgspec
from msgspec import Struct

from actors.completions import without_code_fence, without_thinking
from actors.protocols import Generator
from schemas.config import LlmJudge
from schemas.errors import ErrorKind, JudgeError
from schemas.ids import derived_seed
from schemas.samples import Completion, Cost, FinishReason, GenerationRequest, Message, Sampling

T = TypeVar("T")

RETRY_TEMPERATURE = 0.3
"""A greedy judge would say the same nonsense again."""


class Question(Struct, frozen=True):
    """What a judge is asked: who it is, what it sees, and the JSON schema (as text) of its answer. `tries`, from 1:
    a judge whose answer was nonsense is asked for another draw."""

    id: str
    system: str
    user: str
    schema: str
    tries: int = 1
    passage_id: str | None = None


async def answer_of(model: Generator, question: Question, config: LlmJudge) -> Completion:
    """The judge's completion. Raises HopError as the model does, JudgeError when it ends without one."""
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
    async for completion in model.generate(request):
        return completion
    raise JudgeError(ErrorKind.RETRYABLE, "the judge ended without an answer")


def decoded(completion: Completion, decoder: "msgspec.json.Decoder[T]") -> T:
    """What the completion says. Raises JudgeError (nonsense) when it was cut off or is not of the decoder's type."""
    if completion.finish is FinishReason.LENGTH:
        raise JudgeError(ErrorKind.NONSENSE, "the verdict was cut off at the token limit")
    said = without_thinking(completion.text)
    if said is None or not said.strip():
        raise JudgeError(ErrorKind.NONSENSE, "the judge said nothing")
    try:
        return decoder.decode(without_code_fence(said).strip())
    except (msgspec.DecodeError, UnicodeError, RecursionError) as bad:
        raise JudgeError(ErrorKind.NONSENSE, f"the judge's answer is no verdict: {bad}") from bad


def cost_of(completion: Completion) -> Cost:
    """The tokens that the judge took."""
    return completion.cost
