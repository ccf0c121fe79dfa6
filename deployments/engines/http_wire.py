"""Requests to OpenAI-compatible servers and their replies, as far as we read them. Unknown fields are ignored.

Law: if a reply lacks a field that an answer needs, that is a decoding error, never a default that looks like an answer.
A field that is not needed (counts of tokens, say) never causes one. `http_reply` reads the decoded replies.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from deployments.engines.messages import merge_system
from schemas.config_engines import HttpEngine
from schemas.samples import ClassificationRequest, GenerationRequest, Message, Sampling, ScoringRequest


class JsonSchema(Struct, frozen=True):
    """The schema of a structured reply."""

    schema: Raw
    name: str = "reply"
    strict: bool = True


class ResponseFormat(Struct, frozen=True):
    """The form of the reply that is asked for."""

    type: Literal["json_schema", "json_object"]
    json_schema: JsonSchema | UnsetType = UNSET


class ChatRequest(Struct, frozen=True, omit_defaults=True):
    """The body of POST /chat/completions."""

    model: str
    messages: tuple[Message, ...]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    top_logprobs: int | UnsetType = UNSET
    response_format: ResponseFormat | UnsetType = UNSET
    add_generation_prompt: bool = True
    """This and the next are vLLM's and SGLang's. False if the model must continue the last message."""
    continue_final_message: bool = False
    chat_template_kwargs: dict[str, str | int | float | bool] = {}


class Part(Struct, frozen=True):
    """A part of a message's content: text, a thought, a citation."""

    type: str = "text"
    text: str | None = None


class ReplyMessage(Struct, frozen=True):
    """A reply's message. `content` is null if a model only thought, refused or called a tool. Thoughts have one of two
    names: DeepSeek's and SGLang's, or OpenRouter's and newer vLLM's."""

    content: str | tuple[Part | str, ...] | None = None
    reasoning_content: Any = None
    reasoning: Any = None


class RankedToken(Struct, frozen=True):
    """A token that might have been generated at a position."""

    token: str
    logprob: float


class TokenLogprob(Struct, frozen=True):
    """One generated token's log-probability, and those of the likeliest tokens at its position."""

    logprob: float
    top_logprobs: tuple[RankedToken, ...] | None = None


class Logprobs(Struct, frozen=True):
    """Log-probabilities of one choice."""

    content: tuple[TokenLogprob, ...] | None = None


class ChatChoice(Struct, frozen=True):
    """One completion. `error`: OpenRouter's, if a provider failed in the middle of it."""

    message: ReplyMessage
    finish_reason: Any = None
    logprobs: Logprobs | None = None
    error: Any = None


class PromptToken(Struct, frozen=True):
    """vLLM's: a token of the prompt. The first token has no log-probability, and is left out."""

    logprob: float
    decoded_token: str | None = None


class ChatResponse(Struct, frozen=True):
    """The answer of POST /chat/completions. Without choices, it is an error with status 200."""

    choices: tuple[ChatChoice, ...] | None = None
    usage: Any = None
    error: Any = None


class ScoreResponse(Struct, frozen=True):
    """vLLM's answer of POST /chat/completions with `prompt_logprobs`. Without choices, an error."""

    choices: tuple[ChatChoice, ...] | None = None
    prompt_logprobs: tuple[dict[str, PromptToken] | None, ...] | None = None
    """For each position, tokens by id: the prompt's own token comes first."""
    usage: Any = None
    error: Any = None


class ClassifyRequest(Struct, frozen=True):
    """The body of vLLM's POST /classify."""

    model: str
    input: str


class ClassifyDatum(Struct, frozen=True):
    """Class probabilities of one text."""

    probs: Annotated[tuple[Annotated[float, Meta(ge=0, le=1)], ...], Meta(min_length=1)]


class ClassifyResponse(Struct, frozen=True):
    """The answer of POST /classify."""

    data: tuple[ClassifyDatum, ...] | None = None
    usage: Any = None
    error: Any = None


