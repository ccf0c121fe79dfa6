"""The gate of `form: cascade`: two other gates of the run, of which the cheap one is asked first.

Law: a gate that a cascade names judges nothing by itself. It has its own entry under `gates`, and so its own
deployment, price and place in status and metrics.
"""

from collections.abc import Mapping
from typing import Annotated

from schemas.config_base import Config, JudgeKind, Share, replay


class Cascade(Config, frozen=True, tag="cascade", tag_field="form"):
    """A cheap gate decides what it scores outside a band, a judge the rest. Probes calibrate the band while the run
    goes on; before there are enough, the judge decides everything."""

    cheap: Annotated[str, replay("The gate that is asked first, of form classifier, token or likelihood.")]
    judge: Annotated[str, replay("The gate that decides inside the band; its threshold counts.")]
    kind: Annotated[
        JudgeKind | None,
        replay("What both gates judge; without it, what the name says."),
    ] = None
    bad_passed: Annotated[
        float,
        replay(
            "Of bad drafts, the cheap gate alone may pass this share at most, with 95% confidence by probes; 0: it "
            "passes none.",
            ge=0,
            le=0.5,
        ),
    ] = 0.05
    good_rejected: Annotated[
        float,
        replay(
            "Of good drafts, the cheap gate alone may reject this share at most, with 95% confidence by probes; 0: it "
            "rejects none.",
            ge=0,
            le=0.5,
        ),
    ] = 0.05
    share: Share = 1.0


def cascades(gates: Mapping[str, object]) -> dict[str, Cascade]:
    """The cascades among the gates, by name."""
    return {name: gate for name, gate in gates.items() if isinstance(gate, Cascade)}


def steps(gates: Mapping[str, object]) -> frozenset[str]:
    """The gates that judge for a cascade alone."""
    return frozenset(step for cascade in cascades(gates).values() for step in (cascade.cheap, cascade.judge))


def judging(gates: Mapping[str, object]) -> tuple[str, ...]:
    """The names of the gates that give verdicts of their own, in the configuration's order: all but the steps of
    cascades."""
    among = steps(gates)
    return tuple(name for name in gates if name not in among)
