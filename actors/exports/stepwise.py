"""Rows of `stepwise` and `advantages`: solutions step by step.

Law: a step's hard label is true before the first pit and false from it on. All steps of a verified solution are true,
since the solution itself continues each of its prefixes to the right answer (Q > 0). A value that was not estimated is
null, never a guess.
"""

import pyarrow as pa

from actors.dataset.rows import Row
from actors.exports.advantages import weights
from actors.exports.columns import ID, PLACE, Column, origin, place, said
from actors.exports.credited import CREDIT, CreditedSolution, credit, credited_in, rights_in
from actors.exports.families import Family, Told
from actors.exports.preferences import Rows, exchange_of_solution, origin_of
from actors.exports.wording import Exchange, ExportWording, prompt_of, said_of
from actors.text.steps import steps
from schemas.exports import ExportFormat, ExportRequest, Form, LeftOut
from schemas.ids import content_id

_NUMBERS = pa.list_(pa.float64())
_COUNTS = pa.list_(pa.int64())


def stepwise_columns(form: Form) -> tuple[Column, ...]:
    """The columns of `stepwise`. They are text in every form, as TRL's stepwise-supervision type is."""
    return (
        Column("prompt", pa.string(), "the problem"),
        Column("completions", pa.list_(pa.string()), "the steps; joined they are the solution"),
        Column("labels", pa.list_(pa.bool_()), "of each step: true before the first pit, false from it on"),
        Column(
            "values", _NUMBERS, "Q after each step: the chance that a rollout from there ends right; null: not known"
        ),
        Column("n", _COUNTS, "rollouts from there"),
        Column("k", _COUNTS, "of them, right"),
        Column("low", _NUMBERS, "Q's interval, from"),
        Column("high", _NUMBERS, "to"),
        Column("advantage", _NUMBERS, "estimated Q after the step less Q before it; null: not known"),
        Column("start_value", pa.float64(), "Q of the problem alone; null: not known"),
        Column("correct", pa.bool_(), "the final answer was verified"),
        *_rest(),
    )


def advantages_columns(form: Form) -> tuple[Column, ...]:
    """The columns of `advantages`."""
    return (
        Column("prompt", said(form), "the problem"),
        Column("completion", said(form), "the solution"),
        Column("step_ends", _COUNTS, "where each step ends in the solution, in characters"),
        Column(
            "weights", _NUMBERS, "of each step: A = Q after it less Q before it, where Q has changed for sure; else 0"
        ),
        Column("known", pa.list_(pa.bool_()), "of each step: enough rollouts on both sides to tell a change of Q"),
        *_rest(),
    )


def _rest() -> tuple[Column, ...]:
    return (CREDIT, ID, *PLACE, origin("origin", "the solution"))


def stepwise(family: Family, asked: ExportRequest, wording: ExportWording) -> Rows:
    """Every credited solution whose first pit is decided, and every verified solution."""
    credited = list(credited_in(family))
    for each in credited:
        if each.label.first_pit is None:
            yield LeftOut.NO_PIT
        else:
            yield _credited_row(family, each, each.label.first_pit, wording)
    known = {each.told.key for each in credited}
    for right in rights_in(family):
        if right.told is not None and right.told.key not in known:
            yield _right_row(family, right.told, right.solution, wording)
    yield from [LeftOut.NOT_CREDITED] * sum(
        told.key not in known for child in family.children for told in child.rejected
    )


def advantages(family: Family, asked: ExportRequest, wording: ExportWording) -> Rows:
    """Every credited solution with at least one step that has enough rollouts on both sides."""
    known = set()
    for each in credited_in(family):
        known.add(each.told.key)
        found = weights(each.label)
        if not any(advantage is not None for advantage in found):
            yield LeftOut.NOT_CREDITED
            continue
        shown = exchange_of_solution(family, each.solution, wording)
        yield {
            "prompt": prompt_of(shown, asked.form),
            "completion": said_of(each.solution, asked.form),
            "step_ends": list(each.edges[1:]),
            "weights": [advantage or 0.0 for advantage in found],
            "known": [advantage is not None for advantage in found],
            **_lineage(ExportFormat.ADVANTAGES, family, each),
        }
    yield from [LeftOut.NOT_CREDITED] * sum(
        told.key not in known for child in family.children for told in child.attempts
    )


def _credited_row(family: Family, each: CreditedSolution, pit: int, wording: ExportWording) -> Row:
    values = each.label.values[1:]
    return {
        "prompt": _problem(exchange_of_solution(family, each.solution, wording)),
        "completions": list(each.steps),
        "labels": [number < pit for number in range(1, len(each.steps) + 1)],
        "values": [value.q for value in values],
        "n": [value.n for value in values],
        "k": [value.k for value in values],
        "low": [value.low for value in values],
        "high": [value.high for value in values],
        "advantage": list(each.label.advantages),
        "start_value": each.label.values[0].q,
        "correct": each.told.life.accepted_at is not None and each.told.attempt is each.told.life.attempts[-1],
        **_lineage(ExportFormat.STEPWISE, family, each),
    }


def _right_row(family: Family, told: Told, solution: str, wording: ExportWording) -> Row:
    parts = [step.text for step in steps(solution)]
    nothing = [None] * len(parts)
    return {
        "prompt": _problem(exchange_of_solution(family, solution, wording)),
        "completions": parts,
        "labels": [True] * len(parts),
        "values": nothing,
        "n": [0] * len(parts),
        "k": [0] * len(parts),
        "low": nothing,
        "high": nothing,
        "advantage": nothing,
        "start_value": None,
        "correct": True,
        "credit": None,
        "id": content_id(ExportFormat.STEPWISE.value, told.key),
        **place(family.passage, told.life.order.task),
        "origin": origin_of(told),
    }


def _lineage(format: ExportFormat, family: Family, each: CreditedSolution) -> Row:
    return {
        "credit": credit(each.label),
        "id": content_id(format.value, each.told.key),
        **place(family.passage, each.told.life.order.task),
        "origin": origin_of(each.told),
    }


def _problem(shown: Exchange) -> str:
    return "\n\n".join(message.content for message in shown.prompt)
