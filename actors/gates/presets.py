"""The words of published judges, as their authors send them. Law: what is sent is the published text, letter for
letter, with the source named here and held by a test; none is written from memory.

Their prompts know no fences: contents are data in that chat markup is broken up in them, and a claim is one line, so
that it can begin no other part of the prompt.

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
    """The document and the claim: what is asked and what is said to it, in one line."""
    document = prompts.neutralise("\n".join(passages))
    claim = " ".join(prompts.one_line(text) for _, text in claimed)
    return Message("system", MINICHECK_SYSTEM), Message("user", f"Document: {document}\nClaim: {claim}")
