"""Any OpenAI-compatible server: chat completions for a generator, vLLM's /classify for a classifier, /embeddings for an
encoder.

Law: one request, one call, one result. Seed and JSON schema are passed on; the server decides what they are worth.

A server tokenises by itself, so markup that a passage imitates must be broken up in prompts (`actors.tasks.prompts`
does that). There is no trial call at the start, except for a scorer, since few servers can score. For the other roles
the first orders' calls are the trial: a refusal by the whole pool is charged to no order.
"""

import asyncio
import logging
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from http import HTTPStatus

from msgspec import UNSET

from actors.calls.clocks import Clocks
from deployments.engines.http_address import Address, address_of, headers_of
from deployments.engines.http_endpoint import Endpoint, EndpointLimits, HttpCall, RefusedCall
from deployments.engines.http_load import watch_load
from deployments.engines.http_reply import (
    CHARACTERS_A_TOKEN,
    UnknownForm,
    read_classes,
    read_completion,
    read_scores,
    read_vector,
)
from deployments.engines.http_wire import (
    MODELS,
    Models,
    OfferedModel,
    chat_body,
    classify_body,
    embeddings_body,
    score_body,
)
from deployments.engines.roles import EngineRole
from schemas.config_engines import HttpEngine as Config
from schemas.errors import EngineError, ErrorKind, ModelError
from schemas.role_cards import ModelFacts
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    GenerationRequest,
    Message,
    Scoring,
    ScoringRequest,
)
from schemas.vectors import EmbeddingRequest, Encoded

log = logging.getLogger("gleaner.http")

LARGEST_BODY_BYTES = 16 * 1024 * 1024
"""A larger reply is refused, whatever the request was."""
LEAST_BOUND = 64 * 1024
"""Characters that a completion may always have: a server may ignore the limit of a trial call, which asks for one
token, and still be healthy."""
AROUND_BYTES = 256 * 1024
"""Room in a reply besides its text: names, counts, additions of a gateway."""
VECTOR_BYTES = 1024 * 1024
"""Room for a vector as numbers in a text: 16,384 dimensions and more."""
ESCAPED_BYTES = 6
"""The most bytes of a character in JSON."""
LOGPROB_BYTES = 1024
"""Room for one token's log-probability with its bytes and alternatives."""


