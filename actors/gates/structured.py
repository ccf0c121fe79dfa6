"""One structured answer of a judge that is a chat model.

Law: an answer without the requested form is an error, never a score.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from actors.protocols import Generator
from actors.text.completions import NUMBER, Unreadable, verdict_in, verdicts_in
from schemas.config_gates import LlmJudge
from schemas.errors import ErrorKind, JudgeError
from schemas.ids import derived_seed
from schemas.samples import Completion, Cost, FinishReason, GenerationRequest, Heard, Message, Sampling, Texts
from schemas.verdicts import VERDICT_CUT_OFF

T = TypeVar("T")

RETRY_TEMPERATURE = 0.3
"""Lowest temperature of later tries: a greedy judge would give the same nonsense again."""


HEARD = 500
"""How many characters of an unusable answer are kept."""


class Question(Struct, frozen=True):
    """A question to a judge: system and user message, the JSON schema (as text) of the answer, and the keys that the
    answer must have. `id`: of the request, or of the first of several. `tries`, from 1: a judge that answered nonsense
    is asked for another draw."""

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
    request = _request(question, config)
    completion = await model.generate(request)
    if completion.finish is FinishReason.LENGTH:
        raise _nonsense(VERDICT_CUT_OFF, request, completion)
    said = verdict_in(completion.text, form, question.keys)
    if isinstance(said, Unreadable):
        raise _nonsense(f"the judge's answer is no verdict: {said.why}", request, completion)
    return completion, said


async def verdicts_of(
    model: Generator, question: Question, config: LlmJudge, form: type[T], *, count: int
) -> list[tuple[T, Cost] | JudgeError]:
    """The judge's answer about each of `count` drafts with its part of the cost, or a JudgeError as `verdict_of` raises
    it: one bad answer spoils no other. Raises HopError as the model does."""
    request = _request(question, config, count=count)
    completion = await model.generate(request)
    read = verdicts_in(completion.text, form, question.keys, count=count)
    is_cut = completion.finish is FinishReason.LENGTH
    answers: list[tuple[T, Cost] | JudgeError] = []
    for number, (said, cost) in enumerate(zip(read, _parts(completion.cost, count), strict=True), 1):
        if isinstance(said, Unreadable):
            why = VERDICT_CUT_OFF if is_cut else f"the judge's answer about draft {number} is no verdict: {said.why}"
            answers.append(_nonsense(why, request, completion, cost))
        else:
            answers.append((said, cost))
    return answers


def schema_of_verdicts(verdict: Mapping[str, Any], count: int) -> str:
    """The schema of a verdict on each of `count` numbered drafts, as text. `verdict`: the schema of one."""
    number = {"type": "integer", "minimum": 1, "maximum": count}
    properties = {NUMBER: number, **verdict["properties"]}
    one = {**verdict, "properties": properties, "required": list(properties)}
    verdicts = {"type": "array", "items": one, "minItems": count, "maxItems": count}
    whole = {"type": "object", "properties": {"verdicts": verdicts}, "required": ["verdicts"]}
    return json.dumps({**whole, "additionalProperties": False})


AROUND = len('{"verdicts": []}') + len(f'"{NUMBER}": 00, ') + len(", ")
"""Characters around one of several verdicts, counted for each of them."""


def numbered(drafts: Sequence[Texts]) -> Texts:
    """The texts of several drafts, each name with its draft's number."""
    return tuple((f"{name} {at}", text) for at, texts in enumerate(drafts, 1) for name, text in texts)


def place(number: int, count: int) -> str:
    """The note on a verdict that shared its call."""
    return f"draft {number} of {count} in one call"


def cost_of(completion: Completion) -> Cost:
    """The tokens of the judge's completion."""
    return completion.cost


def _request(question: Question, config: LlmJudge, *, count: int = 1) -> GenerationRequest:
    return GenerationRequest(
        id=question.id,
        messages=(Message("system", question.system), Message("user", question.user)),
        sampling=Sampling(
            temperature=config.temperature if question.tries == 1 else max(config.temperature, RETRY_TEMPERATURE),
            max_tokens=count * config.max_tokens,
            seed=derived_seed("judge", question.id, question.tries),
        ),
        json_schema=question.schema,
        passage_id=question.passage_id,
    )


def _parts(cost: Cost, count: int) -> list[Cost]:
    """The tokens in parts as equal as whole tokens can be, the larger ones first. All parts together are the cost."""

    def share(tokens: int) -> list[int]:
        return [tokens // count + (at < tokens % count) for at in range(count)]

    counts = (cost.prompt_tokens, cost.completion_tokens, cost.estimated_tokens, cost.cached_tokens)
    return [
        Cost(prompt, written, estimated_tokens=estimated, cached_tokens=cached)
        for prompt, written, estimated, cached in zip(*map(share, counts), strict=True)
    ]


def _nonsense(detail: str, request: GenerationRequest, completion: Completion, cost: Cost | None = None) -> JudgeError:
    """`cost`: the draft's part, where several shared the call."""
    begins = completion.text[:HEARD].encode("utf-8", "replace").decode()
    paid = cost_of(completion) if cost is None else cost
    return JudgeError(ErrorKind.NONSENSE, detail, heard=Heard(request.messages, begins, paid))
