"""A task of one call: what is asked, and how the completion is read."""

from collections.abc import AsyncIterator
from typing import Protocol

from actors.protocols import AskModel
from schemas.config import SamplingDefaults
from schemas.orders import Lease
from schemas.samples import Draft, FinishReason, Made, Malformed, Prompt, Sampling


class OneCall(Protocol):
    """The part of `actors.protocols.Task` that follows from these two."""

    def prompt(self, lease: Lease) -> Prompt:
        """What this attempt asks, the same whenever it is asked again; its seed is no affair of the task's."""
        ...

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        """The draft, or why the text is malformed. Never raises, whatever the text."""
        ...

    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        """One draft of one call."""
        completion = await ask(self.prompt(lease))
        yield Made(lease.order.id, self.read(lease, completion.text, completion.finish))


def sampled(defaults: SamplingDefaults, lease: Lease) -> Sampling:
    """The sampling of an attempt: a task's own, with the temperature of the repair, if it is one."""
    temperature = defaults.temperature if lease.repair is None else lease.repair.temperature
    return Sampling(temperature=temperature, top_p=defaults.top_p, max_tokens=defaults.max_tokens)
