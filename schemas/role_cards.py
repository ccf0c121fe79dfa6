"""The answer of `gleaner models`: for each role, facts about its model, a sample call, and its speed."""

from enum import Enum

from msgspec import Struct

from schemas.samples import Message


class SystemTurn(Enum):
    """What a chat template does with the role `system`."""

    OWN = "a turn of its own"
    MERGED = "merged into the user's turn (system_role: merge)"
    LEFT_OUT = "left out by the template; system_role: merge would show it"


class ModelFacts(Struct, frozen=True, omit_defaults=True):
    """Facts that an engine knows about the model that it loaded. None and empty: unknown."""

    context: int | None = None
    """The longest prompt and completion together, in tokens."""
    slots: int | None = None
    """Requests computed at once."""
    template: str = ""
    """A system turn and a user turn as the chat template writes them; `{system}` and `{user}` stand for contents."""
    system_turn: SystemTurn | None = None
    thinking: tuple[str, ...] = ()
    """The template's switches for thinking, each with its setting (`enable_thinking: false`, or `: not set`)."""
    turn_ends: tuple[str, ...] = ()
    """Tokens that end a completion."""
    padding: str | None = None
    labels: tuple[str, ...] = ()
    """Labels of a classifier, in the order of their indices."""


class SampleCall(Struct, frozen=True, omit_defaults=True):
    """One call as the run would make it."""

    asked: tuple[Message, ...]
    """The prompt; for a classifier or an embedder, its text as one user message."""
    said: str
    """The completion; for a classifier, its probabilities."""
    came_to: str
    """The draft that the task read, the gate's verdict, or how near another text comes."""


class BatchRate(Struct, frozen=True):
    """Calls made side by side when the model was warm. Of `calls`, `failed` were not answered."""

    calls: int
    failed: int
    seconds: float
    prompt_tokens: int
    completion_tokens: int


class RoleCard(Struct, frozen=True, omit_defaults=True):
    """One pool, one gate with a model of its own, or the embedder. `error`: why more is not known, in one line."""

    role: str
    what: str
    """A pool, a gate with its kind and form, or the embedder."""
    engine: str
    model: str
    source: str
    """The place that the model was loaded from."""
    load_s: float | None = None
    facts: ModelFacts = ModelFacts()
    sample: SampleCall | None = None
    batch: BatchRate | None = None
    error: str | None = None
