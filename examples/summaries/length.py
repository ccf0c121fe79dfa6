"""A gate of one's own: a summary has at most half of the passage's words."""

from actors.gates.own import passed, rejected
from schemas.verdicts import GateRequest, Verdict

SHARE = 0.5


def check(request: GateRequest) -> Verdict:
    """The score falls with the share of the passage's words that the summary takes."""
    words, most = len(request.draft.fields["summary"].split()), SHARE * len(request.passage.text.split())
    score = max(0.0, 1 - SHARE * words / most) if most else 0.0
    return passed(score=score) if words <= most else rejected(f"{words} words, at most {most:.0f}", score=score)