class EmbeddingsRequest(Struct, frozen=True):
    """The body of POST /embeddings."""

    model: str
    input: str
    encoding_format: Literal["float"] = "float"


class EmbeddingDatum(Struct, frozen=True):
    """The vector of one text."""

    embedding: Annotated[tuple[float, ...], Meta(min_length=1)]


class EmbeddingsResponse(Struct, frozen=True):
    """The answer of POST /embeddings."""

    data: tuple[EmbeddingDatum, ...] | None = None
    usage: Any = None
    error: Any = None


class OfferedModel(Struct, frozen=True):
    """A model that the server offers."""

    id: str


class Models(Struct, frozen=True):
    """The answer of GET /models; Ollama's `data` is null when it has none."""

    data: tuple[OfferedModel, ...] | UnsetType | None = UNSET


CHAT: msgspec.json.Decoder[ChatResponse] = msgspec.json.Decoder(ChatResponse)
SCORES: msgspec.json.Decoder[ScoreResponse] = msgspec.json.Decoder(ScoreResponse)
CLASSIFY: msgspec.json.Decoder[ClassifyResponse] = msgspec.json.Decoder(ClassifyResponse)
EMBEDDINGS: msgspec.json.Decoder[EmbeddingsResponse] = msgspec.json.Decoder(EmbeddingsResponse)
MODELS: msgspec.json.Decoder[Models | tuple[OfferedModel, ...]] = msgspec.json.Decoder(
    Models | tuple[OfferedModel, ...]
)
"""Together's reply is the bare list."""
_ENCODER = msgspec.json.Encoder()


def chat_body(config: HttpEngine, request: GenerationRequest) -> bytes:
    """The request in the server's form."""
    sampling, omitted = request.sampling, config.omit
    begun = request.messages[-1].role == "assistant"
    chat = ChatRequest(
        model=config.model,
        messages=request.messages if config.system_role == "keep" else merge_system(request.messages),
        temperature=None if "temperature" in omitted else sampling.temperature,
        top_p=None if "top_p" in omitted else sampling.top_p,
        seed=None if "seed" in omitted else sampling.seed,
        stop=request.stop,
        logprobs=request.logprobs or request.top_logprobs > 0,
        top_logprobs=UNSET if not request.top_logprobs or "top_logprobs" in config.body else request.top_logprobs,
        response_format=_response_format(config, request.json_schema),
        add_generation_prompt=not begun,
        continue_final_message=begun,
        chat_template_kwargs=config.chat_template_kwargs,
    )
    limit: dict[str, Any] = {} if "max_tokens" in omitted else {config.output_limit: sampling.max_tokens}
    body = _ENCODER.encode(msgspec.structs.replace(chat, **limit))
    return body[:-1] + b"," + _ENCODER.encode(config.body)[1:] if config.body else body


def score_body(config: HttpEngine, request: ScoringRequest) -> bytes:
    """The request in vLLM's form: it continues the last message by one token, and returns the prompt's tokens."""
    chat = GenerationRequest(request.id, request.messages, Sampling(temperature=0.0, max_tokens=1))
    body = chat_body(config, chat)
    return body[:-1] + b',"prompt_logprobs":0}'


def classify_body(config: HttpEngine, request: ClassificationRequest) -> bytes:
    """The request in vLLM's form."""
    return _ENCODER.encode(ClassifyRequest(config.model, request.text))


def embeddings_body(config: HttpEngine, text: str) -> bytes:
    """The request in OpenAI's form."""
    return _ENCODER.encode(EmbeddingsRequest(config.model, text))


def _response_format(config: HttpEngine, schema: str | None) -> ResponseFormat | UnsetType:
    if schema is None or config.structured_output == "none":
        return UNSET
    if config.structured_output == "json_object":
        return ResponseFormat("json_object")
    return ResponseFormat("json_schema", JsonSchema(Raw(schema.encode())))
