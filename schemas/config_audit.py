"""The part of a configuration that sends canaries through the live gates, to measure them (see `schemas.config`).

Law: rate 0, the default, sends none.
"""

from typing import Annotated

from schemas.config_base import Config, Probability, any_resume


class Audit(Config, frozen=True):
    """Labelled samples in the live stream, unseen by the gates: rolling recall and precision. Never exported."""

    rate: Annotated[
        Probability,
        any_resume(
            "Canaries for each order, on average; one costs the gates' tokens of one attempt, and no generator's."
        ),
    ] = 0.0
    labelled: Annotated[
        tuple[str, ...],
        any_resume(
            "Files as `gleaner audit --labelled` reads them. Without any, `injection.injector` (kind: "
            "custom) makes them."
        ),
    ] = ()
    good: Annotated[
        Probability, any_resume("Share of the canaries that should pass; the others should be rejected.")
    ] = 0.5
