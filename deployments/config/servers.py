"""Rules for a server's headers, query and body beyond types: no secrets, and nothing that the client itself sets."""

import re
from collections.abc import Iterator

from deployments.config.faults import at, below
from deployments.config.secrets import names_a_secret
from schemas.config_engines import HttpEngine

ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FROM_ENVIRONMENT = "env:"
"""The beginning of a header's value that is read from an environment variable."""
PASSAGE = "{passage_id}"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OUR_HEADERS = frozenset(
    {"content-type", "content-length", "host", "connection", "transfer-encoding", "accept-encoding"}
)

OUR_BODY = frozenset(
    {
        *("model", "messages", "temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop"),
        *("logprobs", "response_format", "add_generation_prompt", "continue_final_message", "chat_template_kwargs"),
        *("stream", "n"),
    }
)
"""Parts of a chat's body that follow from the run: keys of their own, or what a reply must not be. Not `top_logprobs`:
some servers allow fewer than are asked for."""


def broken_http(path: str, engine: HttpEngine) -> Iterator[str]:
    """The engine's faults, as `path: what is wrong`."""
    for name, value in engine.headers.items():
        problem = _broken_header(name, value)
        if problem is not None:
            yield at(below(f"{path}.headers", name), problem)
    for name in engine.query:
        if names_a_secret(name):
            yield at(below(f"{path}.query", name), "looks like a secret; send it as a header with env:NAME")
    for name in engine.body:
        if name in OUR_BODY:
            yield at(below(f"{path}.body", name), "is set by the client itself")
        elif names_a_secret(name):
            yield at(below(f"{path}.body", name), "looks like a secret; send it as a header with env:NAME")
    if engine.api_key_env is not None and "authorization" in map(str.lower, engine.headers):
        yield at(f"{path}.headers", "Authorization is what api_key_env sends; give one of the two")


def _broken_header(name: str, value: str) -> str | None:
    if not _HEADER_NAME.fullmatch(name):
        return "is no name of a header"
    if name.lower() in _OUR_HEADERS:
        return "is set by the client itself"
    if value.startswith(FROM_ENVIRONMENT):
        named = ENVIRONMENT_NAME.fullmatch(value.removeprefix(FROM_ENVIRONMENT)) is not None
        return None if named else "env: must be followed by the name of an environment variable"
    if names_a_secret(name):
        return "looks like a secret; write env:NAME, with the environment variable that holds it"
    if not value.isascii():
        return "must be plain ASCII"
    return f"the only thing that may stand in braces is {PASSAGE}" if "{" in value.replace(PASSAGE, "") else None
