"""The prompts of published judges. Law: a prompt is the published text, letter for letter. Its source is named here,
and a test compares it.

These prompts have no fences. To keep contents data, chat markup in them is broken up, and a claim is one line, so that
it cannot begin another part of the prompt.

MiniCheck (Bespoke-MiniCheck-7B; Tang et al., arXiv 2404.10774): `SYSTEM_PROMPT` and `USER_PROMPT` of
`minicheck/utils.py` in github.com/Liyan06/MiniCheck, in the two turns of its `LLMCheck`. Its authors take P(yes) alone;
here it is divided by P(yes) + P(no), as for every judge by a label.
"""

from collections.abc import Sequence

from actors.tasks import prompts
from schemas.samples import Message, Texts

MINICHECK_SYSTEM = (
    "Determine whether the provided claim is consistent with the corresponding document. Consistency in this context "
    "implies that all information presented in the claim is substantiated by the document. If not, it should be "
    "considered inconsistent. Please assess the claim's consistency with the document by responding with either "
    '"Yes" or "No".'
)


def minicheck(passages: Sequence[str], claimed: Texts) -> tuple[Message, ...]:
    """The prompt with the document and the claim, which is question and answer in one line."""
    document = prompts.neutralise("\n".join(passages))
    claim = " ".join(prompts.one_line(text) for _, text in claimed)
    return Message("system", MINICHECK_SYSTEM), Message("user", f"Document: {document}\nClaim: {claim}")
