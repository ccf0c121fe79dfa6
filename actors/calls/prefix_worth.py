"""Whether it is worth while to send a passage's requests to one replica. Law: it follows from what the pool's calls
have cost so far, and from nothing that a user must know.

A hit saves at most the prompt of a passage that was asked about before. Where prompts are short, or completions so long
that decoding takes the time, that is little. Requests then go to any replica, in fewer and larger messages.
"""

from collections import OrderedDict

from schemas.samples import Cost

FEWEST = 32
"""Calls that are measured before anything is concluded."""
MEMORY = 512
"""Calls that a mean looks back on."""
RECENT = 4096
"""Passages that are remembered as asked about."""
LEAST_TOKENS = 256
"""Saved prompt tokens of a call that pay for a message more: several blocks of a KV cache."""
LEAST_SHARE = 0.1
"""Share of a call's work that must be saved."""
DECODED = 4
"""Work of a generated token, in tokens of a prompt. A prompt is computed in one pass and a completion in one pass a
token, which many requests share; between 2 and 8 on today's GPUs, by model and batch."""
STAYS = 0.5
"""While it is worth while, this part of both bounds is enough, so that it does not turn with every call."""
HOPELESS = 256
"""After so many calls without one token from a cache, the engine has none."""


class PrefixWorth:
    """What the calls to one pool cost, and how often they ask about a passage again. Means of the last `MEMORY`."""

    def __init__(self) -> None:
        self._passages: OrderedDict[str, None] = OrderedDict()
        self._asked = self._answered = 0
        self._again = self._prompt = self._completion = 0.0
        self._without_a_hit = 0
        self.pays = False

    def asked(self, passage_id: str) -> None:
        """One more call is about this passage."""
        again = passage_id in self._passages
        self._passages[passage_id] = None
        self._passages.move_to_end(passage_id)
        if len(self._passages) > RECENT:
            self._passages.popitem(last=False)
        self._asked += 1
        self._again += (again - self._again) / min(self._asked, MEMORY)

    def answered(self, cost: Cost) -> None:
        """One more call has cost so much."""
        if not cost.prompt_tokens:
            return
        self._answered += 1
        weight = 1 / min(self._answered, MEMORY)
        self._prompt += (cost.prompt_tokens - self._prompt) * weight
        self._completion += (cost.completion_tokens - self._completion) * weight
        if self._without_a_hit < HOPELESS:
            self._without_a_hit = self._without_a_hit + self.pays if not cost.cached_tokens else 0
        self.pays = self._answered >= FEWEST and self._without_a_hit < HOPELESS and self._is_enough()

    @property
    def saved_tokens(self) -> float:
        """The most prompt tokens of a call that hits could save."""
        return self._again * self._prompt

    @property
    def saved_share(self) -> float:
        """Their share of the call's work."""
        return self.saved_tokens / (self._prompt + DECODED * self._completion)

    def _is_enough(self) -> bool:
        bound = STAYS if self.pays else 1.0
        return self.saved_tokens >= bound * LEAST_TOKENS and self.saved_share >= bound * LEAST_SHARE
