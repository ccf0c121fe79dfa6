"""Progress values as a real run would tell them: a plausible run's records folded up to moments, with conductors and
replicas that fit. No clock."""

from collections.abc import Sequence

from actors.counts.tally import Tally
from deployments.monitoring.progress import Phase, Progress, ReplicaStatus
from schemas.ledger import Record
from schemas.progress import RunSnapshot
from schemas.stages import GENERATE, SETTLE, ConductorStatus, Stage, StageFlow
from tests.doubles.ledgers import SMALL, STARTED_AT, Scale, plausible_run

MEAN_S = {GENERATE: 0.91, Stage("faithfulness"): 0.21, Stage("reward"): 0.12, SETTLE: 0.004}
REPLICAS = (
    ReplicaStatus(name="quickstart-1a2b3c-pool-generator", role="generator", running=2, wanted=2, state="RUNNING"),
    ReplicaStatus(name="quickstart-1a2b3c-pool-strong", role="strong", running=0, wanted=1, state="DEPLOYING"),
    ReplicaStatus(name="quickstart-1a2b3c-faithfulness", role="faithfulness", running=1, wanted=1, state="RUNNING"),
    ReplicaStatus(name="quickstart-1a2b3c-reward", role="reward", running=1, wanted=1, state="RUNNING"),
)


def play(*, every_s: float = 1.0, scale: Scale = SMALL, seed: int = 7) -> list[Progress]:
    """The whole run, one value each `every_s` seconds of its own time, oldest first."""
    records = list(plausible_run(seed, scale))
    tally, told, at = Tally(), [], STARTED_AT
    for record in records:
        while record.at > at + every_s:
            at += every_s
            told.append(progress_at(at, tally))
        tally.apply(record)
    return [*told, progress_at(at + every_s, tally)]


def progress_at(at: float, tally: Tally, phase: Phase = Phase.RUNNING) -> Progress:
    """One moment of a run that the tally has followed."""
    summary = tally.summary()
    leased = min(12, summary.counts.outstanding)
    snapshot = RunSnapshot(
        at=at, summary=summary, ready=summary.counts.outstanding - leased, leased=leased, oldest_s=at % 7
    )
    return Progress(
        at=at,
        phase=phase,
        snapshot=snapshot,
        conductors=(conductor("conductor-1", summary.counts.attempts, leased),),
        replicas=REPLICAS,
    )


def conductor(name: str, attempts: int, in_flight: int = 0) -> ConductorStatus:
    """A conductor that has carried so many attempts."""
    stages = tuple(
        StageFlow(
            stage=stage,
            in_flight=in_flight if stage == GENERATE else 0,
            done=attempts,
            seconds=attempts * mean_s,
        )
        for stage, mean_s in MEAN_S.items()
    )
    return ConductorStatus(name=name, in_flight=in_flight, unreported=0, stages=stages)


def folded(records: Sequence[Record]) -> Tally:
    """A tally of these records."""
    tally = Tally()
    for record in records:
        tally.apply(record)
    return tally
