"""Rows of `dpo_ranked`: several answers to one prompt, ranked by the gates.

Method: of the answers to a prompt, one that was accepted is preferred to each that no gate prefers: every gate that
scored both gives it as much or more, and one gives it more. So scores of different gates are never weighed against each
other, nor added up: answers that the gates tie make no pair. Of the accepted answers the one that is preferred to most
others is `chosen`; among equals, the one that was ordered first.

Law: `chosen` was accepted. `rejected` may have been accepted too: it is only worse. A text that errored, repeats
another, or was judged by gates that have changed since, is not compared.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from actors.exports.columns import Column
from actors.exports.families import Family, Told
from actors.exports.faults import rejections
from actors.exports.preferences import Rows, pair_columns, pair_row
from actors.exports.wording import Exchange, ExportWording, exchange
from schemas.exports import ExportFormat, ExportRequest, Form, LeftOut
from schemas.verdicts import ALWAYS_ASKED, DIVERSITY, Errored, GateName


class _Answer(Struct, frozen=True):
    told: Told
    shown: Exchange
    scores: Mapping[GateName, float]
    accepted: bool

    def is_better(self, other: "_Answer") -> bool:
        """Whether a gate prefers it, and no gate the other; of the gates that scored both."""
        both = [(self.scores[gate], other.scores[gate]) for gate in self.scores if gate in other.scores]
        return any(mine > its for mine, its in both) and all(mine >= its for mine, its in both)


def dpo_ranked_columns(form: Form) -> tuple[Column, ...]:
    """The columns of `dpo_ranked`."""
    return pair_columns(
        form, chosen="accepted, and worse by no gate", rejected="worse by one gate or more, and better by none"
    )


def dpo_ranked(family: Family, asked: ExportRequest, wording: ExportWording) -> Rows:
    """For each prompt of a passage, the best accepted answer against each that is worse."""
    prompts: dict[str, list[_Answer]] = {}
    for child in family.children:
        for told in child.attempts:
            shown = exchange(told, child, asked, wording)
            why = _why_not_compared(told)
            if why is not None or shown is None:
                yield why or LeftOut.MALFORMED
            else:
                answer = _Answer(told, shown, _scores(told), told is child.accepted)
                prompts.setdefault(shown.question, []).append(answer)
    for answers in prompts.values():
        yield from _pairs(answers, asked)


def _pairs(answers: Sequence[_Answer], asked: ExportRequest) -> Rows:
    texts: dict[str, _Answer] = {}
    for answer in sorted(answers, key=lambda each: not each.accepted):  # a text that was accepted counts as that
        if texts.setdefault(answer.shown.answer, answer) is not answer:
            yield LeftOut.REPEATED
    different = list(texts.values())
    accepted = (each for each in different if each.accepted)
    best = max(accepted, key=lambda each: sum(map(each.is_better, different)), default=None)
    for answer in different:
        if best is not None and best.is_better(answer):
            yield pair_row(ExportFormat.DPO_RANKED, (best.told, best.shown), (answer.told, answer.shown), asked)
        elif answer is not best or not any(map(answer.is_better, different)):
            yield LeftOut.NOT_RANKED


def _why_not_compared(told: Told) -> LeftOut | None:
    attempt = told.attempt
    if attempt.candidate is None:
        return LeftOut.NO_TEXT
    if attempt.candidate.draft is None:
        return LeftOut.MALFORMED
    if any(isinstance(said, Errored) for said in attempt.verdicts):
        return LeftOut.NOT_JUDGED
    if told.gates_changed:
        return LeftOut.JUDGED_OTHERWISE
    return LeftOut.DUPLICATE if any(said.gate == DIVERSITY for said in rejections(told)) else None


def _scores(told: Told) -> dict[GateName, float]:
    judged = (each for each in told.attempt.verdicts if not isinstance(each, Errored))
    return {each.gate: each.score for each in judged if each.gate not in ALWAYS_ASKED}
