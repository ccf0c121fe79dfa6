"""A repair of one's own, whole: an answer that was too long is asked for again with a limit of its own.

A gate brings the failure mode, and a row says what is tried for it:

    gates:
      brief: {form: rule, check: "words(answer) <= 12", modes: {too_long: shorter}}
    recovery:
      own_repairs: {shorter: "examples.repairs.shorter:shorter"}
      repairs: {too_long: [shorter, resample]}

`gleaner check examples.repairs.shorter:shorter` tells whether it keeps to what every repair must.
"""

from schemas.repairs import Directive, RejectedDraft

FEWEST = 6


def shorter(rejected: RejectedDraft) -> Directive:
    """Half the words that the last draft's longest text had."""
    said = [] if rejected.draft is None else [len(text.split()) for text in rejected.draft.fields.values()]
    most = max(FEWEST, max(said, default=0) // 2)
    return Directive(f"Answer in at most {most} words.", note=f"at most {most} words")
