"""Requests to engines and their replies; drafts and candidates, which the gates then judge."""

from enum import Enum
from typing import Literal

from msgspec import Struct

from schemas.flaws import Probed
from schemas.ids import OrderId, PoolName


class Message(Struct, frozen=True):
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


class Sampling(Struct, frozen=True):
    """How tokens are drawn. `seed` fixes the draw if the engine can do that (see each engine's page)."""

    temperature: float = 0.7
    """0 is greedy; at most 2."""
    top_p: float = 1.0
    max_tokens: int = 256
    seed: int = 0


class Lane(Enum):
    """With how many other requests a request is sent. One whose replica died is a suspect and is sent with fewer."""

    SHARED = "shared"
    FEW = "few"
    ALONE = "alone"


class Prompt(Struct, frozen=True, omit_defaults=True):
    """What a task asks a model. If the last message is the assistant's, the model continues it, and the completion is
    the text that follows. The sampling's seed is set later, not by the task."""

    messages: tuple[Message, ...]
    sampling: Sampling
    stop: tuple[str, ...] = ()
    json_schema: str | None = None
    """A JSON schema (as text) that constrains the completion if the engine can do that; the parser decides anyway."""


class GenerationRequest(Struct, frozen=True, omit_defaults=True):
    """A prompt as a generator gets it: a request for one completion of a chat."""

    id: str
    messages: tuple[Message, ...]
    sampling: Sampling
    stop: tuple[str, ...] = ()
    json_schema: str | None = None
    """A JSON schema (as text) that constrains the completion if the engine can do that; the parser decides anyway."""
    logprobs: bool = False
    """Ask for the log-probability of each generated token."""
    top_logprobs: int = 0
    """How many of the likeliest tokens of the first generated position to return, at most 20; 0: none."""
    lane: Lane = Lane.SHARED
    passage_id: str | None = None
    """The passage of the prompt: a gateway may send all its calls to the server with the prefix in its cache."""


class FinishReason(Enum):
    """Why a completion ended: the model finished, or the token limit cut it off."""

    STOP = "stop"
    LENGTH = "length"


class LikelyToken(Struct, frozen=True):
    """A token that a model wrote, or might have written: its text, and the natural logarithm of its probability there,
    whatever the sampling's temperature."""

    text: str
    logprob: float


class Completion(Struct, frozen=True, omit_defaults=True):
    """One finished completion."""

    request_id: str
    text: str
    finish: FinishReason
    prompt_tokens: int
    completion_tokens: int
    logprobs: tuple[float, ...] | None = None
    """Natural logarithms, one for each generated token, if asked for."""
    first_tokens: tuple[LikelyToken, ...] | None = None
    """The likeliest tokens of the first generated position, if asked for; None also if the engine gives none."""
    estimated_tokens: int = 0
    """How many of the tokens are estimated from the text's length, because the server did not count them."""
    reasoning: str = ""
    """The model's thoughts before its answer, if a server returns them apart; their tokens are in the completion's."""
    cached_tokens: int = 0
    """How many of the prompt's tokens the engine took from its cache; 0 also if it does not say."""

    @property
    def cost(self) -> "Cost":
        """The tokens of the call, without its seconds."""
        return Cost(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            estimated_tokens=self.estimated_tokens,
            cached_tokens=self.cached_tokens,
        )


class ClassificationRequest(Struct, frozen=True):
    """One text for a sequence classifier, or the second of a pair."""

    id: str
    text: str
    premise: str | None = None
    """The first text of a pair, as cross-encoders read it: a source, about which `text` is a claim, or a question."""


class Classification(Struct, frozen=True):
    """Class probabilities in the order of the model's labels (a single-logit model gives one sigmoid value)."""

    request_id: str
    probabilities: tuple[float, ...]
    prompt_tokens: int
    windows: tuple[tuple[float, ...], ...] = ()
    """Probabilities for each further part of a premise that is longer than the model can read."""


class Cost(Struct, frozen=True, omit_defaults=True):
    """The cost of a call: tokens of its model, and seconds of waiting for it. `estimated_tokens`: how many of the
    tokens are an estimate; `cached_tokens`: how many of the prompt's were taken from a cache."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    estimated_tokens: int = 0
    cached_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            seconds=self.seconds + other.seconds,
            estimated_tokens=self.estimated_tokens + other.estimated_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
        )


class ScoringRequest(Struct, frozen=True, omit_defaults=True):
    """A chat whose last message is the assistant's: how likely is each token of it, given all text before?"""

    id: str
    messages: tuple[Message, ...]
    passage_id: str | None = None


class Scoring(Struct, frozen=True):
    """The tokens of the last message, each with its log-probability given all text before it, and the cost."""

    request_id: str
    tokens: tuple[LikelyToken, ...]
    cost: Cost


