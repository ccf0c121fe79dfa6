"""Facts read from a recorded attempt: its summary for the next lease, its tokens, its draft, its cost."""

from collections.abc import Iterable

from schemas.ledger import AcceptedEnd, AskedBefore, Record, Rescored
from schemas.orders import Attempt, AttemptSummary, calls_of, cost_of
from schemas.samples import Cost, Draft
from schemas.vectors import Vector
from schemas.verdicts import Errored


def summary(attempt: Attempt) -> AttemptSummary:
    """The summary of an attempt that the next lease carries."""
    mode = "" if attempt.diagnosis is None else attempt.diagnosis.mode
    repair = None if attempt.repair is None else attempt.repair.kind
    judged = (verdict for verdict in attempt.verdicts if not isinstance(verdict, Errored))
    scores: dict[str, float] = {verdict.gate: verdict.score for verdict in judged}
    return AttemptSummary(mode=mode, repair=repair, scores=scores)


def tokens(attempt: Attempt) -> int:
    """The tokens that an attempt took from the budget: generators, gates and the embedder together."""
    return cost_of(attempt).tokens


def draft_of(attempt: Attempt) -> Draft | None:
    """The attempt's draft; None when it has none."""
    return None if attempt.candidate is None else attempt.candidate.draft


def vector_of(attempt: Attempt) -> Vector | None:
    """The draft's vector; None where no embedder made one."""
    return None if attempt.embedded is None else attempt.embedded.vector


def generation_cost(attempt: Attempt) -> Cost:
    """The cost of all the attempt's calls to generators."""
    return sum((call.cost for call in calls_of(attempt)), Cost())


def asked_before(records: Iterable[Record]) -> tuple[AskedBefore, ...]:
    """The accepted samples among these records, in their order."""
    accepted = [record for record in records if isinstance(record, AcceptedEnd | Rescored)]
    drafts = [(record, draft) for record in accepted if (draft := draft_of(record.attempt)) is not None]
    return tuple(AskedBefore(record.order_id, draft, vector_of(record.attempt)) for record, draft in drafts)
