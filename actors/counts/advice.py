"""What the first completions and verdicts of a run say of its configuration, in words, with the keys that mend it.

Law: pure, and a function of the counts alone: terminal, log, status, report and preview say the same. A role is spoken
of when half of its first completions cannot be used, half of its first verdicts are errors, or all of them reject.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from actors.counts.firsts import LOOKED_AT
from schemas.firsts import Advice, FirstCause, FirstCount
from schemas.progress import Summary

FEWEST = 4
"""Of a role: where a run has ended before `LOOKED_AT` were there, so many speak for it."""
_GOOD = frozenset({FirstCause.DRAFT, FirstCause.PASSED})


class Remedy(Struct, frozen=True):
    """`{role}` stands for the pool or gate, `{said}` for what was said of one of them."""

    what: str
    why: str
    mend: str


REMEDIES = {
    FirstCause.CUT_OFF: Remedy(
        "completions of {role} were cut off",
        "they reached the token limit before their end",
        "Raise task.sampling.max_tokens, or ask for less",
    ),
    FirstCause.CUT_OFF_THINKING: Remedy(
        "completions of {role} were cut off while thinking",
        "the token limit came before the answer began",
        "Give its thoughts room with task.sampling.thinking_tokens, or set "
        "pools.{role}.engine.chat_template_kwargs: {{enable_thinking: false}}",
    ),
    FirstCause.EMPTY: Remedy(
        "completions of {role} were empty",
        "the model ends its turn at once",
        "Look at its chat template with `gleaner models`; pools.{role}.engine.model may be a base model, which follows "
        "no instructions",
    ),
    FirstCause.FORM: Remedy(
        "completions of {role} could not be read",
        "{said}",
        "Show the form with task.examples, lower task.sampling.temperature, or take another pools.{role}.engine.model",
    ),
    FirstCause.MARKUP: Remedy(
        "completions of {role} hold control text",
        "{said}",
        "Look at its chat template and at what ends its turn with `gleaner models`; it may not be the model's own",
    ),
    FirstCause.TOO_LONG: Remedy(
        "completions of {role} were too long to be compared",
        "{said}",
        "Raise max_characters of the gate of form verifier, or say in task.system how short the final answer is to be",
    ),
    FirstCause.NO_ANSWER: Remedy(
        "calls of {role} were not answered",
        "{said}",
        "Mend pools.{role}.engine as the error says; `gleaner models` tries it alone",
    ),
    FirstCause.REJECTED: Remedy(
        "verdicts of {role} rejected",
        "it has passed nothing yet",
        "Look at the samples with `gleaner preview`, and at gates.{role}: its threshold, its model, of a classifier "
        "its positive_label",
    ),
    FirstCause.VERDICT_CUT_OFF: Remedy(
        "verdicts of {role} were cut off",
        "they reached the token limit before their end",
        "Raise gates.{role}.max_tokens, or switch the judge's thinking off with "
        "gates.{role}.engine.chat_template_kwargs: {{enable_thinking: false}}",
    ),
    FirstCause.NO_VERDICT: Remedy(
        "verdicts of {role} could not be read",
        "{said}",
        "Take a gates.{role}.engine.model that writes JSON as asked, or an engine that holds it to a schema "
        "(`kind: vllm`; of `kind: http` structured_output)",
    ),
    FirstCause.GATE_ERROR: Remedy(
        "verdicts of {role} were errors",
        "{said}",
        "Mend gates.{role} as the error says; `gleaner models` tries it alone",
    ),
}
"""What is said of each cause that is not good."""


def advice_of(summary: Summary) -> tuple[Advice, ...]:
    """What is to be said of the run by now; a role at a time, in the order of their first words."""
    over = summary.all_planned and not summary.counts.outstanding
    return tuple(_spoken(summary.firsts, FEWEST if over else LOOKED_AT))


def all_looked_at(summary: Summary) -> bool:
    """Whether enough is there of every role that has said anything."""
    seen = _by_role(summary.firsts)
    return bool(seen) and all(sum(row.number for row in rows) >= LOOKED_AT for rows in seen.values())


def _spoken(firsts: Sequence[FirstCount], enough: int) -> Iterator[Advice]:
    for role, rows in _by_role(firsts).items():
        seen = sum(row.number for row in rows)
        if seen >= enough and (found := _worst(rows, seen)) is not None:
            remedy = REMEDIES[found.cause]
            told = {"role": role, "said": found.said or "nothing more is known"}
            what = f"{found.number} of the first {seen} {remedy.what.format(**told)}"
            yield Advice(role, what, remedy.why.format(**told), remedy.mend.format(**told))


def _worst(rows: Sequence[FirstCount], seen: int) -> FirstCount | None:
    """The commonest trouble of a role that is in trouble."""
    unusable = [row for row in rows if row.cause not in _GOOD and row.cause is not FirstCause.REJECTED]
    if 2 * sum(row.number for row in unusable) >= seen:
        return max(unusable, key=lambda row: row.number)
    rejected = next((row for row in rows if row.cause is FirstCause.REJECTED), None)
    return rejected if rejected is not None and rejected.number == seen else None


def _by_role(firsts: Sequence[FirstCount]) -> dict[str, list[FirstCount]]:
    roles: dict[str, list[FirstCount]] = {}
    for row in firsts:
        roles.setdefault(row.role, []).append(row)
    return roles
