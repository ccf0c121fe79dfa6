"""Builds what cascades need: the gates themselves, and the fold that calibrates their bands."""

from collections.abc import Mapping

from actors.gates.cascade import Bar, CascadeGate
from actors.probes.bands import BandFold, CalibratedGate
from actors.protocols import Gate
from deployments.build.judges import judges
from schemas.config import RunConfig
from schemas.config_cascade import cascades
from schemas.config_gates import GateConfig
from schemas.verdicts import GateName


def with_cascades(gates: Mapping[str, GateConfig], built: Mapping[GateName, Gate], bar: Bar) -> dict[GateName, Gate]:
    """All gates in the configuration's order: those that are built, and the cascades over them."""
    over = {GateName(name): CascadeGate(GateName(name), config, bar=bar) for name, config in cascades(gates).items()}
    there: dict[GateName, Gate] = {**built, **over}
    return {name: there[name] for name in map(GateName, gates)} if over else dict(built)


def build_bands(config: RunConfig) -> BandFold | None:
    """The fold of a run's queue; None if no gate is a cascade."""
    there = cascades(config.gates)
    if not there:
        return None
    versions = judges(config)
    calibrated = {name: CalibratedGate(each, versions[GateName(each.cheap)]) for name, each in there.items()}
    return BandFold({GateName(name): each for name, each in calibrated.items()})
