"""The base of a task of one call: what is asked, and how the completion is read."""

from collections.abc import AsyncIterator, Collection, Sequence

from msgspec.structs import replace

from actors.protocols import AskModel
from actors.tasks.prompts import neutralise
from schemas.config_tasks import SamplingDefaults
from schemas.orders import Lease
from schemas.recovery import RepairKind
from schemas.samples import Completion, Draft, FinishReason, Made, Malformed, Message, Prompt, Sampling, Texts, texts_of


class OneCall:
    """An `actors.protocols.Task` but for `prompt`, `read` and `messages`. The rest fits a task whose fields are the
    sample; one that knows better says so."""

    together: int = 1
    """One call is one sample; a task that overrides `attempt` may make more of it."""
    repairs: Collection[RepairKind] = ()
    """The repairs that its prompts know; none stands for all."""
    form_repairs: Collection[RepairKind] = ()
    """Those of `schemas.recovery.FORM_REPAIRS` that its prompts know."""

    def prompt(self, lease: Lease) -> Prompt:
        """What this attempt asks, the same whenever it is asked again; its seed is no affair of the task's."""
        raise NotImplementedError

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        """The draft, or why the text is malformed. Never raises, whatever the text."""
        raise NotImplementedError

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        """What a student is trained on, the assistant's turn last."""
        raise NotImplementedError

    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        """One draft of one call."""
        completion = await ask(with_words(self.prompt(lease), lease))
        yield Made(lease.order.id, self.read(lease, reply_of(completion), completion.finish))

    def claim(self, draft: Draft) -> Texts:
        """All its fields."""
        return texts_of(draft)

    def shown(self, draft: Draft) -> Texts:
        """All its fields."""
        return texts_of(draft)

    def key(self, draft: Draft) -> Texts | None:
        """All its fields."""
        return texts_of(draft)

    def written(self, draft: Draft) -> str:
        """A line for each field, after its name."""
        return "\n".join(f"{name}: {text}" for name, text in texts_of(draft))


def sampled(defaults: SamplingDefaults, lease: Lease) -> Sampling:
    """The sampling of an attempt: a task's own, with the temperature of the repair, if it is one. The engine's limit is
    the answer's and the thoughts' together: no engine knows where the one begins."""
    temperature = defaults.temperature if lease.repair is None else lease.repair.temperature
    limit = defaults.max_tokens + defaults.thinking_tokens
    return Sampling(temperature=temperature, top_p=defaults.top_p, max_tokens=limit)


def asked_with(system: str, user: str, defaults: SamplingDefaults, lease: Lease) -> Prompt:
    """The prompt of one turn of the user's, sampled as this attempt is."""
    messages = (Message("system", system), Message("user", user))
    return Prompt(messages=messages, sampling=sampled(defaults, lease), stop=defaults.stop)


def reply_of(completion: Completion) -> str:
    """What is read of a completion: its text, or thoughts that a server told apart and that were cut off before there
    was one, marked as a model marks them."""
    if completion.finish is FinishReason.LENGTH and completion.reasoning and not completion.text.strip():
        return f"<think>{completion.reasoning}"
    return completion.text


def with_words(prompt: Prompt, lease: Lease) -> Prompt:
    """The prompt with the words of the attempt's repair behind the user's last turn, if it has any. What they may quote
    of a draft is broken up as a draft is."""
    words = "" if lease.repair is None else lease.repair.words
    places = [at for at, message in enumerate(prompt.messages) if message.role == "user"]
    if not words or not places:
        return prompt
    messages, last = list(prompt.messages), places[-1]
    messages[last] = Message("user", f"{messages[last].content}\n{neutralise(words)}")
    return replace(prompt, messages=tuple(messages))
