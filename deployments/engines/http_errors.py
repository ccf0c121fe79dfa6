"""The meaning of an OpenAI-compatible server's errors: a table from statuses, codes and words to our kinds.

Law: unless an error is known to concern one prompt alone, its kind is REFUSED, so that a trial finds out if the whole
pool is at fault. No error is taken for an answer. Servers agree neither on statuses nor on the form of an error: OpenAI
nests it; vLLM, SGLang and Mistral write it flat; TGI as one text; FastAPI as a list of places; Gemini as a list.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from deployments.engines.http_limit import CallEnd
from schemas.errors import ErrorKind

LONGEST_READ = 4_000
"""How many characters of an error are read: the rest repeats the request."""
OK = HTTPStatus.OK
_OVERLOADED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, 498, HTTPStatus.SERVICE_UNAVAILABLE, 529})
"""498 and 529 are Groq's and Anthropic's 503."""
_MAY_PASS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
"""4xx that may pass with another try."""
_NEVER_ONE_PROMPT = frozenset({401, 402, 404, 405})
_ONE_PROMPT = frozenset({413, 451})


def _any_of(*patterns: str) -> re.Pattern[str]:
    """A pattern for any of these words, in lower case."""
    return re.compile("|".join(patterns))


_BY_WORDS = (
    (HTTPStatus.TOO_MANY_REQUESTS, _any_of(r"rate.?limit", r"too.?many.?requests", "throttl", r"resource.?exhausted")),
    (HTTPStatus.SERVICE_UNAVAILABLE, _any_of("overload", "unavailable", "at capacity", "no capacity")),
    (HTTPStatus.UNAUTHORIZED, _any_of(r"unauthori[sz]ed", "unauthenticated", "authentication", r"invalid.?api.?key")),
    (
        HTTPStatus.BAD_GATEWAY,
        _any_of(r"server.?error", r"api.?error", "internal", r"timed?.?out", "upstream", "bad gateway", "provider"),
    ),
)
"""The status of an error that came without one (with 200, or inside a choice)."""
_NO_FUNDS = _any_of(
    r"insufficient.{0,3}(quota|balance|credit|fund)",
    r"billing.{0,3}(hard.?limit|not.?active)",
    r"payment.?required",
    "out of credit",
)
_TOO_LONG = _any_of(
    r"context.{0,3}(length|window|size|exceeded)",
    r"(?<!took )(?<!taking )too long",
    r"too many (input |prompt )?tokens",
    "max_new_tokens` must be <=",
    r"must have less than \d+ tokens",
    "string_above_max_length",
    r"(request|input|prompt|content).{0,20}too large",
    r"(maximum|max) (\w+ )?(prompt|input|sequence) length",
    r"exceed\w{0,8} .{0,40}(token|length|context)",
    "reduce the length",
)
_CONTEXT = re.compile(r"(?:context (?:length|window|size)(?: is| of|:| \()?|must be <=) ?(\d+)")
_MODERATED = _any_of(
    r"content.{0,3}(filter|policy|management)",
    "moderation",
    "flagged",
    "safety",
    r"responsible.?ai",
    "inappropriate",
    "data_inspection",
    r"sensitive (content|word)",
    r"policy.?violation",
)
_ROLES = _any_of(
    r"\bsystem.{0,20}\brole",
    r"\brole.{0,60}\bsystem\b",
    r"system (message|prompt|instruction)s? .{0,20}not",
    r"messages\[\d+\]\.role",
    r"roles? must alternate",
    r"only user(,| and) (model|assistant) roles",
    "developer instruction is not enabled",
)
_TOO_LARGE = _any_of("too large", "at most", "<=", "less than", "maximum")
OMISSIBLE = ("temperature", "top_p", "seed")
LIMITS = ("max_tokens", "max_completion_tokens")
_PARAMETER = re.compile(
    r"(?<!\w)(temperature|top_p|seed|max_tokens|max_completion_tokens|response_format|json_schema|logprobs|"
    r"add_generation_prompt|continue_final_message)(?!\w)"
)
_ADVICE: dict[int, str] = {
    401: "the key is missing or refused (see api_key_env)",
    402: "the account is out of funds",
    403: "the key may not use this model",
    404: "no such model or path (base_url usually goes up to and including /v1)",
    **dict.fromkeys((301, 302, 303, 307, 308), "the server redirects elsewhere: base_url must be the final address"),
}


class ServerError(Struct, frozen=True):
    """An error: its message in one line, its codes and types in lower case, and the parameter and status that it names,
    if any."""

    message: str = ""
    code: str = ""
    parameter: str | None = None
    status: int | None = None


class Refusal(Struct, frozen=True):
    """A server's error with its kind and our `advice`. `said`: the server's words, which may still have a key in them.
    `status`: None if the reply itself cannot be accepted."""

    kind: ErrorKind
    status: int | None
    advice: str
    said: str
    end: CallEnd


def read_error(body: bytes) -> ServerError:
    """The error in a body of any form."""
    try:
        return server_error(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ServerError(_one_line(body.decode("utf-8", "replace")))


def server_error(value: Any) -> ServerError:
    """The error in a decoded value, of any form."""
    if isinstance(value, list) and value:
        value = value[0] if isinstance(value[0], dict) and "error" in value[0] else {"detail": value}
    if not isinstance(value, dict):
        return ServerError(_one_line("" if value is None else str(value)))
    inner = value.get("error")
    if isinstance(inner, dict):
        return server_error({name: word for name, word in inner.items() if name != "error"})
    places = next((found for name in ("detail", "message") if (found := _places(value.get(name)))), ())
    words = [*places, *(value.get(name) for name in ("message", "detail") if not places), inner, _raw(value)]
    codes = [value.get(name) for name in ("code", "type", "error_type", "status")]
    named = value.get("param")
    return ServerError(
        message=_one_line("; ".join(str(word) for word in words if word)),
        code=" ".join(str(code) for code in codes if code).lower(),
        parameter=str(named) if named else None,
        status=next(filter(None, map(_status, (value.get("code"), value.get("http_status_code")))), None),
    )


def refusal(status: int, error: ServerError, *, max_tokens: int | None = None) -> Refusal:
    """The meaning of an error with that status; if it is 200, of the status that the error names. `max_tokens`: of the
    request."""
    if status == OK:
        status = error.status or _by_words(error)
    kind = _kind(status, error, max_tokens)
    end = CallEnd.ANSWERED
    if kind is ErrorKind.OVERLOADED:
        end = CallEnd.LIMITED if status == HTTPStatus.TOO_MANY_REQUESTS else CallEnd.BUSY
    elif kind is ErrorKind.RETRYABLE:
        end = CallEnd.UNKNOWN
    advice = _advice(status, error) if kind is ErrorKind.REFUSED else ""
    return Refusal(kind, status, advice, error.message, end)


def _kind(status: int, error: ServerError, max_tokens: int | None) -> ErrorKind:
    words = f"{error.code} {error.message[:LONGEST_READ]}".lower()
    if _NO_FUNDS.search(words):
        return ErrorKind.REFUSED
    if status in _OVERLOADED:
        too_large = status == HTTPStatus.TOO_MANY_REQUESTS and "request too large" in words
        return ErrorKind.PERMANENT if too_large else ErrorKind.OVERLOADED
    if status in _MAY_PASS:
        return ErrorKind.RETRYABLE
    if status in _ONE_PROMPT or (status not in _NEVER_ONE_PROMPT and _of_one_prompt(status, words, max_tokens)):
        return ErrorKind.PERMANENT
    failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR and not _ROLES.search(words)
    return ErrorKind.RETRYABLE if failed else ErrorKind.REFUSED


def _of_one_prompt(status: int, words: str, max_tokens: int | None) -> bool:
    """Whether the prompt is too long or moderated. If the completion alone would fill the context, every prompt is too
    long."""
    if _TOO_LONG.search(words):
        context = _CONTEXT.search(words)
        return context is None or max_tokens is None or int(context[1]) > max_tokens
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and _MODERATED.search(words) is not None


def _advice(status: int, error: ServerError) -> str:
    """What to do about a refusal: the key of the configuration, if one helps."""
    words = error.message[:LONGEST_READ].lower()
    if _NO_FUNDS.search(f"{error.code} {words}"):
        return _ADVICE[402]
    if status in _ADVICE:
        return _ADVICE[status]
    if _ROLES.search(f"{error.parameter} {words}"):
        return "the model refuses the role system: write system_role: merge"
    named = _PARAMETER.search(error.parameter or "") or _PARAMETER.search(words)
    return _key_for(named[1], words) if named else ""


def _key_for(parameter: str, words: str) -> str:
    if parameter in LIMITS and _TOO_LARGE.search(words):
        return "lower max_tokens"
    if parameter in LIMITS:
        other = LIMITS[1 - LIMITS.index(parameter)]
        return f"{parameter} is refused: write output_limit: {other}"
    if parameter in OMISSIBLE:
        return f"{parameter} is refused: write omit: [{parameter}]"
    if parameter in ("response_format", "json_schema"):
        return "response_format is refused: write structured_output: json_object, or none"
    return f"{parameter} is refused"


def _by_words(error: ServerError) -> int:
    words = f"{error.code} {error.message[:LONGEST_READ]}".lower()
    return next((status for status, known in _BY_WORDS if known.search(words)), HTTPStatus.BAD_REQUEST)


def _places(value: Any) -> tuple[str, ...]:
    """FastAPI's list of faults with their places; Mistral puts it into a message. The input is left out: it is ours."""
    if isinstance(value, dict):
        value = value.get("detail")
    found: Iterator[Any] = iter(value) if isinstance(value, list) else iter(())
    return tuple(
        f"{'.'.join(map(str, each['loc']))}: {each.get('msg')}"
        for each in found
        if isinstance(each, dict) and isinstance(each.get("loc"), list)
    )


def _raw(value: dict[str, Any]) -> Any:
    """The provider's own error behind a gateway's "Provider returned error"."""
    metadata = value.get("metadata")
    return metadata.get("raw") if isinstance(metadata, dict) else None


def _status(code: Any) -> int | None:
    try:
        number = int(code)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if HTTPStatus.BAD_REQUEST <= number < 600 else None


def _one_line(text: str) -> str:
    return " ".join(text.split())
