"""The band of a cascade, which probes calibrate."""

from msgspec import Struct


class Band(Struct, frozen=True):
    """The scores of a cheap gate that leave the decision to the judge: from `low` to `high`, both included."""

    low: float | None
    """The cheap gate rejects what scores below; None: it rejects nothing."""
    high: float | None
    """The cheap gate passes what scores above; None: it passes nothing. Never below `low`."""
    good: int
    """Good probes that `low` was found from."""
    bad: int
    """Bad probes that `high` was found from."""

    def __str__(self) -> str:
        """The band in words, such as `0.12 to 0.93`; a side on which the cheap gate does not decide has no number."""
        low, high = ("–" if edge is None else f"{edge:.4g}" for edge in (self.low, self.high))
        return f"{low} to {high}"
