"""What `gleaner models` shows of each role: what an engine knows of its model, a call of it, and how fast it is."""

from enum import Enum

from msgspec import Struct

from schemas.samples import Message


class SystemTurn(Enum):
    """What a chat template makes of the role `system`."""

    OWN = "a turn of its own"
    MERGED = "merged into the user's turn (system_role: merge)"
    LEFT_OUT = "left out by the template; system_role: merge would show it"


class ModelFacts(Struct, frozen=True, omit_defaults=True):
    """What an engine knows of the model that it loaded. None and empty: it does not know."""

    context: int | None = None
    """Tokens that it reads at once: prompt and completion together."""
    slots: int | None = None
    """Requests computed at once."""
    template: str = ""
    """A system's and a user's turn as the chat template writes them; `{system}` and `{user}` stand for contents."""
    system_turn: SystemTurn | None = None
    thinking: tuple[str, ...] = ()
    """The template's switches for thinking, each as it is set (`enable_thinking: false`, or `: not set`)."""
    turn_ends: tuple[str, ...] = ()
    """Tokens that end a completion."""
    padding: str | None = None
    labels: tuple[str, ...] = ()
    """Of a classifier, in the order of their indices."""


class SampleCall(Struct, frozen=True, omit_defaults=True):
    """One call as the run would make it."""

    asked: tuple[Message, ...]
    """What a classifier reads stands as one user's message."""
    said: str
    """The completion; of a classifier its probabilities."""
    came_to: str
    """What the task read in it, or the gate's verdict."""


class BatchRate(Struct, frozen=True):
    """Calls made side by side once the model was warm. Of `calls`, `failed` were not answered."""

    calls: int
    failed: int
    seconds: float
    prompt_tokens: int
    completion_tokens: int


class RoleCard(Struct, frozen=True, omit_defaults=True):
    """One pool, or one gate with a model of its own. `error`: why no more is known, in one line."""

    role: str
    what: str
    """A pool, or a gate with its kind and form."""
    engine: str
    model: str
    source: str
    """Where the model comes from."""
    load_s: float | None = None
    facts: ModelFacts = ModelFacts()
    sample: SampleCall | None = None
    batch: BatchRate | None = None
    error: str | None = None
