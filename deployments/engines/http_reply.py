"""Reads a server's reply: completions with their ends and tokens.

Law: a completion counts as whole only if the server says so in a known word. If a count of tokens is missing or cannot
be true, the answer is kept: the count is estimated from the text, and marked as an estimate.
"""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from deployments.engines.http_errors import Refusal, read_error, refusal, server_error
from deployments.engines.http_limit import CallEnd
from deployments.engines.http_wire import CHAT, CLASSIFY, EMBEDDINGS, SCORES, ChatChoice
from schemas.errors import ErrorKind
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    Cost,
    FinishReason,
    GenerationRequest,
    LikelyToken,
    Scoring,
    ScoringRequest,
)
from schemas.vectors import Encoded

T = TypeVar("T")
MOST_TOKENS = 2**31
"""The largest count of tokens that is believed."""
CHARACTERS_A_TOKEN = 32
"""The most characters of a token, on average, for any model."""
BYTES_A_TOKEN = 4
"""Bytes of a token in estimates, if the server does not count them."""
_FINISHED = frozenset({None, "stop", "eos", "eos_token", "end_turn", "tool_calls"})
_CUT = frozenset({"length", "max_tokens", "MAX_TOKENS", "model_length"})
_FAILED = frozenset({"error", "abort", "insufficient_system_resource"})
"""The server gave up in the middle: another try may do better."""
_FILTERED = frozenset({"content_filter", "SAFETY", "safety"})


class ServerRefusal(Exception):
    """The server refused the call, in a known form."""

    def __init__(self, refusal: Refusal, retry_after_s: float | None = None) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.retry_after_s = retry_after_s


class UnknownForm(Exception):
    """The reply cannot be read."""


class Usage(Struct, frozen=True):
    """Tokens of a whole call; None if the server does not say. `cached`: of the prompt's, those from its cache."""

    prompt: int | None
    completion: int | None
    cached: int = 0


def read_completion(body: bytes, request: GenerationRequest, *, most_characters: int) -> Completion:
    """The completion of a reply. Raises ServerRefusal, UnknownForm, or what the decoder raises."""
    response = _decoded(CHAT, body)
    if response.error or not response.choices:
        raise _not_an_answer(body, response.error, request.sampling.max_tokens)
    choice = response.choices[0]
    text, reasoning = _text(choice, most_characters), _reasoning(choice, most_characters)
    usage = read_usage(response.usage)
    prompt, tokens = usage.prompt, usage.completion
    if prompt is None:
        prompt = estimated_tokens("".join(message.content for message in request.messages))
    if tokens is None:
        tokens = estimated_tokens(reasoning + text)
    return Completion(
        request_id=request.id,
        text=text,
        finish=_finish(choice),
        prompt_tokens=prompt,
        completion_tokens=tokens,
        logprobs=_logprobs(choice) if request.logprobs else None,
        first_tokens=_first_tokens(choice) if request.top_logprobs else None,
        estimated_tokens=prompt * (usage.prompt is None) + tokens * (usage.completion is None),
        reasoning=reasoning,
        cached_tokens=min(usage.cached, prompt),
    )


def read_scores(body: bytes, request: ScoringRequest) -> Scoring:
    """The log-probabilities of the last message's tokens. Raises as `read_completion`."""
    response = _decoded(SCORES, body)
    if response.error or not response.choices:
        raise _not_an_answer(body, response.error, None)
    if not response.prompt_logprobs:
        said = "the server returned no prompt_logprobs, which form: likelihood is judged by (vLLM's server gives them)"
        raise ServerRefusal(Refusal(ErrorKind.REFUSED, None, "", said, CallEnd.ANSWERED))
    own = [next(iter(at.values())) for at in response.prompt_logprobs if at]
    usage = read_usage(response.usage)
    prompt_tokens = usage.prompt or len(response.prompt_logprobs)
    cost = Cost(prompt_tokens, usage.completion or 1, cached_tokens=min(usage.cached, prompt_tokens))
    prompt = [LikelyToken(token.decoded_token or "", token.logprob) for token in own]
    return Scoring(request.id, _last(prompt, request.messages[-1].content), cost)


def _last(prompt: list[LikelyToken], content: str) -> tuple[LikelyToken, ...]:
    """The prompt's last tokens, which spell the content up to white space. A token without a text has the first bytes
    of a character that a later token ends. Raises ServerRefusal if no tokens spell the content."""
    wanted, begin = "".join(content.split()), len(prompt)
    while begin and (wanted or not prompt[begin - 1].text):
        plain = "".join(prompt[begin - 1].text.split())
        if not wanted.endswith(plain):
            break
        wanted = wanted[: len(wanted) - len(plain)]
        begin -= 1
    if wanted or begin == len(prompt):
        said = "the tokens of the last message cannot be told from the prompt's"
        raise ServerRefusal(Refusal(ErrorKind.PERMANENT, None, "", said, CallEnd.ANSWERED))
    return tuple(prompt[begin:])


def read_classes(body: bytes, request: ClassificationRequest) -> Classification:
    """The class probabilities of a reply. Raises as `read_completion`."""
    response = _decoded(CLASSIFY, body)
    if response.error or not response.data:
        raise _not_an_answer(body, response.error, None)
    tokens = read_usage(response.usage).prompt
    tokens = estimated_tokens(request.text) if tokens is None else tokens
    return Classification(request.id, response.data[0].probs, tokens)