class Heard(Struct, frozen=True, omit_defaults=True):
    """A prompt and a reply that could not be used, and their cost."""

    asked: tuple[Message, ...]
    said: str
    """The reply's first characters."""
    cost: Cost = Cost()


class Draft(Struct, frozen=True):
    """A completion as its task read it: named texts, which gates and repairs read."""

    fields: dict[str, str]
    """Texts by name, in the task's order."""

    @property
    def question(self) -> str:
        """The question; "" if the task has none."""
        return self.fields.get("question", "")

    @property
    def answer(self) -> str:
        return self.fields.get("answer", "")

    @property
    def quote(self) -> str | None:
        """The passage sentence that the generator says it used (asked for by one repair)."""
        return self.fields.get("quote")


def answered(question: str, answer: str, quote: str | None = None) -> Draft:
    """The draft of a question and its answer."""
    fields = {"question": question, "answer": answer}
    return Draft(fields if quote is None else {**fields, "quote": quote})


def rewritten(draft: Draft, **fields: str) -> Draft:
    """The draft with other texts under these names."""
    return Draft({**draft.fields, **fields})


Texts = tuple[tuple[str, str], ...]
"""Named texts, in the order in which a model reads them."""


def texts_of(draft: Draft) -> Texts:
    """All texts of a draft, by their names with a capital; without the quote, which is evidence only."""
    return tuple((name.capitalize(), text) for name, text in draft.fields.items() if name != "quote")


def qa(question: str, answer: str) -> Texts:
    """The texts of a question and its answer."""
    return texts_of(answered(question, answer))


def asked_and_said(texts: Texts) -> tuple[str, str]:
    """The question and the answer: the last text is the answer, those before it are the question."""
    return "\n".join(text for _, text in texts[:-1]), texts[-1][1] if texts else ""


class MalformedReason(Enum):
    """Why a completion is malformed."""

    CUT_OFF = "cut_off"
    """The token limit came before the end: more tokens, or a shorter form, would help."""
    UNFINISHED_THOUGHTS = "unfinished_thoughts"
    """The completion ended, or was cut off, before the model's thoughts ended: a thinking budget would help."""
    EMPTY = "empty"
    NO_LABEL = "no_label"
    """No text in it is marked as a question or an answer."""
    NO_QUESTION = "no_question"
    NO_ANSWER = "no_answer"
    """No answer, or (for problems) none that is marked as the final one."""
    NO_QUOTE = "no_quote"
    TOO_FEW = "too_few"
    """One completion was to give several samples, and gave fewer."""
    REPEATED = "repeated"
    """The same field twice, with different contents."""
    BAD_JSON = "bad_json"
    NOT_TEXT = "not_text"
    """A field of a JSON object is neither a text nor a number, true or false."""
    CONTROL_TEXT = "control_text"
    """It holds a special token of a chat model, a control character or half a surrogate pair."""
    OFF_SCHEMA = "off_schema"
    """JSON that does not fit the field's schema, or fails one of its checks."""
    TOO_LONG = "too_long"
    """The final answer is too long to be compared, or a field is longer than it may be."""


class Malformed(Struct, frozen=True):
    """Why a completion is malformed, in words that a person can act on."""

    reason: MalformedReason
    detail: str


class Made(Struct, frozen=True):
    """The result of a task for one order of its lease."""

    order_id: OrderId
    draft: Draft | Malformed
    given: Sampling | None = None
    """For a draft that was made without a call: the sampling to record for it."""
    probed: Probed | None = None
    """Worth and flaw of a probe's draft."""


class ModelCall(Struct, frozen=True, omit_defaults=True):
    """One answered call of an attempt."""

    pool: PoolName
    prompt: tuple[Message, ...]
    sampling: Sampling
    text: str
    """The completion without the thoughts before it."""
    cost: Cost
    finish: FinishReason = FinishReason.STOP
    reasoning: str = ""
    """The model's thoughts before its answer, if they are kept."""


class Candidate(Struct, frozen=True, omit_defaults=True):
    """The completion of an attempt's last call. `draft`: None if it is malformed; `malformed` says why."""

    pool: PoolName
    prompt: tuple[Message, ...]
    sampling: Sampling
    text: str
    draft: Draft | None
    cost: Cost
    malformed: str | None = None
    malformed_reason: MalformedReason | None = None
    """None also in records of versions that kept no reasons."""
    finish: FinishReason = FinishReason.STOP
    paid_by: OrderId | None = None
    """Another order that the same call is charged to; then the cost here is zero. None: it is charged here."""
    reasoning: str = ""
    """The model's thoughts before its answer, if they are kept."""
