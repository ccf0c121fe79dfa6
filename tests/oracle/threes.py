"""A task that makes three samples of one completion: the same question, each with a number of its own."""

from collections.abc import AsyncIterator, Sequence

from actors.protocols import AskModel
from actors.tasks.one_call import OneCall, sampled, with_words
from actors.tasks.prompt_sets import EMBEDDED
from actors.tasks.reading import parse
from schemas.config_tasks import CustomTask
from schemas.orders import Lease
from schemas.samples import Draft, FinishReason, Made, Malformed, Message, Prompt, Texts, rewritten


class Threes(OneCall):
    """A repair asks for all three again and takes its own."""

    together = 3

    def __init__(self, config: CustomTask) -> None:
        self._sampling = config.sampling

    def prompt(self, lease: Lease) -> Prompt:
        return Prompt((Message("user", EMBEDDED.ask(lease.passage.text)),), sampled(self._sampling, lease))

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        return parse(text, finish, passage=lease.passage.text)

    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        completion = await ask(with_words(self.prompt(lease), lease))
        for order in lease.orders:
            draft = self.read(lease, completion.text, completion.finish)
            if isinstance(draft, Draft):
                asked = draft.question.partition(" Part ")[0]
                draft = rewritten(draft, question=f"{asked} Part {order.slot}.")
            yield Made(order.id, draft)

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        return (Message("user", f"{passage}\n\n{draft.question}"), Message("assistant", draft.answer))

    def key(self, draft: Draft) -> Texts | None:
        return None
