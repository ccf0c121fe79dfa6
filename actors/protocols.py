"""What actors talk to: small protocols, 1–4 methods each, so that every actor runs in-process with doubles.

A call that fails raises `schemas.errors.HopError`; none of these retries: the conductor alone does.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Protocol, runtime_checkable

from schemas.corpus import Passage
from schemas.flaws import FlawKind, Worth
from schemas.ids import PoolName
from schemas.orders import Holding, Lease, Outcome, Settlement
from schemas.recovery import Choice, Diagnosis, Experience
from schemas.repairs import Directive, RejectedDraft
from schemas.samples import (
    Candidate,
    Classification,
    ClassificationRequest,
    Completion,
    Draft,
    GenerationRequest,
    Made,
    Message,
    Prompt,
    Scoring,
    ScoringRequest,
    Texts,
)
from schemas.sinks import OutgoingShard
from schemas.vectors import Embedded, EmbeddingRequest, Encoded
from schemas.verdicts import GateRequest, Verdict


class Generator(Protocol):
    """A chat model. Who stops waiting for a completion cancels it."""

    async def generate(self, request: GenerationRequest) -> Completion: ...


class Classify(Protocol):
    """A sequence classifier."""

    async def classify(self, request: ClassificationRequest) -> Classification: ...


@runtime_checkable
class ScoreText(Protocol):
    """A chat model that says how likely a given text is."""

    async def score(self, request: ScoringRequest) -> Scoring: ...


class Engine(Generator, Classify, Protocol):
    """A model runtime: a generator, a classifier, or both; what it is not, it refuses as a permanent EngineError."""

    async def start(self) -> None:
        """Load and warm up. Raises `schemas.errors.ModelError` when the model does not exist or does not fit."""
        ...

    async def check(self) -> None:
        """Raises EngineError when it cannot answer any more and should be replaced."""
        ...

    async def close(self) -> None: ...


class TextEncoder(Protocol):
    """A model that makes vectors of texts. Each raises EngineError when it cannot."""

    async def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text that is searched among."""
        ...

    async def encode_queries(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text that is searched for."""
        ...

    async def embed(self, text: str) -> Encoded:
        """One text as those that are searched for, with the tokens that it took."""
        ...

    async def check(self) -> None:
        """Raises EngineError when it cannot answer any more and should be replaced."""
        ...

    async def close(self) -> None: ...


class Gate(Protocol):
    """A check of a draft. Errors of its model are raised as HopError, never turned into a score."""

    async def check(self, request: GateRequest) -> Verdict: ...


class Embedder(Protocol):
    """What makes vectors of samples, to find near-duplicates by. Errors of its model are raised as HopError."""

    async def embed(self, request: EmbeddingRequest) -> Embedded: ...


@runtime_checkable
class AskingGate(Gate, Protocol):
    """A gate that asks the run's own pools."""

    async def check_asking(self, request: GateRequest, ask: "Ask") -> Verdict:
        """As `Gate.check`."""
        ...


class Orders(Protocol):
    """The queue, as a conductor sees it."""

    async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
        """Leases of up to `limit` orders (what goes together in one may be more); waits a bounded while when there are
        none (then empty). None: the run is over."""
        ...

    async def settle(self, outcome: Outcome) -> Settlement:
        """Returns when the outcome is durable."""
        ...

    async def join(self, conductor: str, holdings: Sequence[Holding]) -> None:
        """Tells a queue that was made again what this conductor works on."""
        ...


class AskModel(Protocol):
    """The only way from a task to a model: records each call in the attempt, seeds and retries it."""

    async def __call__(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        """The completion; without a `pool`, of the one that the attempt goes to. Raises HopError."""
        ...


class AskAside(AskModel, Protocol):
    """The same, with calls that no draft is of."""

    async def aside(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        """As a call; but another pool never stands in for a named one."""
        ...


class Maker(Protocol):
    """Who makes the attempts of a kind of orders."""

    def attempt(self, lease: Lease, ask: AskAside) -> AsyncIterator[Made]:
        """What became of each order of the lease, as soon as it stands: a draft, or why it is malformed."""
        ...


class Task(Protocol):
    """What is made of a passage: how it is asked for and read, and what of a draft others are shown."""

    @property
    def together(self) -> int:
        """How many orders of one passage an attempt can make at once; a repair is always of one."""
        ...

    def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        """As `Maker.attempt`."""
        ...

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        """What a student is trained on, the assistant's turn last."""
        ...

    def claim(self, draft: Draft) -> Texts:
        """What a faithfulness judge must find in the source; the last text is what is said, those before it ask."""
        ...

    def shown(self, draft: Draft) -> Texts:
        """What a reward model rates, the source unseen."""
        ...

    def key(self, draft: Draft) -> Texts | None:
        """What near-duplicates of a passage are compared on; None: no sample of it repeats another."""
        ...

    def written(self, draft: Draft) -> str:
        """The draft as a generator is asked to write it at a first attempt."""
        ...


Ask = Callable[[PoolName, GenerationRequest], Awaitable[Completion]]
"""One completion of a pool, retried within bounds. Raises HopError."""


class Injector(Protocol):
    """Makes drafts bad on purpose, the same way whenever it is asked again, and says what a text is worth."""

    def kinds(self, passage: Passage) -> Collection[FlawKind]:
        """In which ways a sample of this passage can be spoilt."""
        ...

    async def spoil(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Draft | None:
        """The draft with that flaw; None: it could not be made. Raises HopError."""
        ...

    async def worth(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Worth:
        """What a text is worth by a check that is independent of the gates: the spoilt draft's, one that was left good,
        or a repair's. Raises HopError."""
        ...


class Sink(Protocol):
    """Where accepted rows go besides the run's folder. Its `close`, where it has one, is called at the end."""

    def deliver(self, shard: OutgoingShard, /) -> Awaitable[None] | None:
        """Returns when all its rows are where they belong. The same shard may come again. Whatever it raises: again."""
        ...


class Repairer(Protocol):
    """A repair: what the next attempt of a rejected draft does differently. It knows nothing but what it is given."""

    def __call__(self, rejected: RejectedDraft, /) -> Directive: ...


class RecoveryPolicy(Protocol):
    """What happens to a rejected sample: diagnosed first, then a repair is chosen."""

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]: ...

    def learn(self, experience: Experience) -> None:
        """What the run has shown of its repairs so far, told with a lease from time to time."""
        ...
