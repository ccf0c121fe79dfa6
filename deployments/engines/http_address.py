"""Addresses and headers of an engine's calls, made from its configuration.

Law: a library builds the addresses. Secrets come from the environment, and are known where errors are reported, so that
they can be hidden.
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
    """A server's endpoints. `name`: the address that is shown to people, without the query."""

    name: str
    chat: URL
    classify: URL
    embeddings: URL
    models: URL
    metrics: URL


class Headers(Struct, frozen=True):
    """Headers. `fixed`: sent with every call; `by_passage`: with the passage's id; `secrets`: shown in no message."""

    fixed: dict[str, str]
    by_passage: dict[str, str]
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return "Headers(not shown)"

    def of_passage(self, passage_id: str | None) -> Mapping[str, str] | None:
        """The headers that name the passage; None for a call without a passage."""
        if not self.by_passage or passage_id is None:
            return None
        named = quote(passage_id, safe="")
        return {name: value.replace(PASSAGE, named) for name, value in self.by_passage.items()}


def address_of(config: HttpEngine) -> Address:
    """The endpoints under `base_url`, each with the queries of the base and of the configuration. vLLM's /classify
    and the servers' /metrics are beside /v1. Raises ConfigError when the base is no address."""
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
        metrics=at(beside, "metrics"),
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
    """The value of that variable; `words`: it may have several words, as a header can (`Token abc`)."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError(f"the environment variable {variable} ({key}) is not set: put the server's key there")
    if not (value.isascii() and value.isprintable() and (words or " " not in value)):
        raise ConfigError(f"the environment variable {variable} ({key}) holds characters that no key has")
    return value
