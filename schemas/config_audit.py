"""The part of a configuration that sends canaries through the live gates, to measure them (see `schemas.config`).

Law: rate 0, the default, sends none.
"""

from schemas.config_base import Config, Probability


class Audit(Config, frozen=True):
    """Labelled samples in the live stream, unseen by the gates: rolling recall and precision. Never exported."""

    rate: Probability = 0.0
    """Canaries for each order, on average; one costs the gates' tokens of one attempt, and no generator's."""
    labelled: tuple[str, ...] = ()
    """Files as `gleaner audit --labelled` reads them. Without any, `injection.injector` (kind: custom) makes them."""
    good: Probability = 0.5
    """Share of the canaries that should pass; the others should be rejected."""
