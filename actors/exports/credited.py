"""Credited solutions: an attempt's steps, each with its value from rollouts, and right solutions from the same
prefixes.

Law: a label belongs to the draft of its own attempt, with the steps of `actors.text.steps`. A label with other steps
than its text means a damaged ledger: it raises and gives no row.
"""

from collections.abc import Iterator, Sequence

import msgspec
import pyarrow as pa
from msgspec import Struct

from actors.dataset.rows import Row
from actors.exports.columns import Column
from actors.exports.families import Family, Told
from actors.text.steps import steps
from schemas.credit import CreditLabel, PrefixValue
from schemas.errors import LedgerError
from schemas.ledger import Rolled

VALUE = pa.struct(
    [("n", pa.int64()), ("k", pa.int64()), ("q", pa.float64()), ("low", pa.float64()), ("high", pa.float64())]
)
_CREDIT = pa.struct(
    [
        ("first_pit", pa.int64()),
        ("probability", pa.float64()),
        ("rule", pa.string()),
        ("tolerance", pa.float64()),
        ("strategy", pa.string()),
        ("stopped", pa.string()),
        ("confidence", pa.float64()),
        ("policy", pa.string()),
        ("seed", pa.int64()),
    ]
)
CREDIT = Column(
    "credit",
    _CREDIT,
    "the label: first pit (a step, from 1), its probability, by which rule, whose rollouts (policy), under which seed",
)


class CreditedSolution(Struct, frozen=True):
    """A solution with its label. `edges[i]` is where prefix i ends: `edges[0]` is 0, the last is the solution's end."""

    told: Told
    label: CreditLabel
    solution: str
    edges: tuple[int, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """The texts of the steps, in order; joined they are the solution."""
        return tuple(self.solution[start:end] for start, end in zip(self.edges, self.edges[1:], strict=False))

    def prefix(self, count: int) -> str:
        """The first `count` steps."""
        return self.solution[: self.edges[count]]


class Right(Struct, frozen=True):
    """A verified solution of the problem: an accepted attempt's, or a right rollout's together with its prefix."""

    solution: str
    told: Told | None = None
    rolled: Rolled | None = None

    @property
    def key(self) -> str:
        """A key that is the same in every export of the ledger."""
        return self.told.key if self.told is not None else "" if self.rolled is None else self.rolled.order_id


def credited_in(family: Family) -> Iterator[CreditedSolution]:
    """Every credited attempt of a family. Raises LedgerError when a label does not fit its attempt."""
    for child in family.children:
        for label in child.life.credits:
            told = next((each for each in child.attempts if each.attempt.number == label.attempt), None)
            yield _credited(told, label)


def _credited(told: Told | None, label: CreditLabel) -> CreditedSolution:
    if told is None or told.attempt.candidate is None or told.attempt.candidate.draft is None:
        raise LedgerError(f"a label is for attempt {label.attempt} of order {label.order_id}, which has no draft")
    solution = told.attempt.candidate.draft.answer
    edges = (0, *(value.end for value in label.values[1:]))
    if edges != (0, *(step.end for step in steps(solution))):
        raise LedgerError(f"the label of attempt {label.attempt} of order {label.order_id} does not fit its steps")
    return CreditedSolution(told, label, solution, edges)


def rights_in(family: Family) -> list[Right]:
    """A family's accepted solutions, in the order of its orders."""
    accepted = [child.accepted for child in family.children if child.accepted is not None]
    drafts = ((told, told.attempt.candidate.draft) for told in accepted if told.attempt.candidate is not None)
    return [Right(draft.answer, told) for told, draft in drafts if draft is not None]


def rolled_in(family: Family) -> list[Right]:
    """A family's right rollouts, from the prefixes before its first pits."""
    return _rights(family.rollouts)


def rolled_before(family: Family, prefix: str) -> list[Right]:
    """The family's right rollouts from this prefix, before an earlier critical step."""
    return _rights([rolled for rolled in family.before_critical if rolled.prefix == prefix])


def _rights(rollouts: Sequence[Rolled]) -> list[Right]:
    return [Right(rolled.prefix + rolled.text.rstrip(), rolled=rolled) for rolled in rollouts]


def goes_right(credited: CreditedSolution, pit: int, rights: Sequence[Right]) -> bool:
    """Whether a verified solution begins with the steps up to and including the pit. Then the label is in doubt."""
    return any(next_step(right.solution, credited.prefix(pit - 1)) == credited.steps[pit - 1] for right in rights)


def next_step(solution: str, prefix: str) -> str | None:
    """The step that follows a prefix in a solution; None when the solution does not begin with exactly these steps."""
    if not solution.startswith(prefix):
        return None
    return next((step.text for step in steps(solution) if step.start == len(prefix)), None)


def value(of: PrefixValue) -> Row:
    """A prefix's value as a `VALUE`."""
    return {"n": of.n, "k": of.k, "q": of.q, "low": of.low, "high": of.high}


def credit(label: CreditLabel) -> Row:
    """A label as a value of the credit column."""
    names = [field.name for field in _CREDIT]
    told = msgspec.to_builtins(label)
    return {name: told.get(name) for name in names}
