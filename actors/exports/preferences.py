"""Rows of `sft`, `dpo` and `kto`: accepted attempts, alone or against the rejected ones of their own orders.

Law: `chosen`, and texts with label true, were accepted. `rejected`, and texts with label false, were rejected by
today's gates. A text that is accepted for a prompt is never rejected for it within the family.
"""

from collections.abc import Iterator

import pyarrow as pa

from actors.dataset.executions import executions_of
from actors.dataset.rows import scores
from actors.exports.columns import ID, PLACE, Column, Row, as_messages, origin, place, said
from actors.exports.families import Child, Family, Told
from actors.exports.faults import rejections, why_no_negative
from actors.exports.wording import Exchange, ExportWording, exchange, prompt_of, said_of
from actors.text.final_answer import final_answer
from actors.text.steps import steps
from schemas.exports import ExportFormat, ExportRequest, Form, LeftOut
from schemas.ids import content_id
from schemas.samples import Message, answered

MATH = "math"
Rows = Iterator[Row | LeftOut]


def sft_columns(form: Form) -> tuple[Column, ...]:
    """The columns of `sft` and `rft`."""
    messages = Column("messages", said(Form.MESSAGES), "the prompt's messages, then the assistant's: the sample")
    text = Column("prompt", said(form), "what is asked"), Column("completion", said(form), "the sample")
    return (*((messages,) if form is Form.MESSAGES else text), ID, *PLACE, origin("origin", "the sample"))


def dpo_columns(form: Form) -> tuple[Column, ...]:
    """The columns of `dpo`."""
    return pair_columns(form, chosen="what was accepted", rejected="what was rejected")


def pair_columns(form: Form, *, chosen: str, rejected: str) -> tuple[Column, ...]:
    """The columns of a row that `pair_row` makes, with what the two answers are."""
    return (
        Column("prompt", said(form), "what both answer"),
        Column("chosen", said(form), chosen),
        Column("rejected", said(form), rejected),
        ID,
        *PLACE,
        origin("chosen_origin", "`chosen`"),
        origin("rejected_origin", "`rejected`"),
    )


def kto_columns(form: Form) -> tuple[Column, ...]:
    """The columns of `kto`."""
    return (
        Column("prompt", said(form), "what is asked"),
        Column("completion", said(form), "what was said"),
        Column("label", pa.bool_(), "true: accepted; false: rejected"),
        ID,
        *PLACE,
        origin("origin", "`completion`"),
    )


def sft(family: Family, asked: ExportRequest, wording: ExportWording) -> Rows:
    """Every accepted attempt; for a math problem, its worked solution in their place."""
    if family.children and family.children[0].life.order.task == MATH:
        yield _worked(family, asked, wording)
        return
    for child in family.children:
        if child.accepted is None:
            yield LeftOut.NOT_ACCEPTED
        elif (shown := exchange(child.accepted, child, asked, wording)) is None:
            yield LeftOut.OTHER_REQUEST
        else:
            yield sample_row(ExportFormat.SFT, child.accepted, shown, asked)


def dpo(family: Family, asked: ExportRequest, wording: ExportWording) -> Rows:
    """For each order, the accepted attempt against each rejected one that answers the same prompt."""
    accepted = accepted_in(family, asked, wording)
    for child in family.children:
        if child.accepted is None:
            yield LeftOut.NOT_ACCEPTED
        elif not child.rejected:
            yield LeftOut.NOT_REJECTED
        else:
            yield from _pairs(child, child.accepted, accepted, asked, wording)


def kto(family: Family, asked: ExportRequest, wording: ExportWording) -> Rows:
    """Every accepted and every rejected attempt, each text once for a prompt."""
    accepted = accepted_in(family, asked, wording)
    seen: set[tuple[str, str]] = set()
    for child in family.children:
        for told in child.attempts:
            good = told is child.accepted
            shown = exchange(told, child, asked, wording)
            why = None if good else why_no_negative(told, asked.view)
            if why is not None or shown is None:
                yield why or LeftOut.OTHER_REQUEST
            elif not good and (shown.question, shown.answer) in accepted:
                yield LeftOut.SAME_TEXT
            elif (shown.question, shown.answer) in seen:
                yield LeftOut.REPEATED
            else:
                seen.add((shown.question, shown.answer))
                yield {
                    "prompt": prompt_of(shown, asked.form),
                    "completion": said_of(shown.completion, asked.form),
                    "label": good,
                    "id": content_id(ExportFormat.KTO.value, told.key),
                    **place(family.passage, told.life.order.task),
                    "origin": origin_of(told),
                }


