"""How long replicas held accelerators, by role: what the run's supervisor recorded now and then, added up."""

from actors.counts.entries import Entry
from actors.counts.together import together
from schemas.bill import HeldTime
from schemas.ledger import Metered
from schemas.progress import Summary


class AcceleratorFold:
    """The fold. Memory grows with the pools and gates, not with the run."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], HeldTime] = {}
        self._last_at = 0.0

    def apply(self, entry: Entry) -> None:
        """Counts one record."""
        match entry.record:
            case Metered(at=at, held=rows) if at != self._last_at:  # a call that was made again has the same moment
                self._last_at = at
                for row in rows:
                    key = (row.role, row.accelerator.value)
                    self._held[key] = together([self._held[key], row]) if key in self._held else row
            case _:
                pass

    def tables(self) -> Summary:
        """Everything counted so far."""
        return Summary(held=tuple(self._held[key] for key in sorted(self._held)))
