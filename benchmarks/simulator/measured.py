"""Service times of a run that has been: the shape of a simulation's, in place of a lognormal one."""

from pathlib import Path

from actors.ledger.sqlite import LedgerReader
from schemas.errors import UserError
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Rejoined


def service_times(output: Path) -> tuple[float, ...]:
    """Seconds of every generation in a run's folder, waits for a slot included. Raises UserError when it has none."""
    with LedgerReader(output) as ledger:
        attempts = [
            record.attempt
            for _, record in ledger.records()
            if isinstance(record, AcceptedEnd | DeadLetteredEnd | Rejoined) and record.attempt is not None
        ]
    seconds = tuple(
        attempt.candidate.cost.seconds
        for attempt in attempts
        if attempt.candidate is not None and attempt.candidate.cost.seconds > 0
    )
    if not seconds:
        raise UserError(f"{output}: no generation has been timed there")
    return seconds
