"""A gate of one's own, whole: answers must be neither empty nor long-winded.

One line under `gates:` asks it, of every sample:

    length: {form: rule, check: "examples.gates.length:check"}

`gleaner check examples.gates.length:check` tells whether it keeps to what every gate must.
"""

from actors.gates.own import passed, rejected
from schemas.verdicts import GateRequest, Passed, Rejected


def check(request: GateRequest) -> Passed | Rejected:
    """Passes answers of 1 to 60 words."""
    words = len(request.draft.answer.split())
    return passed(f"{words} words") if 1 <= words <= 60 else rejected(f"{words} words")
