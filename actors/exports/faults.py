"""Decides which rejected attempts are negatives. Law: a text is a negative only if today's gates rejected it for what
it says itself. An error, a resemblance to another sample, or (in the answer's view) a bad question does not make
one."""

from actors.exports.families import Told
from schemas.exports import LeftOut, View
from schemas.queries import FAILED_MODES, ProgramModes
from schemas.recovery import Modes
from schemas.verdicts import DIVERSITY, FAITHFULNESS, REWARD, VERIFIER, Errored, Rejected

_ASKED_BADLY = (Modes.INSTRUCTION_QUALITY, Modes.DOMAIN_MISMATCH)
"""Diagnoses that blame the question, when the faithfulness gate did not reject the answer."""
_OF_THE_ANSWER = (FAITHFULNESS, VERIFIER)
"""Kinds of gates that reject an answer for its content. What a user's own gate rejects for is unknown here."""


def rejections(told: Told) -> tuple[Rejected, ...]:
    """The verdicts that rejected an attempt."""
    return tuple(said for said in told.attempt.verdicts if isinstance(said, Rejected))


def why_no_negative(told: Told, view: View) -> LeftOut | None:
    """None when the attempt's text is a negative in this view; otherwise the reason why not."""
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
    if all(said.gate == DIVERSITY or _passed_unraised(said) for said in found):
        return LeftOut.UNDER_RAISED_BAR
    return None if view is View.SAMPLE else _why_not_the_answer(told, found)


def _passed_unraised(said: Rejected) -> bool:
    """Whether the score reaches the configured threshold and only a repair's raised one was too high."""
    raised = said.evidence.raised
    return raised is not None and said.score >= raised.configured


def _is_of_the_program(said: Rejected) -> bool:
    """Whether a program is at fault itself, whatever was asked; or by the tests that its problem brought."""
    code = said.evidence.code
    is_of_problem = code is not None and code.hidden
    return said.mode in FAILED_MODES or (said.mode == ProgramModes.TEST_FAILED and is_of_problem)


def _why_not_the_answer(told: Told, found: tuple[Rejected, ...]) -> LeftOut | None:
    attempt = told.attempt
    if attempt.candidate is None or attempt.candidate.draft is None:
        return LeftOut.MALFORMED
    kinds = {told.kinds.get(said.gate, said.gate) for said in found}
    if not kinds.isdisjoint(_OF_THE_ANSWER) or any(map(_is_of_the_program, found)):
        return None
    asked_badly = attempt.diagnosis is not None and attempt.diagnosis.mode in _ASKED_BADLY
    if asked_badly or REWARD not in kinds:
        return LeftOut.OTHER_FAULT
    return None
