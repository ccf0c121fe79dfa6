"""An engine that quotes: the first sentence of the passage that a prompt shows; of a passage that begins with a vowel
one that nobody wrote."""

import re

from schemas.samples import Completion, FinishReason, GenerationRequest
from tests.doubles.engines import InstantEngine, InstantOptions

INVENTED = "Nobody ever wrote this sentence."
_SENTENCE = re.compile(r"<<<\s*(?P<first>[^.]+\.)")


class QuotingEngine(InstantEngine):
    """Each completion is a question, an answer and a quote."""

    async def generate(self, request: GenerationRequest) -> Completion:
        shown = _SENTENCE.search(request.messages[-1].content)
        assert shown is not None
        quote = INVENTED if shown["first"][0] in "AEIOU" else " ".join(shown["first"].split())
        number = request.sampling.seed
        text = f"Question: What is stated, {number}?\nAnswer: The passage states it, {number}.\nQuote: {quote}"
        return Completion(request.id, text, FinishReason.STOP, prompt_tokens=99, completion_tokens=24)


def quoting() -> QuotingEngine:
    """Factory of a configuration's engine."""
    return QuotingEngine(InstantOptions())
