"""Rows of `dpo_steps` and `dpo_prefix`: a better continuation against the first pit (Setlur et al. 2024, arXiv
2406.14532, section 5).

Law: both sides of a `dpo_steps` row continue the same prefix, character by character. `chosen` is part of a verified
solution. `rejected` ends in the first pit of a rejected solution, or in an earlier step that lost much.
"""

import pyarrow as pa

from actors.dataset.rows import Row
from actors.exports.advantages import critical_steps
from actors.exports.columns import ID, PLACE, Column, origin, place, said
from actors.exports.credited import (
    CREDIT,
    VALUE,
    CreditedSolution,
    Right,
    credit,
    credited_in,
    goes_right,
    next_step,
    rights_in,
    rolled_before,
    rolled_in,
    value,
)
from actors.exports.families import Family
from actors.exports.faults import why_no_negative
from actors.exports.preferences import Rows, exchange_of_solution, origin_of
from actors.exports.wording import Exchange, ExportWording, alike, prompt_of, said_of
from schemas.exports import ExportFormat, ExportRequest, Form, LeftOut, View
from schemas.ids import content_id


def dpo_steps_columns(form: Form) -> tuple[Column, ...]:
    """In messages the prefix opens both completions, since a chat template closes each message. In text it ends the
    prompt."""
    whole = form is Form.MESSAGES
    return (
        Column("prompt", said(form), "the problem" if whole else "the problem and the prefix"),
        Column("chosen", said(form), "the prefix and the good step" if whole else "the good step"),
        Column("rejected", said(form), "the prefix and the bad step" if whole else "the bad step"),
        Column("prefix", pa.string(), "the steps that both share; empty where the first step is the bad one"),
        Column("good_step", pa.string(), "the next step of a verified solution"),
        Column("bad_step", pa.string(), "the first pit, or with `--critical` an earlier step that lost much for sure"),
        Column("step", pa.int64(), "which step of its solution the bad one is, from 1"),
        *_ENDS,
        Column("prefix_value", VALUE, "rollouts from the prefix: n tried, k right, Q with its interval"),
        Column("bad_value", VALUE, "the same from the prefix and the bad step"),
        Column(
            "advantage",
            pa.float64(),
            "of the bad step: estimated Q after it less Q before it; null: not known",
        ),
        *_REST,
    )


def dpo_prefix_columns(form: Form) -> tuple[Column, ...]:
    """The columns of `dpo_prefix`."""
    return (
        Column("prompt", said(form), "the problem"),
        Column("chosen", said(form), "a verified solution"),
        Column("rejected", said(form), "a rejected one up to the end of its first pit"),
        *_ENDS,
        Column("advantage", pa.float64(), "of the pit: estimated Q after it less Q before it; null: not known"),
        *_REST,
    )


_ROLLOUT = pa.struct([("id", pa.string()), ("draw", pa.int64()), ("policy", pa.string())])
_ENDS = (
    Column("chosen_ends", pa.bool_(), "`chosen` is the end of its solution: the end-of-turn token belongs there"),
    Column("rejected_ends", pa.bool_(), "the same of `rejected`"),
)
_REST = (
    Column("rollout", _ROLLOUT, "the rollout that is chosen from, which draw and whose; null for an attempt's text"),
    CREDIT,
    ID,
    *PLACE,
    origin("chosen_origin", "the verified solution (null: a rollout's)"),
    origin("rejected_origin", "the rejected one"),
)


def dpo_steps(family: Family, asked: ExportRequest, wording: ExportWording) -> Rows:
    """Rows for each credited solution's pit, and for earlier steps that lost much. Each is set against at most
    `per_problem` different good steps from the same prefix."""
    rights = [*rights_in(family), *rolled_in(family)]
    for credited in credited_in(family):
        pit = _pit(credited, rights)
        if isinstance(pit, LeftOut):
            yield pit
            continue
        for bad in (*_losses(credited, pit, asked), pit):
            own = [] if bad == pit else rolled_before(family, credited.prefix(bad - 1))
            good = _good_steps(credited, [*rights, *own], bad, asked)
            if not good:
                yield LeftOut.NO_GOOD_STEP
            for step, right in good:
                yield _step_row(family, credited, bad, (step, right), asked, wording)