class HttpBackend:
    """A generator, a scorer, a classifier or an encoder behind a URL, by role."""

    def __init__(self, config: Config, role: EngineRole, clocks: Clocks = Clocks()) -> None:  # noqa: B008 - frozen
        self._config = config
        self._role = role
        self._clocks = clocks
        self._endpoint: Endpoint | None = None
        self._watch: asyncio.Task[None] | None = None
        self._estimates = False
        """Whether it was logged that token counts are estimates: this is logged once."""

    @property
    def facts(self) -> ModelFacts:
        """Only how many requests are sent at once, if that is configured: a server says nothing about its model."""
        return ModelFacts(slots=self._config.concurrency)

    @property
    def slots(self) -> int | None:
        """Requests that the server computes at once, as far as is known now."""
        return self._config.concurrency if self._endpoint is None else self._endpoint.slots

    async def start(self) -> None:
        """Raises ConfigError without a key, ModelError when the server is away or does not offer the model."""
        config = self._config
        self._address = address_of(config)
        self._headers = headers_of(config)
        limits = EndpointLimits(config.concurrency, config.timeout_s)
        self._endpoint = Endpoint(self._address.name, limits, self._headers.fixed, self._headers.secrets, self._clocks)
        try:
            if config.check_models:
                await self._check_model(self._endpoint, self._address)
            if self._role is EngineRole.SCORER:
                await self._check_scores()
            if config.concurrency is None:
                self._watch = asyncio.create_task(watch_load(self._endpoint, self._address.metrics))
        except BaseException:
            await self.close()
            raise

    async def check(self) -> None:
        """Never raises: another replica would reach the same server."""

    async def close(self) -> None:
        """Ends the connections; calls under way fail as retryable."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        if self._endpoint is not None:
            await self._endpoint.close()
            self._endpoint = None

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion. A caller that leaves early closes the connection, which servers take as a cancellation."""
        endpoint = self._ready(EngineRole.GENERATOR)
        most_characters = self._most_characters(request)
        most_bytes = most_characters * ESCAPED_BYTES + AROUND_BYTES
        if request.logprobs or request.top_logprobs:
            most_bytes += request.sampling.max_tokens * (1 + request.top_logprobs) * LOGPROB_BYTES
        call = HttpCall(
            self._address.chat,
            min(most_bytes, LARGEST_BODY_BYTES),
            chat_body(self._config, request),
            self._headers.of_passage(request.passage_id),
            request.sampling.max_tokens,
        )
        found = await endpoint.call(call, lambda body: read_completion(body, request, most_characters=most_characters))
        if found.estimated_tokens and not self._estimates:
            self._estimates = True
            log.warning("the server does not count tokens; they are estimates", extra={"server": self._address.name})
        return found

    async def score(self, request: ScoringRequest) -> Scoring:
        """The log-probability of each token of the last message, as vLLM's server gives them."""
        endpoint = self._ready(EngineRole.SCORER)
        call = HttpCall(
            self._address.chat,
            LARGEST_BODY_BYTES,
            score_body(self._config, request),
            self._headers.of_passage(request.passage_id),
        )
        return await endpoint.call(call, lambda body: read_scores(body, request))

    async def classify(self, request: ClassificationRequest) -> Classification:
        """Class probabilities of one text, from vLLM's endpoint, which is beside /v1."""
        endpoint = self._ready(EngineRole.CLASSIFIER)
        call = HttpCall(self._address.classify, AROUND_BYTES, classify_body(self._config, request))
        return await endpoint.call(call, lambda body: read_classes(body, request))

    async def _check_scores(self) -> None:
        """Makes a trial call. Raises ModelError, before any order, if the server does not score: few servers do."""
        try:
            await self.score(ScoringRequest("start", (Message("user", "Say one."), Message("assistant", "One."))))
        except EngineError as error:
            if error.kind in (ErrorKind.REFUSED, ErrorKind.PERMANENT):
                raise ModelError(error.detail) from error
            log.warning("the server does not score yet; going on", extra={"why": error.detail})

    async def embed(self, request: EmbeddingRequest) -> Encoded:
        """The vector of one text. The server decides how it is pooled, and whether a long text is cut."""
        endpoint = self._ready(EngineRole.ENCODER)
        call = HttpCall(self._address.embeddings, VECTOR_BYTES, embeddings_body(self._config, request.text))
        return await endpoint.call(call, lambda body: read_vector(body, request.text))

    def _ready(self, role: EngineRole) -> Endpoint:
        if role is not self._role:
            raise EngineError(ErrorKind.PERMANENT, f"{self._config.model} serves as a {self._role.value} here")
        if self._endpoint is None:
            raise EngineError(ErrorKind.RETRYABLE, "the engine is not running")
        return self._endpoint

    def _most_characters(self, request: GenerationRequest) -> int:
        if "max_tokens" in self._config.omit:
            return LARGEST_BODY_BYTES
        return max(LEAST_BOUND, request.sampling.max_tokens * CHARACTERS_A_TOKEN)

    async def _check_model(self, endpoint: Endpoint, address: Address) -> None:
        """Raises ModelError if the server's list lacks the model. A server without a readable list is accepted."""
        wanted = self._config.model
        try:
            listed = await endpoint.call(HttpCall(address.models, LARGEST_BODY_BYTES), _listed)
        except EngineError as error:
            if not _without_list(error):
                raise ModelError(f"{error.detail}: is this an OpenAI-compatible server, and is it running?") from error
            log.warning("the server lists no models; going on without", extra={"why": error.detail})
            return
        offered = [model.id for model in (listed.data or () if isinstance(listed, Models) else listed)]
        if _offers(offered, wanted):
            return
        near = endpoint.clean(", ".join(get_close_matches(wanted, offered, n=3, cutoff=0.0)) or "none")
        problem = f"{address.name} does not offer the model '{wanted}'; it has {near}"
        if isinstance(listed, Models):
            raise ModelError(f"{problem} (check_models: false takes it as it is)")
        log.warning("the model is not in the server's list; going on", extra={"why": problem})


def _listed(body: bytes) -> Models | tuple[OfferedModel, ...]:
    listed = MODELS.decode(body)
    if isinstance(listed, Models) and listed.data is UNSET:
        raise UnknownForm("it is no list of models")
    return listed


def _without_list(error: EngineError) -> bool:
    """Whether the server has no list, or none for this key, or one in an unknown form."""
    status = error.status if isinstance(error, RefusedCall) else None
    return error.kind is ErrorKind.REFUSED and status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED)


def _offers(offered: Sequence[str], wanted: str) -> bool:
    """Whether a list has the model: by its name, in Ollama's or Gemini's spelling, or by LiteLLM's pattern."""
    names = {wanted, f"{wanted}:latest", f"models/{wanted}"}
    return any(each in names or ("*" in each and fnmatchcase(wanted, each)) for each in offered)
