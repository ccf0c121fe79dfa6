"""Runs whose dead letters were put back: after a run's records those of each replay and of the lives that follow it.

Law: the records of a replay come from the planner that `gleaner replay` uses; the lives obey what a queue would write.
"""

from collections.abc import Iterator, Sequence
from random import Random

from msgspec.structs import replace

from actors.ledger.reopen import ReplayRequest, Terms, dead_letters, reopened
from actors.recovery.bar import raised_bar
from schemas.ids import PoolName
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Record, Rejoined, Reopened
from schemas.orders import Attempt, DeadLetter, EndReason
from schemas.recovery import Choice, Diagnosis, Modes, Repair, Repairs
from schemas.verdicts import FAITHFULNESS, PROVENANCE, REWARD, Passed, Rejected
from tests.doubles.attempts import candidate
from tests.doubles.ledgers import MemoryLedger

POOLS = frozenset({PoolName("generator"), PoolName("strong")})
EVERY = ReplayRequest()
REPAIR = Repair(Repairs.STRICT_GROUNDING, temperature=0.3)


def put_back(records: Sequence[Record], *, at: float, wanted: ReplayRequest = EVERY) -> list[Reopened]:
    """What `gleaner replay` would append to these records."""
    ledger = MemoryLedger(records)
    return [reopened(found, ledger, Terms(at, POOLS)) for found in dead_letters(ledger, wanted)]


def replayed(records: Sequence[Record], random: Random, *, rounds: int) -> list[Record]:
    """The records, then in each round some dead letters come back, and live on."""
    told = list(records)
    for _ in range(rounds):
        now = told[-1].at + 1000
        back = [record for record in put_back(told, at=now) if random.random() < 0.7]
        told += back
        for record in back:
            told += _lives(record, random, now)
    return told


def _lives(back: Reopened, random: Random, now: float) -> Iterator[Record]:
    repair, number = back.repair, back.attempts_before
    while True:
        now, number = now + 1, number + 1
        attempt = Attempt(number, repair, candidate(f"What of {back.order_id}?"), started_at=now)
        match random.choice(["accept", "accept", "requeue", "stop", "error", "budget", "open"]):
            case "accept":
                gates = (FAITHFULNESS, REWARD)
                said = (Passed(PROVENANCE, 1.0, 1.0), *(Passed(gate, 0.9, 0.5) for gate in gates))
                yield AcceptedEnd(now, back.order_id, replace(attempt, verdicts=raised_bar(said, number)))
                return
            case "requeue" if number - back.attempts_before < 4:
                repair = REPAIR
                yield Rejoined(now, back.order_id, _rejected(attempt, REPAIR))
            case "stop" | "requeue":
                yield DeadLetteredEnd(now, back.order_id, _rejected(attempt, None), DeadLetter(EndReason.REJECTED))
                return
            case "error":
                yield DeadLetteredEnd(now, back.order_id, attempt, DeadLetter(EndReason.ENGINE_ERROR, "timed out"))
                return
            case "budget":
                yield DeadLetteredEnd(now, back.order_id, None, DeadLetter(EndReason.BUDGET, "spent"))
                return
            case _:
                return


def _rejected(attempt: Attempt, repair: Repair | None) -> Attempt:
    verdicts = (Rejected(FAITHFULNESS, 0.1, 0.5), Passed(REWARD, 0.9, 0.5))
    diagnosis = Diagnosis(Modes.PARAMETRIC, 0.8)
    return replace(attempt, verdicts=verdicts, diagnosis=diagnosis, choice=Choice("rules", repair))
