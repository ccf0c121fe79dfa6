"""The repair my_repair. Change its words; docs/recovery.md says what it is given and when it is tried."""

from schemas.repairs import Directive, RejectedDraft

FEWEST = 6


def my_repair(rejected: RejectedDraft) -> Directive:
    """Asks for half the words that the last draft had."""
    texts = [] if rejected.draft is None else rejected.draft.fields.values()
    most = max(FEWEST, sum(len(text.split()) for text in texts) // 2)
    return Directive(f"Answer in at most {most} words.", note=f"at most {most} words")
