"""Where an engine's calls go, and with which headers: what a configuration says, in the form that is sent.

Law: addresses are built by a library; a secret comes from the environment and is known to whoever tells errors.
"""

import os
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct
from yarl import URL

from deployments.config.servers import FROM_ENVIRONMENT, PASSAGE
from schemas.config_engines import HttpEngine
from schemas.errors import ConfigError


class Address(Struct, frozen=True):
    """A server's endpoints. `name` is what people are shown: without the query."""

    name: str
    chat: URL
    classify: URL
    embeddings: URL
    models: URL


class Headers(Struct, frozen=True):
    """What is sent with every call, and `by_passage` what each passage has of its own; `secrets` are in no message."""

    fixed: dict[str, str]
    by_passage: dict[str, str]
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return "Headers(not shown)"

    def of_passage(self, passage_id: str | None) -> Mapping[str, str] | None:
        """The headers that name the passage; none for a call that concerns no passage."""
        if not self.by_passage or passage_id is None:
            return None
        named = quote(passage_id, safe="")
        return {name: value.replace(PASSAGE, named) for name, value in self.by_passage.items()}


def address_of(config: HttpEngine) -> Address:
    """The endpoints under `base_url`, its own query and the configured one behind each. vLLM's /classify lies beside
    /v1. Raises ConfigError when the base is no address."""
    try:
        given = URL(config.base_url)
    except ValueError as error:
        raise ConfigError(f"base_url: not an address: {error}") from error
    query = [*given.query.items(), *config.query.items()]
    base = given.with_query(None).with_fragment(None)
    base = base.with_path(base.path.rstrip("/"), encoded=False) if base.path != "/" else base
    beside = base.parent if base.name == "v1" else base

    def at(folder: URL, *names: str) -> URL:
        return folder.joinpath(*names).with_query(query or None)

    return Address(
        name=str(base).rstrip("/"),
        chat=at(base, "chat", "completions"),
        classify=at(beside, "classify"),
        embeddings=at(base, "embeddings"),
        models=at(base, "models"),
    )


def headers_of(config: HttpEngine) -> Headers:
    """The headers with their secrets from the environment. Raises ConfigError when a variable is missing."""
    fixed, by_passage, secrets = {"Content-Type": "application/json"}, {}, []
    if config.api_key_env is not None:
        secrets.append(_from_environment(config.api_key_env, "api_key_env"))
        fixed["Authorization"] = f"Bearer {secrets[0]}"
    for name, value in config.headers.items():
        if value.startswith(FROM_ENVIRONMENT):
            secrets.append(_from_environment(value.removeprefix(FROM_ENVIRONMENT), f"headers.{name}", words=True))
            fixed[name] = secrets[-1]
        elif PASSAGE in value:
            by_passage[name] = value
        else:
            fixed[name] = value
    return Headers(fixed, by_passage, tuple(secrets))


def _from_environment(variable: str, key: str, *, words: bool = False) -> str:
    """What that variable holds: of several words at most where a header may be one (`Token abc`)."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError(f"the environment variable {variable} ({key}) is not set: put the server's key there")
    if not (value.isascii() and value.isprintable() and (words or " " not in value)):
        raise ConfigError(f"the environment variable {variable} ({key}) holds characters that no key has")
    return value
