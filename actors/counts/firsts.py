"""The first completions of each pool and the first verdicts of each gate, by their results.

Law: only the first `LOOKED_AT` of each role are counted, so that a later reader of the same ledger gets the same
counts. First attempts count in the order in which their orders were issued, whichever is reported first. For gates and
for the pool of fresh orders only first attempts count, since a repair may ask in another way. After a change of the
configuration (`Reconfigured`) the counts begin anew.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from actors.counts.end_words import first_words
from actors.counts.entries import Entry
from actors.counts.issue_order import IssueOrder
from actors.text.completions import after_thoughts
from schemas.config import FRESH_POOL
from schemas.errors import ErrorKind
from schemas.firsts import FirstCause, FirstCount
from schemas.ledger import (
    AcceptedEnd,
    DeadLetteredEnd,
    NotNeededEnd,
    Planned,
    Reconfigured,
    Record,
    Rejoined,
    Rescored,
)
from schemas.orders import Attempt, EndReason, OrderKind
from schemas.progress import Summary
from schemas.samples import Candidate, MalformedReason
from schemas.verdicts import ALWAYS_ASKED, VERDICT_CUT_OFF, Errored, Passed, Verdict

LOOKED_AT = 8
"""How many completions or verdicts of each role are counted."""
_CAUSES = {
    MalformedReason.CUT_OFF: FirstCause.CUT_OFF,
    MalformedReason.UNFINISHED_THOUGHTS: FirstCause.CUT_OFF_THINKING,
    MalformedReason.EMPTY: FirstCause.EMPTY,
    MalformedReason.CONTROL_TEXT: FirstCause.MARKUP,
    MalformedReason.TOO_LONG: FirstCause.TOO_LONG,
}
"""Causes by reason; every other reason is `FORM`."""


class _Said(Struct, frozen=True):
    """One completion or verdict of a role."""

    role: str
    cause: FirstCause
    said: str = ""


class FirstsFold:
    """The fold. Memory grows with the roles, not with the run."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._rows: dict[tuple[str, FirstCause], FirstCount] = {}
        self._first: IssueOrder[_Said] = IssueOrder()

    def apply(self, entry: Entry) -> None:
        """Counts one attempt, for those of its roles that have fewer than `LOOKED_AT`."""
        record, order, attempt = entry.record, entry.order, entry.attempt
        match record:
            case Planned():
                for each in record.orders:
                    self._first.issue(each.id)
            case Reconfigured():
                self._seen.clear()
                self._rows.clear()
                self._first.forget()
        if order is None or order.kind is not OrderKind.FRESH:
            return
        match record:
            case AcceptedEnd() | DeadLetteredEnd() | NotNeededEnd() | Rejoined() | Rescored():
                said = [] if attempt is None else list(_said(record, attempt))
                is_first = attempt is None or attempt.number == 1
                for each in self._first.said(record.order_id, said) if is_first else said:
                    self._add(each)

    def tables(self) -> Summary:
        """Everything counted so far."""
        return Summary(firsts=tuple(self._rows.values()))

    def _add(self, said: _Said) -> None:
        seen = self._seen.get(said.role, 0)
        if seen == LOOKED_AT:
            return
        self._seen[said.role] = seen + 1
        row = self._rows.get((said.role, said.cause))
        self._rows[(said.role, said.cause)] = (
            FirstCount(said.role, said.cause, 1, said.said) if row is None else replace(row, number=row.number + 1)
        )


def _said(record: Record, attempt: Attempt) -> Iterator[_Said]:
    """What an attempt says of its pool, and of its gates if it is a first one."""
    first, candidate = attempt.number == 1, attempt.candidate
    if candidate is not None:
        if candidate.paid_by is None and (first or candidate.pool != FRESH_POOL):
            yield _Said(candidate.pool, *_of_completion(candidate))
    elif isinstance(record, DeadLetteredEnd) and record.end.reason is EndReason.ENGINE_ERROR:
        yield _Said(_pool(attempt), FirstCause.NO_ANSWER, first_words(record.end.detail))
    if first:
        for verdict in attempt.verdicts:
            if verdict.gate not in ALWAYS_ASKED:
                yield _Said(verdict.gate, *_of_verdict(verdict))


def _pool(attempt: Attempt) -> str:
    """The pool that the attempt went to."""
    named = None if attempt.repair is None else attempt.repair.pool
    return FRESH_POOL if named is None else named


def _of_completion(candidate: Candidate) -> tuple[FirstCause, str]:
    if candidate.draft is not None:
        return FirstCause.DRAFT, ""
    reason = candidate.malformed_reason
    cause = FirstCause.FORM if reason is None else _CAUSES.get(reason, FirstCause.FORM)
    if cause is FirstCause.CUT_OFF and after_thoughts(candidate.text) is None:
        cause = FirstCause.CUT_OFF_THINKING
    return cause, first_words(candidate.malformed or "")


def _of_verdict(verdict: Verdict) -> tuple[FirstCause, str]:
    if not isinstance(verdict, Errored):
        return (FirstCause.PASSED if isinstance(verdict, Passed) else FirstCause.REJECTED), ""
    if verdict.detail == VERDICT_CUT_OFF:
        return FirstCause.VERDICT_CUT_OFF, ""
    cause = FirstCause.NO_VERDICT if verdict.error is ErrorKind.NONSENSE else FirstCause.GATE_ERROR
    return cause, first_words(verdict.detail)