def accepted_in(family: Family, asked: ExportRequest, wording: ExportWording) -> set[tuple[str, str]]:
    """Prompt and completion of every accepted attempt of a family."""
    shown = (exchange(child.accepted, child, asked, wording) for child in family.children if child.accepted)
    return {(each.question, each.answer) for each in shown if each is not None}


def _pairs(
    child: Child, best: Told, accepted: set[tuple[str, str]], asked: ExportRequest, wording: ExportWording
) -> Rows:
    chosen = exchange(best, child, asked, wording)
    seen: set[str] = set()
    for told in child.rejected:
        why = why_no_negative(told, asked.view)
        shown = exchange(told, child, asked, wording)
        if why is not None or shown is None or chosen is None:
            yield why or LeftOut.OTHER_REQUEST
        elif shown.question != chosen.question:
            yield LeftOut.OTHER_QUESTION
        elif (shown.question, shown.answer) in accepted:
            yield LeftOut.SAME_TEXT
        elif shown.answer in seen:
            yield LeftOut.REPEATED
        else:
            seen.add(shown.answer)
            yield pair_row(ExportFormat.DPO, (best, chosen), (told, shown), asked)


def _worked(family: Family, asked: ExportRequest, wording: ExportWording) -> Row | LeftOut:
    """The problem file's own solution, a teacher's positive, if it has steps and ends in a marked answer."""
    solution = (family.passage.reference or "").strip()
    answer = final_answer(solution)
    if answer is None or not answer.marked or len(steps(solution)) < 2:
        return LeftOut.NO_WORKED_SOLUTION
    shown = exchange_of_solution(family, solution, wording)
    return {
        **_sample(shown, asked),
        "id": content_id(ExportFormat.SFT.value, family.passage.id),
        **place(family.passage, MATH),
        "origin": None,
    }


def exchange_of_solution(family: Family, solution: str, wording: ExportWording) -> Exchange:
    """A solution of the family's problem, in the student's view."""
    *prompt, answer = wording.chat(family.passage.text, answered(question=family.passage.text, answer=solution))
    return Exchange(tuple(prompt), answer.content)


def sample_row(format: ExportFormat, told: Told, shown: Exchange, asked: ExportRequest) -> Row:
    """The row of an accepted attempt."""
    candidate = told.attempt.candidate
    return {
        **_sample(shown, asked),
        **({"reasoning": candidate.reasoning} if candidate is not None and candidate.reasoning else {}),
        "id": content_id(format.value, told.key),
        **place(told.life.passage, told.life.order.task),
        "origin": origin_of(told),
    }


def pair_row(
    format: ExportFormat, chosen: tuple[Told, Exchange], rejected: tuple[Told, Exchange], asked: ExportRequest
) -> Row:
    """The row of an accepted attempt against a rejected one; the prompt is the accepted one's, character by
    character."""
    (best, good), (worse, bad) = chosen, rejected
    return {
        "prompt": prompt_of(good, asked.form),
        "chosen": said_of(good.completion, asked.form),
        "rejected": said_of(bad.completion, asked.form),
        "id": content_id(format.value, best.key, worse.key),
        **place(best.life.passage, best.life.order.task),
        "chosen_origin": origin_of(best),
        "rejected_origin": origin_of(worse),
    }


def origin_of(told: Told) -> Row:
    """An attempt as a value of an origin column."""
    attempt, candidate = told.attempt, told.attempt.candidate
    sampling = candidate.sampling if candidate else None
    return {
        "order_id": told.life.order.id,
        "attempt": attempt.number,
        "slot": told.life.order.slot,
        "pool": candidate.pool if candidate else None,
        "model": told.model,
        "temperature": sampling.temperature if sampling else None,
        "top_p": sampling.top_p if sampling else None,
        "seed": sampling.seed if sampling else None,
        "repair": attempt.repair.kind if attempt.repair else None,
        "restarted_from": attempt.repair.origin if attempt.repair and attempt.repair.prefix else None,
        "failure_mode": attempt.diagnosis.mode if attempt.diagnosis else None,
        "confidence": attempt.diagnosis.confidence if attempt.diagnosis else None,
        "rejected_by": [said.gate for said in rejections(told)],
        "scores": scores(attempt.verdicts),
        "unjudged": list(attempt.unjudged),
        "vary": told.life.order.vary or None,
        "executions": executions_of(attempt.verdicts) or None,
    }


def _sample(shown: Exchange, asked: ExportRequest) -> Row:
    if asked.form is Form.TEXT:
        return {"prompt": prompt_of(shown, asked.form), "completion": shown.completion}
    return {"messages": as_messages((*shown.prompt, Message("assistant", shown.completion)))}
