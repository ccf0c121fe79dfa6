"""What a recorded attempt comes down to: its summary for the next lease, what it took of the budget, its draft."""

from schemas.orders import Attempt, AttemptSummary, calls_of
from schemas.samples import Cost, Draft
from schemas.verdicts import Errored


def summary(attempt: Attempt) -> AttemptSummary:
    """What the next lease tells of an attempt."""
    mode = "" if attempt.diagnosis is None else attempt.diagnosis.mode
    repair = None if attempt.repair is None else attempt.repair.kind
    judged = (verdict for verdict in attempt.verdicts if not isinstance(verdict, Errored))
    scores: dict[str, float] = {verdict.gate: verdict.score for verdict in judged}
    return AttemptSummary(mode=mode, repair=repair, scores=scores)


def tokens(attempt: Attempt) -> int:
    """What an attempt took of the budget: generator, gates, and the check of an injection."""
    generated = generation_cost(attempt).tokens
    checked = 0 if attempt.injected is None else attempt.injected.cost.tokens
    return generated + checked + sum(verdict.cost.tokens for verdict in attempt.verdicts)


def cost(attempt: Attempt) -> Cost:
    """The same with seconds and both kinds of tokens."""
    generated = generation_cost(attempt)
    checked = Cost() if attempt.injected is None else attempt.injected.cost
    return sum((verdict.cost for verdict in attempt.verdicts), generated + checked)


def draft_of(attempt: Attempt) -> Draft | None:
    """The attempt's draft; None when it has none, and for an order that was injected: its question takes nobody's place
    and repeats nobody's."""
    candidate = attempt.candidate
    if candidate is None or candidate.draft is None or attempt.injected is not None:
        return None
    return candidate.draft


def generation_cost(attempt: Attempt) -> Cost:
    """Of all its calls of generators."""
    return sum((call.cost for call in calls_of(attempt)), Cost())
