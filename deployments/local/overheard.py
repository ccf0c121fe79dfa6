"""An engine that answers nothing and counts what it is asked, for the prompts of gates; and what they may be shown.

Law: a draft that nobody wrote stands in by words that no prompt has otherwise, so that the places are known that show
it.
"""

from collections.abc import Sequence

from msgspec import Struct

from actors.gates.evidence import EXACT, EvidenceSource, Grounds, NoSource
from deployments.local.token_counts import PromptCounter
from schemas.config_gates import Exact, Provenance, Retrieved, Unseen
from schemas.corpus import Passage
from schemas.forecast import NOTHING, Amounts
from schemas.samples import (
    Classification,
    ClassificationRequest,
    Completion,
    Cost,
    Draft,
    FinishReason,
    GenerationRequest,
    LikelyToken,
    Message,
    Scoring,
    ScoringRequest,
)
from schemas.verdicts import GateRequest


class Load(Struct, frozen=True):
    """What one role is asked: calls, and the tokens of their prompts and completions."""

    calls: Amounts = NOTHING
    prompt: Amounts = NOTHING
    completion: Amounts = NOTHING

    @property
    def bound(self) -> "Load":
        """The most alone: a bound has no least."""
        most = (self.calls.most, self.prompt.most, self.completion.most)
        return Load(*(Amounts(each, each) for each in most))

    def __add__(self, other: "Load") -> "Load":
        return Load(self.calls + other.calls, self.prompt + other.prompt, self.completion + other.completion)

    @property
    def or_nothing(self) -> "Load":
        """The same, where it may be that nothing is asked."""
        return Load(*(Amounts(0.0, each.most) for each in (self.calls, self.prompt, self.completion)))


def places(draft: Draft, text: str) -> int:
    """At how many places a text shows the field that it shows most often."""
    return max((text.count(word) for word in draft.fields.values()), default=0)


class OverhearingEngine:
    """`actors.protocols.Engine` and `ScoreText` that counts what it is asked."""

    def __init__(self, counter: PromptCounter, draft: Draft, draft_tokens: int) -> None:
        self._counter = counter
        self._draft = draft
        self._draft_tokens = draft_tokens
        self.load = Load()

    async def start(self) -> None: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    async def generate(self, request: GenerationRequest) -> Completion:
        self._hear(self._counter.chat(request.messages), request.messages, request.sampling.max_tokens)
        return Completion(request.id, "", FinishReason.STOP, 0, 0)

    async def classify(self, request: ClassificationRequest) -> Classification:
        premise = request.premise
        count = self._counter.text(request.text) if premise is None else self._counter.pair(premise, request.text)
        self._hear(count, (Message("user", f"{premise or ''}\n{request.text}"),), 0)
        return Classification(request.id, (0.5, 0.5), 0)

    async def score(self, request: ScoringRequest) -> Scoring:
        self._hear(self._counter.chat(request.messages), request.messages, 0)
        return Scoring(request.id, (LikelyToken("", -1.0),), Cost())

    def _hear(self, tokens: Amounts, messages: Sequence[Message], limit: int) -> None:
        shown = places(self._draft, "".join(message.content for message in messages))
        prompt = Amounts(tokens.least, tokens.most + shown * self._draft_tokens)
        self.load += Load(Amounts(1, 1), prompt, Amounts(min(1, limit), limit))


class FixedSource(Struct, frozen=True):
    """An evidence source that gives the same passages to every request."""

    passages: tuple[Passage, ...]

    async def grounds(self, request: GateRequest) -> Grounds:
        return Grounds(self.passages)


def source_of(provenance: Provenance, shown: Sequence[Passage]) -> EvidenceSource:
    match provenance:
        case Exact():
            return EXACT
        case Unseen():
            return NoSource()
        case Retrieved():
            return FixedSource(tuple(shown[: provenance.k]))
