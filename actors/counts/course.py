"""The course of a run: its start, its time of work, the reading of its corpus, and the documents refused."""

from actors.counts.entries import Entry
from actors.counts.refusals import Refusals
from actors.counts.run_clock import RunClock
from schemas.ledger import AcceptedEnd, CorpusEnded, PlanEnded, Planned, Record, RunStarted, StopRaised
from schemas.progress import Counts, Summary
from schemas.stop import PlanEnd


class CourseFold:
    """The fold. Memory grows with the refused documents, not with the run."""

    def __init__(self) -> None:
        self._clock = RunClock()
        self._refusals = Refusals()
        self._started_at: float | None = None
        self._first_accepted_at: float | None = None
        self._first_accepted_s: float | None = None
        self._last_at: float | None = None
        self._corpus_ended = False
        self._plan_ended: PlanEnd | None = None
        self._skipped: dict[str, int] = {}

    def apply(self, entry: Entry) -> None:
        """Counts one record."""
        record = entry.record
        self._last_at = record.at
        seconds = self._clock.apply(record)
        self._refusals.apply(record)
        self._plan_ended = plan_ended(self._plan_ended, record)
        match record:
            case RunStarted() if self._started_at is None:
                self._started_at = record.at
            case AcceptedEnd() if self._first_accepted_at is None:
                self._first_accepted_at, self._first_accepted_s = record.at, seconds
            case Planned(follows=False):
                self._corpus_ended = False  # the corpus has grown, and is not read to its end again
            case CorpusEnded():
                self._corpus_ended, self._skipped = True, record.skipped
            case _:
                pass

    def tables(self) -> Summary:
        """Everything counted so far."""
        return Summary(
            counts=Counts(refused_documents=len(self._refusals), read_again_documents=self._refusals.read_again),
            refusals=self._refusals.counts(),
            skipped_files=self._skipped,
            corpus_ended=self._corpus_ended,
            plan_ended=self._plan_ended,
            all_planned=self._corpus_ended or self._plan_ended is not None,
            started_at=self._started_at,
            first_accepted_at=self._first_accepted_at,
            first_accepted_s=self._first_accepted_s,
            last_at=self._last_at,
            worked_s=self._clock.seconds,
        )


def plan_ended(before: PlanEnd | None, record: Record) -> PlanEnd | None:
    """Why the plan is over after a record; None while it goes on. A start takes it up again, except after `gleaner
    end`: only `gleaner run --more` undoes that."""
    match record:
        case PlanEnded():
            return record.why
        case RunStarted():
            return before if before is PlanEnd.ASKED else None
        case StopRaised():
            return None
        case _:
            return before
