"""`gleaner policy`: one pass over a ledger's records, for the values of repairs and policies."""

from collections.abc import Iterable

from actors.recovery.adaptive import USUAL
from actors.recovery.decisions import DecisionLog
from actors.recovery.experience import ExperienceFold
from actors.recovery.modes import USUAL_GATES, RunGates
from actors.recovery.values import fresh_per_1000, policy_values, repair_values
from schemas.config import Recovery
from schemas.ledger import Record
from schemas.policy import PolicyReport


def policy_report(
    records: Iterable[Record], config: Recovery, *, seed: int, gates: RunGates = USUAL_GATES
) -> PolicyReport:
    """The whole report, offline. `config`, `seed` and `gates` are the run's."""
    fold, log = ExperienceFold(), DecisionLog(config, gates)
    for record in records:
        fold.apply(record)
        log.apply(record)
    experience, decisions = fold.experience(), log.decisions
    return PolicyReport(
        policies=tuple(sorted({each.by for each in decisions})),
        decisions=len(decisions),
        orders=len({each.order_id for each in decisions}),
        forced=log.forced,
        unknown=log.unknown + log.undecided,
        fresh_per_1000=fresh_per_1000(experience),
        repairs=repair_values(experience),
        values=policy_values(decisions, experience, stop_below=USUAL.stop_below, seed=seed, lost=log.lost),
    )
