"""Which rejected attempts are negatives. Law: a text is set against another only if the gates of today rejected *it*,
for what it says itself: not by an error, not for what another sample asks, not for the question where the answer is
trained."""

from actors.exports.families import Told
from schemas.exports import LeftOut, View
from schemas.recovery import Modes
from schemas.verdicts import DIVERSITY, FAITHFULNESS, REWARD, VERIFIER, Errored, Rejected

_ASKED_BADLY = (Modes.INSTRUCTION_QUALITY, Modes.DOMAIN_MISMATCH)
"""Diagnoses that blame the question, where the faithfulness gate had nothing against the answer."""
_OF_THE_ANSWER = (FAITHFULNESS, VERIFIER)
"""Kinds of gates that reject an answer for what it says; what one's own gate rejects for, only it knows."""


def rejections(told: Told) -> tuple[Rejected, ...]:
    """The verdicts that rejected an attempt."""
    return tuple(said for said in told.attempt.verdicts if isinstance(said, Rejected))


def why_no_negative(told: Told, view: View) -> LeftOut | None:
    """None for an attempt whose text is a negative in this view, else why it is none."""
    attempt = told.attempt
    if attempt.candidate is None:
        return LeftOut.NO_TEXT
    found = rejections(told)
    if not found or any(isinstance(said, Errored) for said in attempt.verdicts):
        return LeftOut.NOT_JUDGED
    if told.gates_changed:
        return LeftOut.JUDGED_OTHERWISE
    if all(said.gate == DIVERSITY for said in found):
        return LeftOut.DUPLICATE
    if all(said.gate == DIVERSITY or _passes_plainly(said) for said in found):
        return LeftOut.UNDER_RAISED_BAR
    return None if view is View.SAMPLE else _why_not_the_answer(told, found)


def _passes_plainly(said: Rejected) -> bool:
    """Whether only the bar of a repair was too high for it."""
    raised = said.evidence.raised
    return raised is not None and said.score >= raised.configured


def _why_not_the_answer(told: Told, found: tuple[Rejected, ...]) -> LeftOut | None:
    attempt = told.attempt
    if attempt.candidate is None or attempt.candidate.draft is None:
        return LeftOut.MALFORMED
    kinds = {told.kinds.get(said.gate, said.gate) for said in found}
    if not kinds.isdisjoint(_OF_THE_ANSWER):
        return None
    asked_badly = attempt.diagnosis is not None and attempt.diagnosis.mode in _ASKED_BADLY
    if asked_badly or REWARD not in kinds:
        return LeftOut.OTHER_FAULT
    return None
