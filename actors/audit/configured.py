"""What a folder's configurations asked of its samples: run.yaml, and those that `reconfigured` records keep.

Law: read by a second hand, and of them only what is compared. What a text does not say is None, and nothing rests on
it: a text is of any version, and may be anybody's.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import yaml
from msgspec import Struct

from actors.audit.bounded import TooLarge, read_bounded
from actors.text.strict_yaml import CONSTRUCTOR_FAULTS, MOST_BYTES, parse
from schemas.verdicts import FAITHFULNESS, PROVENANCE, REWARD, VERIFIER, GateName

CONFIG = "run.yaml"


class _Engine(Struct, frozen=True):
    model: str | None = None


class _Asked(Struct, frozen=True):
    """A pool, or a gate that a model answers."""

    engine: _Engine = _Engine()
    threshold: float | None = None


class _Verifier(Struct, frozen=True):
    pass


class _Gates(Struct, frozen=True):
    faithfulness: _Asked | None = None
    reward: _Asked | None = None
    verifier: _Verifier | None = None


class _Recovery(Struct, frozen=True):
    bar: str | None = None


class _Task(Struct, frozen=True):
    samples_per_passage: int | None = None


class Configured(Struct, frozen=True):
    """One configuration, as far as it is compared with what was recorded."""

    pools: dict[str, _Asked] = {}
    gates: _Gates | None = None
    recovery: _Recovery = _Recovery()
    task: _Task = _Task()
    seed: int | None = None

    @property
    def models(self) -> Mapping[str, str | None]:
        """Of pools, by name."""
        return {name: pool.engine.model for name, pool in self.pools.items()}

    @property
    def all_models(self) -> Mapping[str, str | None]:
        """Of pools and gates, by name."""
        return {**self.models, **{gate: asked.engine.model for gate, asked in self._judges.items()}}

    @property
    def model_thresholds(self) -> Mapping[str, float | None]:
        """Of the gates that a model answers, by name."""
        return {gate: asked.threshold for gate, asked in self._judges.items()}

    @property
    def required(self) -> Mapping[GateName, float | None]:
        """Every gate that a sample must pass, with a first attempt's threshold; empty where no gates are told."""
        if self.gates is None:
            return {}
        computed = {PROVENANCE: 1.0} | ({VERIFIER: 1.0} if self.gates.verifier is not None else {})
        return computed | {gate: asked.threshold for gate, asked in self._judges.items()}

    @property
    def _judges(self) -> Mapping[GateName, _Asked]:
        gates = self.gates or _Gates()
        named = {FAITHFULNESS: gates.faithfulness, REWARD: gates.reward}
        return {gate: asked for gate, asked in named.items() if asked is not None}


def read_text(output: Path) -> bytes | None:
    """The folder's run.yaml; None where there is none of a configuration's size."""
    try:
        return read_bounded(output / CONFIG, MOST_BYTES)
    except (OSError, TooLarge):
        return None


def configured(text: bytes | None) -> Configured | None:
    """What a text says; None for one that is no configuration."""
    if text is None or len(text) > MOST_BYTES:
        return None
    try:
        return msgspec.convert(parse(text.decode("utf-8-sig")), Configured)
    except (yaml.YAMLError, msgspec.ValidationError, *CONSTRUCTOR_FAULTS):
        return None