def read_vector(body: bytes, text: str) -> Encoded:
    """The vector of a reply. Raises as `read_completion`."""
    response = _decoded(EMBEDDINGS, body)
    if response.error or not response.data:
        raise _not_an_answer(body, response.error, None)
    tokens = read_usage(response.usage).prompt
    return Encoded(response.data[0].embedding, estimated_tokens(text) if tokens is None else tokens)


def read_usage(usage: Any) -> Usage:
    """The server's counts, under OpenAI's names or Anthropic's; a missing count is computed from the total if it can
    be."""
    if not isinstance(usage, dict):
        return Usage(None, None)
    details = usage.get("prompt_tokens_details")
    cached = (_count(details.get("cached_tokens")) or 0) if isinstance(details, dict) else 0
    prompt = _count(usage.get("prompt_tokens", usage.get("input_tokens")))
    completion = _count(usage.get("completion_tokens", usage.get("output_tokens")))
    if prompt is not None and completion is not None:
        return Usage(prompt, completion, cached)
    total = _count(usage.get("total_tokens"))
    if total is not None and prompt is None and completion is not None and total >= completion:
        prompt = total - completion
    elif total is not None and completion is None and prompt is not None and total > prompt:
        completion = total - prompt
    return Usage(prompt, completion, cached)


def estimated_tokens(text: str) -> int:
    """An estimate of a text's tokens."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN)


def _decoded(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """The decoded body. Raises ServerRefusal for an error in another form (Gemini's list); otherwise as the decoder."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        said = read_error(body)
        if said.status is not None:
            raise ServerRefusal(refusal(200, said)) from None
        raise


def _count(value: Any) -> int | None:
    """A number of tokens, also if it is written as 11.0 or "11"; None for anything else."""
    if type(value) is int:
        return value if 0 <= value <= MOST_TOKENS else None
    if not isinstance(value, float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() and 0 <= number <= MOST_TOKENS else None


def _not_an_answer(body: bytes, error: Any, max_tokens: int | None) -> Exception:
    """The error in a reply with status 200 that has no answer."""
    said = server_error(error) if error else read_error(body)
    if error or said.code or said.message:
        return ServerRefusal(refusal(200, said, max_tokens=max_tokens))
    return UnknownForm("it holds no choices")


def _text(choice: ChatChoice, most_characters: int) -> str:
    if choice.error:
        raise ServerRefusal(refusal(200, server_error(choice.error)))
    content = choice.message.content or ""
    if not isinstance(content, str):
        parts = (part if isinstance(part, str) else part.text for part in content if _is_text(part))
        content = "".join(part or "" for part in parts)
    if len(content) > most_characters:
        raise UnknownForm(
            f"a completion of {len(content):,} characters is longer than max_tokens allows: does the server know the "
            "limit under another name (see output_limit)?"
        )
    return content


def _reasoning(choice: ChatChoice, most_characters: int) -> str:
    """Thoughts beside the content, cut off at `most_characters`: the answer does not suffer from that."""
    told = (choice.message.reasoning_content, choice.message.reasoning)
    return next((said for said in told if isinstance(said, str) and said), "")[:most_characters]


def _is_text(part: Any) -> bool:
    return isinstance(part, str) or part.type in ("text", "output_text")


def _finish(choice: ChatChoice) -> FinishReason:
    reason = choice.finish_reason
    if reason == "stop":
        return FinishReason.STOP
    named = reason if isinstance(reason, str | None) else msgspec.json.encode(reason).decode()
    if named in _FINISHED:
        return FinishReason.STOP
    if named in _CUT:
        return FinishReason.LENGTH
    if named in _FAILED:
        raise UnknownForm(f"the completion ended with finish_reason {named}")
    if named in _FILTERED:
        said = "the server's content filter withheld the completion"
        raise ServerRefusal(Refusal(ErrorKind.PERMANENT, None, "", said, CallEnd.ANSWERED))
    said = f"the completion ended with a finish_reason that is not known: {named}"
    raise ServerRefusal(Refusal(ErrorKind.REFUSED, None, "", said, CallEnd.ANSWERED))


def _logprobs(choice: ChatChoice) -> tuple[float, ...] | None:
    if choice.logprobs is None or choice.logprobs.content is None:
        return None
    return tuple(token.logprob for token in choice.logprobs.content)


def _first_tokens(choice: ChatChoice) -> tuple[LikelyToken, ...]:
    """The likeliest first tokens. Raises ServerRefusal if the reply has none, since no reply of this server will."""
    positions = None if choice.logprobs is None else choice.logprobs.content
    if not positions or not positions[0].top_logprobs:
        said = "the server returned no top_logprobs, which form: token is judged by"
        raise ServerRefusal(Refusal(ErrorKind.REFUSED, None, "", said, CallEnd.ANSWERED))
    likeliest = sorted(positions[0].top_logprobs, key=lambda each: -each.logprob)
    return tuple(LikelyToken(each.token, each.logprob) for each in likeliest)
