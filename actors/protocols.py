"""Protocols of everything that an actor calls. They are small, so that every actor runs in-process with doubles.

A call that fails raises `schemas.errors.HopError`. None of these retries: the conductor alone does.
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
from schemas.verdicts import GateName, GateRequest, Verdict


class Generator(Protocol):
    """A chat model. A caller that stops waiting for a completion cancels it."""

    async def generate(self, request: GenerationRequest) -> Completion: ...


class Classify(Protocol):
    """A sequence classifier."""

    async def classify(self, request: ClassificationRequest) -> Classification: ...


@runtime_checkable
class ScoreText(Protocol):
    """A chat model that says how likely a given text is."""

    async def score(self, request: ScoringRequest) -> Scoring: ...


class Engine(Generator, Classify, Protocol):
    """A model runtime: a generator, a classifier, or both. A request of the other role raises a permanent
    EngineError."""

    async def start(self) -> None:
        """Load and warm up. Raises `schemas.errors.ModelError` when the model does not exist or does not fit."""
        ...

    async def check(self) -> None:
        """Raises EngineError when the engine cannot answer any more and should be replaced."""
        ...

    async def close(self) -> None: ...


class TextEncoder(Protocol):
    """A model that makes vectors of texts. Every method but `close` raises EngineError when it fails."""

    async def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text, as a text that a search may find."""
        ...

    async def encode_queries(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text, as a query."""
        ...

    async def embed(self, text: str) -> Encoded:
        """The vector of one text, as a query, with the tokens that it took."""
        ...

    async def check(self) -> None:
        """Raises EngineError when the encoder cannot answer any more and should be replaced."""
        ...

    async def close(self) -> None: ...


class Gate(Protocol):
    """A check of a draft. Errors of its model are raised as HopError, never turned into a score."""

    async def check(self, request: GateRequest) -> Verdict: ...


class Embedder(Protocol):
    """A maker of vectors of samples, by which near-duplicates are found. Errors of its model are raised as HopError."""

    async def embed(self, request: EmbeddingRequest) -> Embedded: ...


@runtime_checkable
class AskingGate(Gate, Protocol):
    """A gate that asks the run's own pools."""

    async def check_asking(self, request: GateRequest, ask: "Ask") -> Verdict:
        """As `Gate.check`."""
        ...


AskGate = Callable[[GateName, GateRequest], Awaitable[Verdict]]
"""The verdict of another gate of the run, retried within limits; an errored one if the gate fails."""


@runtime_checkable
class GateOfGates(Gate, Protocol):
    """A gate whose verdict is made of those of other gates, its steps. These judge nothing by themselves."""

    @property
    def steps(self) -> frozenset[GateName]: ...

    async def check_by(self, request: GateRequest, asked: AskGate) -> Verdict: ...


class Orders(Protocol):
    """The queue, as a conductor sees it."""

    async def lease(self, conductor: str, limit: int) -> Sequence[Lease] | None:
        """Leases of up to `limit` orders; orders that share a lease may exceed it. If there are none, it waits for a
        limited time and returns an empty list. None: the run is over."""
        ...

    async def settle(self, outcome: Outcome) -> Settlement:
        """Returns when the outcome is durable."""
        ...

    async def join(self, conductor: str, holdings: Sequence[Holding]) -> None:
        """Tells a restarted queue which attempts this conductor works on."""
        ...


class AskModel(Protocol):
    """The only way from a task to a model: seeds each call, retries it, and records it in the attempt."""

    async def __call__(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        """The completion, from `pool` or else from the attempt's own pool. Raises HopError."""
        ...


class AskAside(AskModel, Protocol):
    """`AskModel`, with calls whose completions become no draft."""

    async def aside(self, prompt: Prompt, *, pool: PoolName | None = None) -> Completion:
        """As `__call__`, but no other pool answers in place of the named one."""
        ...


class Maker(Protocol):
    """The maker of the attempts of a kind of orders."""

    def attempt(self, lease: Lease, ask: AskAside) -> AsyncIterator[Made]:
        """For each order of the lease, as soon as it is known: a draft, or why the completion is malformed."""
        ...


class Task(Protocol):
    """A kind of sample: how to ask for it, how to read it, and which texts of a draft are shown to judges and
    students."""

    @property
    def together(self) -> int:
        """How many orders of one passage an attempt can make at once; a repair always makes one."""
        ...

    def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        """As `Maker.attempt`."""
        ...

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        """The messages that a student is trained on; the assistant's turn is the last."""
        ...

    def claim(self, draft: Draft) -> Texts:
        """The texts that a faithfulness judge compares with the source. The last one is the claim; those before it are
        its question."""
        ...

    def shown(self, draft: Draft) -> Texts:
        """The texts that a reward model rates, without the source."""
        ...

    def key(self, draft: Draft) -> Texts | None:
        """The texts by which near-duplicates of one passage are found; None: samples are not compared."""
        ...

    def written(self, draft: Draft) -> str:
        """The draft in the form that a generator is asked for at a first attempt."""
        ...


Ask = Callable[[PoolName, GenerationRequest], Awaitable[Completion]]
"""One completion of a pool, retried within limits. Raises HopError."""


class Injector(Protocol):
    """Spoils drafts on purpose, in the same way each time, and says whether a text is good or bad."""

    def kinds(self, passage: Passage) -> Collection[FlawKind]:
        """The flaws that a sample of this passage can be given."""
        ...

    async def spoil(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Draft | None:
        """The draft with that flaw; None if the flaw could not be made. Raises HopError."""
        ...

    async def worth(self, kind: FlawKind, lease: Lease, draft: Draft, ask: AskModel) -> Worth:
        """The worth of a text by a check that is independent of the gates. The text is a spoilt draft, a draft that was
        left good, or a repair of one. Raises HopError."""
        ...


class Sink(Protocol):
    """A destination of accepted rows besides the run's folder. If it has a `close`, that is called at the end."""

    def deliver(self, shard: OutgoingShard, /) -> Awaitable[None] | None:
        """Returns when all rows of the shard are stored. The same shard may come again. After any exception it comes
        again."""
        ...


class Repairer(Protocol):
    """A repair: what the next attempt of a rejected draft does differently. It depends on its argument alone."""

    def __call__(self, rejected: RejectedDraft, /) -> Directive: ...


class RecoveryPolicy(Protocol):
    """Diagnoses a rejected sample, then chooses its repair."""

    def decide(self, lease: Lease, candidate: Candidate, verdicts: Sequence[Verdict]) -> tuple[Diagnosis, Choice]: ...

    def learn(self, experience: Experience) -> None:
        """Takes in the results of the run's repairs so far. Some leases bring them."""
        ...
