"""A run's own time: seconds in which a process worked on it, without the gaps before a resumption and before dead
letters are put back."""

from schemas.ledger import Reconfigured, Record, Reopened, RunStarted


class RunClock:
    """The clock. It gets every record in order, and never goes backwards, even if the machine's clock did."""

    def __init__(self) -> None:
        self._origin: float | None = None
        self._last_at = 0.0
        self._idle = 0.0
        self.seconds = 0.0
        self.resumed_at: list[float] = []
        """The run's seconds at each resumption."""

    def apply(self, record: Record) -> float:
        """The run's seconds at this record."""
        if self._origin is None:
            self._origin = self._last_at = record.at
        elif isinstance(record, RunStarted):
            self._idle += max(0.0, record.at - self._last_at)
            self.resumed_at.append(self.seconds)
        elif isinstance(record, Reopened | Reconfigured):
            self._idle += max(0.0, record.at - self._last_at)
        self._last_at = max(self._last_at, record.at)
        self.seconds = max(self.seconds, record.at - self._origin - self._idle)
        return self.seconds
