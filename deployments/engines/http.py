"""Any OpenAI-compatible server: chat completions for a generator, vLLM's /classify for a classifier, /embeddings for an
encoder.

Law: one request, one call. Results of different requests come as each is done; the `n` completions of one request come
together, as the server answers them together. Seed and JSON schema are passed on: what they hold is the server's word.

A server tokenises by itself: prompts must have broken up markup that a passage imitates (`actors.tasks.prompts` does).
Where it counts tokens only for a whole call, the completions share them evenly; their sum is exact. There is no trial
call at the start, but a scorer's, which few servers answer: the first orders' calls are one, since a refusal of the
whole pool is charged to no order.
"""

import logging
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from http import HTTPStatus

from msgspec import UNSET

from actors.calls.clocks import Clocks
from deployments.engines.http_address import Address, address_of, headers_of
from deployments.engines.http_endpoint import Endpoint, EndpointLimits, HttpCall, RefusedCall
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
"""A reply larger than this is no reply, whatever was asked for."""
LEAST_BOUND = 64 * 1024
"""Characters that a completion may always have: a server may not heed the limit of a probe, which asks for one token,
and is well all the same."""
AROUND_BYTES = 256 * 1024
"""Room in a reply for what is no text: names, counts, what a gateway adds."""
VECTOR_BYTES = 1024 * 1024
"""A vector as numbers in a text: of 16,384 dimensions and more."""
ESCAPED_BYTES = 6
"""The longest way to write a character in JSON."""
LOGPROB_BYTES = 1024
"""Room for one token's log-probability with its bytes and alternatives."""


class HttpBackend:
    """A generator, a scorer, a classifier or an encoder behind a URL, by role."""

    def __init__(self, config: Config, role: EngineRole, clocks: Clocks = Clocks()) -> None:  # noqa: B008 - frozen
        self._config = config
        self._role = role
        self._clocks = clocks
        self._endpoint: Endpoint | None = None
        self._estimates = False
        """It is said once that tokens are estimates."""

    @property
    def facts(self) -> ModelFacts:
        """A server tells nothing of its model; so many requests go to it at once."""
        return ModelFacts(slots=self._config.concurrency)

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

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion; who leaves early closes the connection, which servers take as a cancellation."""
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
        """Class probabilities of one text, by vLLM's endpoint, which lies beside /v1."""
        endpoint = self._ready(EngineRole.CLASSIFIER)
        call = HttpCall(self._address.classify, AROUND_BYTES, classify_body(self._config, request))
        return await endpoint.call(call, lambda body: read_classes(body, request))

    async def _check_scores(self) -> None:
        """Few servers give what a scorer is for: one that does not is refused before any order."""
        try:
            await self.score(ScoringRequest("start", (Message("user", "Say one."), Message("assistant", "One."))))
        except EngineError as error:
            if error.kind in (ErrorKind.REFUSED, ErrorKind.PERMANENT):
                raise ModelError(error.detail) from error
            log.warning("the server does not score yet; going on", extra={"why": error.detail})

    async def embed(self, request: EmbeddingRequest) -> Encoded:
        """The vector of one text. How it is pooled, and whether a long text is cut, is the server's to say."""
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
        """The list is optional: a server without one, or with one of another form, is taken as it is."""
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
    """Whether the server has no list, or none for this key, or one that is not known."""
    status = error.status if isinstance(error, RefusedCall) else None
    return error.kind is ErrorKind.REFUSED and status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED)


def _offers(offered: Sequence[str], wanted: str) -> bool:
    """Whether a list holds the model: as it is, as Ollama's and Gemini's lists write it, or by LiteLLM's pattern."""
    names = {wanted, f"{wanted}:latest", f"models/{wanted}"}
    return any(each in names or ("*" in each and fnmatchcase(wanted, each)) for each in offered)
