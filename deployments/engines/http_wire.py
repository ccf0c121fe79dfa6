"""What an OpenAI-compatible server is sent and answers, as far as we read it. Foreign fields are ignored.

Law: what is missing where we need it is a decoding error, never a default that looks like an answer.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from schemas.config import HttpEngine
from schemas.samples import ClassificationRequest, GenerationRequest, Message

Natural = Annotated[int, Meta(ge=0)]


class JsonSchema(Struct, frozen=True):
    """The schema of a structured reply."""

    schema: Raw
    name: str = "reply"
    strict: bool = True


class ResponseFormat(Struct, frozen=True):
    """The form that the reply is to take."""

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
    n: int = 1
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    response_format: ResponseFormat | UnsetType = UNSET
    add_generation_prompt: bool = True
    """vLLM's and SGLang's, with the next: false where the last message is a turn to be gone on with."""
    continue_final_message: bool = False


class ReplyMessage(Struct, frozen=True):
    """`content` is null when a model only thought, or refused."""

    content: str | None = None


class TokenLogprob(Struct, frozen=True):
    """One generated token's log-probability."""

    logprob: float


class Logprobs(Struct, frozen=True):
    """Log-probabilities of one choice."""

    content: tuple[TokenLogprob, ...] | None = None


class Choice(Struct, frozen=True):
    """One completion."""

    index: Natural
    message: ReplyMessage
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class Usage(Struct, frozen=True):
    """Tokens of the whole call."""

    prompt_tokens: Natural
    completion_tokens: Natural = 0


class ChatResponse(Struct, frozen=True):
    """The answer of POST /chat/completions."""

    choices: tuple[Choice, ...]
    usage: Usage


class ClassifyRequest(Struct, frozen=True):
    """The body of vLLM's POST /classify."""

    model: str
    input: str


class ClassifyDatum(Struct, frozen=True):
    """Class probabilities of one text."""

    probs: Annotated[tuple[Annotated[float, Meta(ge=0, le=1)], ...], Meta(min_length=1)]


class ClassifyResponse(Struct, frozen=True):
    """The answer of POST /classify."""

    data: Annotated[tuple[ClassifyDatum, ...], Meta(min_length=1)]
    usage: Usage


class Model(Struct, frozen=True):
    """A model that the server offers."""

    id: str


class Models(Struct, frozen=True):
    """The answer of GET /models."""

    data: tuple[Model, ...]


class ErrorBody(Struct, frozen=True):
    """What servers put around an error: OpenAI's nested object, or a flat message."""

    error: Any = None
    message: Any = None
    detail: Any = None


CHAT: msgspec.json.Decoder[ChatResponse] = msgspec.json.Decoder(ChatResponse)
CLASSIFY: msgspec.json.Decoder[ClassifyResponse] = msgspec.json.Decoder(ClassifyResponse)
MODELS: msgspec.json.Decoder[Models] = msgspec.json.Decoder(Models)
_ERROR: msgspec.json.Decoder[ErrorBody] = msgspec.json.Decoder(ErrorBody)
_ENCODER = msgspec.json.Encoder()


def chat_body(config: HttpEngine, request: GenerationRequest) -> bytes:
    """The request as the server wants it."""
    sampling = request.sampling
    begun = request.messages[-1].role == "assistant"
    chat = ChatRequest(
        model=config.model,
        messages=request.messages,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=sampling.seed,
        n=request.n,
        stop=request.stop,
        logprobs=request.logprobs,
        response_format=_response_format(config, request.json_schema),
        add_generation_prompt=not begun,
        continue_final_message=begun,
    )
    limit: dict[str, Any] = {config.output_limit: sampling.max_tokens}
    return _ENCODER.encode(msgspec.structs.replace(chat, **limit))


def classify_body(config: HttpEngine, request: ClassificationRequest) -> bytes:
    """The request as vLLM wants it."""
    return _ENCODER.encode(ClassifyRequest(config.model, request.text))


def error_message(body: bytes) -> str:
    """The server's own words about an error, in one line of any length; whatever the body is."""
    try:
        read = _ERROR.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _one_line(body.decode("utf-8", "replace"))
    found = read.error.get("message") if isinstance(read.error, dict) else read.error
    return _one_line(str(found or read.message or read.detail or ""))


def _response_format(config: HttpEngine, schema: str | None) -> ResponseFormat | UnsetType:
    if schema is None or config.structured_output == "none":
        return UNSET
    if config.structured_output == "json_object":
        return ResponseFormat("json_object")
    return ResponseFormat("json_schema", JsonSchema(Raw(schema.encode())))


def _one_line(text: str) -> str:
    return " ".join(text.split())