def dpo_prefix(family: Family, asked: ExportRequest, wording: ExportWording) -> Rows:
    """For each credited solution, the prefix up to its pit against the verified solution with the longest common
    part."""
    rights = [*rights_in(family), *rolled_in(family)]
    for credited in credited_in(family):
        pit = _pit(credited, rights)
        if isinstance(pit, LeftOut) or not rights:
            yield pit if isinstance(pit, LeftOut) else LeftOut.NO_RIGHT_SOLUTION
            continue
        right = max(rights, key=lambda each: (_shared(credited, each), *_rank(credited, each, asked)))
        bad = credited.prefix(pit)
        shown = exchange_of_solution(family, right.solution, wording)
        yield {
            "prompt": prompt_of(shown, asked.form),
            "chosen": said_of(right.solution, asked.form),
            "rejected": said_of(bad, asked.form),
            "chosen_ends": True,
            "rollout": _rollout(right),
            **_of_step(credited, pit),
            **_lineage(ExportFormat.DPO_PREFIX, family, credited, right),
        }


def _pit(credited: CreditedSolution, rights: list[Right]) -> int | LeftOut:
    why = why_no_negative(credited.told, View.ANSWER)
    pit = credited.label.first_pit
    if why is not None or pit is None:
        return why or LeftOut.NO_PIT
    return LeftOut.PIT_IN_DOUBT if goes_right(credited, pit, rights) else pit


def _losses(credited: CreditedSolution, pit: int, asked: ExportRequest) -> list[int]:
    """The steps before the pit that surely lost much. Some rollouts after such a step still go right, so a verified
    solution that takes it does not put it in doubt."""
    if asked.critical is None:
        return []
    return critical_steps(credited.label, asked.critical, before=pit)


def _good_steps(
    credited: CreditedSolution, rights: list[Right], bad_step: int, asked: ExportRequest
) -> list[tuple[str, Right]]:
    prefix, bad = credited.prefix(bad_step - 1), alike(credited.steps[bad_step - 1])
    found: dict[str, tuple[str, Right]] = {}
    for right in sorted(rights, key=lambda each: _rank(credited, each, asked), reverse=True):
        step = next_step(right.solution, prefix)
        if step is not None and alike(step) != bad:
            found.setdefault(alike(step), (step, right))
    return list(found.values())[: asked.per_problem]


def _step_row(
    family: Family,
    credited: CreditedSolution,
    bad_step: int,
    good: tuple[str, Right],
    asked: ExportRequest,
    wording: ExportWording,
) -> Row:
    step, right = good
    prefix, bad = credited.prefix(bad_step - 1), credited.steps[bad_step - 1]
    shown = exchange_of_solution(family, right.solution, wording)
    before, after = credited.label.values[bad_step - 1], credited.label.values[bad_step]
    return {
        **_sides(shown, prefix, (step, bad), asked.form),
        "prefix": prefix,
        "good_step": step,
        "bad_step": bad,
        "step": bad_step,
        "chosen_ends": right.solution == prefix + step,
        "prefix_value": value(before),
        "bad_value": value(after),
        "rollout": _rollout(right),
        **_of_step(credited, bad_step),
        **_lineage(ExportFormat.DPO_STEPS, family, credited, right, bad_step),
    }


def _sides(shown: Exchange, prefix: str, sides: tuple[str, str], form: Form) -> Row:
    good, bad = sides
    if form is Form.TEXT:
        return {"prompt": f"{prompt_of(shown, form)}{prefix}", "chosen": good, "rejected": bad}
    return {
        "prompt": prompt_of(shown, form),
        "chosen": said_of(prefix + good, form),
        "rejected": said_of(prefix + bad, form),
    }


def _of_step(credited: CreditedSolution, bad_step: int) -> Row:
    ends = credited.edges[bad_step] == len(credited.solution)
    return {"rejected_ends": ends, "advantage": credited.label.advantage(bad_step), "credit": credit(credited.label)}


def _rollout(right: Right) -> Row | None:
    rolled = right.rolled
    return None if rolled is None else {"id": rolled.order_id, "draw": rolled.draw, "policy": rolled.policy}


def _lineage(format: ExportFormat, family: Family, credited: CreditedSolution, right: Right, *steps: int) -> Row:
    """`steps`: the bad step, for a format with several rows a solution."""
    return {
        "id": content_id(format.value, credited.told.key, right.key, *steps),
        **place(family.passage, credited.told.life.order.task),
        "chosen_origin": None if right.told is None else origin_of(right.told),
        "rejected_origin": origin_of(credited.told),
    }


def _rank(credited: CreditedSolution, right: Right, asked: ExportRequest) -> tuple[int, str]:
    """The order's own recovery first, then other accepted solutions, then rollouts; equals are ordered by a hash."""
    own = right.told is not None and credited.told.life.order.id == right.told.life.order.id
    return own + (right.told is not None), content_id("lot", asked.seed, credited.told.key, right.key)


def _shared(credited: CreditedSolution, right: Right) -> int:
    """How many of the credited solution's steps the right solution begins with."""
    return sum(right.solution.startswith(credited.prefix(count)) for count in range(1, len(credited.edges)))
