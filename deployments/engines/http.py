"""Any OpenAI-compatible server: chat completions for a generator, vLLM's /classify for a classifier.

Law: one request, one call. Results of different requests come as each is done; the `n` completions of one request come
together, as the server answers them together. Seed and JSON schema are passed on: what they hold is the server's word.

A server tokenises by itself: prompts must have broken up markup that a passage imitates (`actors.tasks.prompts` does).
Where it counts tokens only for a whole call, the completions share them evenly; their sum is exact.
"""

import os
from collections.abc import AsyncIterator
from difflib import get_close_matches

from deployments.engines.breaker import BreakerLimits
from deployments.engines.http_endpoint import Clocks, Endpoint, EndpointLimits
from deployments.engines.http_wire import CHAT, CLASSIFY, MODELS, ChatResponse, Choice, chat_body, classify_body
from deployments.engines.roles import EngineRole
from schemas.config import HttpEngine as Config
from schemas.errors import ConfigError, EngineError, ErrorKind, ModelError
from schemas.samples import Classification, ClassificationRequest, Completion, FinishReason, GenerationRequest


class HttpEngine:
    """A generator or a classifier behind a URL, by role."""

    def __init__(self, config: Config, role: EngineRole, clocks: Clocks = Clocks()) -> None:  # noqa: B008 - frozen
        self._config = config
        self._role = role
        self._clocks = clocks
        self._base = config.base_url.rstrip("/")
        self._endpoint: Endpoint | None = None

    async def start(self) -> None:
        """Raises ConfigError without the key, ModelError when the server is away or does not offer the model."""
        config = self._config
        breaker = BreakerLimits(config.breaker_failures, config.breaker_open_s)
        limits = EndpointLimits(config.concurrency, config.timeout_s, breaker)
        self._endpoint = Endpoint(self._base, limits, _key(config.api_key_env), self._clocks)
        try:
            await self._check_model(self._endpoint)
        except BaseException:
            await self.close()
            raise

    async def check(self) -> None:
        """Another replica would reach the same server: nothing to say."""

    async def close(self) -> None:
        """Ends the connections; calls under way fail as retryable."""
        if self._endpoint is not None:
            await self._endpoint.close()
            self._endpoint = None

    async def generate(self, request: GenerationRequest) -> AsyncIterator[Completion]:
        """The `n` completions; leaving early closes the connection, which servers take as a cancellation."""
        endpoint = self._ready(EngineRole.GENERATOR)
        response = await endpoint.post(f"{self._base}/chat/completions", chat_body(self._config, request), CHAT)
        if len(response.choices) < request.n:
            detail = f"{self._base}: asked for {request.n} completions, got {len(response.choices)}"
            raise EngineError(ErrorKind.PERMANENT if response.choices else ErrorKind.RETRYABLE, detail)
        for completion in _completions(request, response):
            yield completion

    async def classify(self, request: ClassificationRequest) -> Classification:
        """Class probabilities of one text, by vLLM's endpoint, which lies beside /v1."""
        endpoint = self._ready(EngineRole.CLASSIFIER)
        url = f"{self._base.removesuffix('/v1')}/classify"
        response = await endpoint.post(url, classify_body(self._config, request), CLASSIFY)
        return Classification(request.id, response.data[0].probs, response.usage.prompt_tokens)

    def _ready(self, role: EngineRole) -> Endpoint:
        if role is not self._role:
            raise EngineError(ErrorKind.PERMANENT, f"{self._config.model} serves as a {self._role.value} here")
        if self._endpoint is None:
            raise EngineError(ErrorKind.RETRYABLE, "the engine is not running")
        return self._endpoint

    async def _check_model(self, endpoint: Endpoint) -> None:
        wanted = self._config.model
        try:
            offered = [model.id for model in (await endpoint.get(f"{self._base}/models", MODELS)).data]
        except EngineError as error:
            raise ModelError(f"{error.detail}: is this an OpenAI-compatible server, and is it running?") from error
        if wanted not in offered:
            near = get_close_matches(wanted, offered, n=3, cutoff=0.0)
            raise ModelError(f"{self._base} does not offer the model '{wanted}'; it has {', '.join(near) or 'none'}")


def _key(variable: str | None) -> str | None:
    """The key of that environment variable. Raises ConfigError when it is missing or cannot be a key."""
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ConfigError(f"the environment variable {variable} (api_key_env) is not set: put the server's key there")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(f"the environment variable {variable} (api_key_env) holds characters that no key has")
    return key


def _completions(request: GenerationRequest, response: ChatResponse) -> list[Completion]:
    choices = sorted(response.choices, key=lambda choice: choice.index)[: request.n]
    each, rest = divmod(response.usage.completion_tokens, len(choices))
    return [
        Completion(
            request_id=request.id,
            index=place,
            text=choice.message.content or "",
            finish=_finish(choice),
            prompt_tokens=response.usage.prompt_tokens if place == 0 else 0,
            completion_tokens=each + (rest if place == 0 else 0),
            logprobs=_logprobs(choice) if request.logprobs else None,
        )
        for place, choice in enumerate(choices)
    ]


def _finish(choice: Choice) -> FinishReason:
    if choice.finish_reason == "content_filter":
        raise EngineError(ErrorKind.PERMANENT, "the server's content filter withheld the completion")
    return FinishReason.LENGTH if choice.finish_reason == "length" else FinishReason.STOP


def _logprobs(choice: Choice) -> tuple[float, ...] | None:
    if choice.logprobs is None or choice.logprobs.content is None:
        return None
    return tuple(token.logprob for token in choice.logprobs.content)
