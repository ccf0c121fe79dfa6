"""What is asked of an engine and what it returns; what a candidate is before the gates have spoken."""

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
    """How tokens are drawn. `seed` fixes the draw where the engine can (see each engine's page)."""

    temperature: float = 0.7
    """0 is greedy; at most 2."""
    top_p: float = 1.0
    max_tokens: int = 256
    seed: int = 0


class Lane(Enum):
    """In what company a request travels. One that was with a dead replica is a suspect and travels in less."""

    SHARED = "shared"
    FEW = "few"
    ALONE = "alone"


class Prompt(Struct, frozen=True, omit_defaults=True):
    """What a task asks of a model. A last message of the assistant's is gone on with: the completion is what follows
    it. The sampling's seed is not the task's to choose."""

    messages: tuple[Message, ...]
    sampling: Sampling
    stop: tuple[str, ...] = ()
    json_schema: str | None = None
    """A JSON schema (as text) that constrains the completion where the engine can; elsewhere the parser decides."""


class GenerationRequest(Struct, frozen=True, omit_defaults=True):
    """A prompt as a generator gets it: one completion of a chat."""

    id: str
    messages: tuple[Message, ...]
    sampling: Sampling
    stop: tuple[str, ...] = ()
    json_schema: str | None = None
    """A JSON schema (as text) that constrains the completion where the engine can; elsewhere the parser decides."""
    logprobs: bool = False
    """Ask for the log-probability of each generated token."""
    top_logprobs: int = 0
    """Ask for so many of the likeliest tokens of the first generated position, at most 20; 0: none."""
    lane: Lane = Lane.SHARED
    passage_id: str | None = None
    """The passage that it is about: a gateway may send all its calls to the server that has the prefix in its cache."""


class FinishReason(Enum):
    """Why a completion ended: the model was done, or the token limit cut it off."""

    STOP = "stop"
    LENGTH = "length"


class LikelyToken(Struct, frozen=True):
    """A token that a model may write at a position, or did: its text, and the natural logarithm of its probability
    there, whatever the sampling's temperature."""

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
    """Natural logarithms, one per generated token, when asked for."""
    first_tokens: tuple[LikelyToken, ...] | None = None
    """The likeliest tokens of the first generated position, when asked for; None also where the engine gives none."""
    estimated_tokens: int = 0
    """How many of the tokens are an estimate from the text's length: the server did not count them."""
    reasoning: str = ""
    """What the model thought before it answered, where a server tells it apart; its tokens are counted as the
    completion's."""

    @property
    def cost(self) -> "Cost":
        """The tokens of the call, without its seconds."""
        return Cost(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            estimated_tokens=self.estimated_tokens,
        )


class ClassificationRequest(Struct, frozen=True):
    """One text for a sequence classifier, or the second of a pair."""

    id: str
    text: str
    premise: str | None = None
    """The first of a pair, as cross-encoders read them: a source, of which `text` is said, or a question."""


class Classification(Struct, frozen=True):
    """Class probabilities in the order of the model's labels (a single-logit model gives one sigmoid value)."""

    request_id: str
    probabilities: tuple[float, ...]
    prompt_tokens: int
    windows: tuple[tuple[float, ...], ...] = ()
    """Of a pair whose premise is longer than the model reads: those of each further part of it."""


class Cost(Struct, frozen=True, omit_defaults=True):
    """What a hop took: tokens of the model behind it and seconds spent waiting for it. `estimated_tokens`: how many of
    the tokens are an estimate."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    estimated_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            seconds=self.seconds + other.seconds,
            estimated_tokens=self.estimated_tokens + other.estimated_tokens,
        )


class ScoringRequest(Struct, frozen=True, omit_defaults=True):
    """A chat whose last message is the assistant's: how likely is each of its tokens behind what stands before?"""

    id: str
    messages: tuple[Message, ...]
    passage_id: str | None = None


class Scoring(Struct, frozen=True):
    """The tokens of the last message, each with its log-probability given all before it, and what it took."""

    request_id: str
    tokens: tuple[LikelyToken, ...]
    cost: Cost


class Heard(Struct, frozen=True, omit_defaults=True):
    """What a model was asked and said where its answer could not be used, and what that took."""

    asked: tuple[Message, ...]
    said: str
    """The reply's first characters."""
    cost: Cost = Cost()


class Draft(Struct, frozen=True):
    """A completion as its task read it: named texts, which gates and repairs read."""

    fields: dict[str, str]
    """By name, in the task's order."""

    @property
    def question(self) -> str:
        """Of the tasks that ask one; "" where there is none."""
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
    """All its fields, by their names with a capital; a quote is evidence, and no text of the sample's."""
    return tuple((name.capitalize(), text) for name, text in draft.fields.items() if name != "quote")


def qa(question: str, answer: str) -> Texts:
    """The texts of a question and its answer."""
    return texts_of(answered(question, answer))


def asked_and_said(texts: Texts) -> tuple[str, str]:
    """What is asked and what is said to it: the last text is said, those before it ask."""
    return "\n".join(text for _, text in texts[:-1]), texts[-1][1] if texts else ""


class MalformedReason(Enum):
    """Why a completion is no draft."""

    CUT_OFF = "cut_off"
    """The token limit came before the end: more tokens, or a shorter form, would help."""
    UNFINISHED_THOUGHTS = "unfinished_thoughts"
    """The completion ended, or was cut off, before the model had thought to the end: a thinking budget would help."""
    EMPTY = "empty"
    NO_LABEL = "no_label"
    """Nothing in it is marked as a question or an answer."""
    NO_QUESTION = "no_question"
    NO_ANSWER = "no_answer"
    """No answer, or (of problems) none that is marked as the final one."""
    NO_QUOTE = "no_quote"
    REPEATED = "repeated"
    """The same field twice, with different contents."""
    BAD_JSON = "bad_json"
    NOT_TEXT = "not_text"
    """A field of a JSON object is neither a text nor a number, true or false."""
    CONTROL_TEXT = "control_text"
    """A special token of a chat model, a control character or half a surrogate pair inside."""
    TOO_LONG = "too_long"
    """The final answer is longer than what is compared."""


class Malformed(Struct, frozen=True):
    """A completion that is no draft, and why, in words that a person can act on."""

    reason: MalformedReason
    detail: str


class Made(Struct, frozen=True):
    """What a task made of one order of its lease."""

    order_id: OrderId
    draft: Draft | Malformed
    given: Sampling | None = None
    """Of a draft that no call was made for: how it stands as drawn."""
    probed: Probed | None = None
    """What is known of it, where it is a probe's."""


class ModelCall(Struct, frozen=True, omit_defaults=True):
    """One answered call of an attempt."""

    pool: PoolName
    prompt: tuple[Message, ...]
    sampling: Sampling
    text: str
    """Without the thoughts before it."""
    cost: Cost
    finish: FinishReason = FinishReason.STOP
    reasoning: str = ""
    """What the model thought before it answered, where that is kept."""


class Candidate(Struct, frozen=True, omit_defaults=True):
    """What an attempt's last call returned. `draft` is None when the text does not parse; `malformed` says why."""

    pool: PoolName
    prompt: tuple[Message, ...]
    sampling: Sampling
    text: str
    draft: Draft | None
    cost: Cost
    malformed: str | None = None
    malformed_reason: MalformedReason | None = None
    """None also for what was recorded before reasons were."""
    finish: FinishReason = FinishReason.STOP
    paid_by: OrderId | None = None
    """The order that the same call was made for first: its attempt holds the cost, this one's is nothing."""
    reasoning: str = ""
    """What the model thought before it answered, where that is kept."""
