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
from schemas.vectors import EMBEDDER
from schemas.verdicts import FAITHFULNESS, PROVENANCE, VERIFIER, GateName

CONFIG = "run.yaml"


class _Engine(Struct, frozen=True):
    model: str | None = None


class _Asked(Struct, frozen=True):
    """A pool, or a gate."""

    engine: _Engine = _Engine()
    threshold: float | None = None
    form: str | None = None
    kind: str | None = None

    def is_kind(self, kind: str, name: str) -> bool:
        """Whether it is of that kind, by its name where it does not say so; a likelihood always is of a source."""
        return (FAITHFULNESS if self.form == "likelihood" else self.kind or name) == kind


class _Recovery(Struct, frozen=True):
    bar: str | None = None


class _Judging(Struct, frozen=True):
    embedder: _Asked | None = None


class _Task(Struct, frozen=True):
    samples_per_passage: int | None = None


class Configured(Struct, frozen=True):
    """One configuration, as far as it is compared with what was recorded."""

    pools: dict[str, _Asked] = {}
    gates: dict[str, _Asked | bool | float | None] | None = None
    """Beside gates, the settings that once stood among them."""
    judging: _Judging | None = None
    recovery: _Recovery = _Recovery()
    task: _Task = _Task()
    seed: int | None = None

    @property
    def models(self) -> Mapping[str, str | None]:
        """Of pools, by name."""
        return {name: pool.engine.model for name, pool in self.pools.items()}

    @property
    def all_models(self) -> Mapping[str, str | None]:
        """Of pools and gates by name, and of the embedder."""
        judges = {gate: asked.engine.model for gate, asked in self._named.items() if asked.engine.model is not None}
        embedder = None if self.judging is None else self.judging.embedder
        return {**self.models, **judges, **({} if embedder is None else {EMBEDDER: embedder.engine.model})}

    @property
    def model_thresholds(self) -> Mapping[str, float | None]:
        """Of the gates that score, by name; a verifier's is not said."""
        return {gate: asked.threshold for gate, asked in self._named.items() if not _verifies(gate, asked)}

    @property
    def required(self) -> Mapping[GateName, float | None]:
        """Every gate that a sample must pass, with a first attempt's threshold; empty where no gates are told."""
        if self.gates is None:
            return {}
        gates = {gate: 1.0 if _verifies(gate, asked) else asked.threshold for gate, asked in self._named.items()}
        return {PROVENANCE: 1.0, **gates}

    @property
    def against_source(self) -> frozenset[GateName]:
        """The gates whose threshold may rise with the attempt."""
        return frozenset(gate for gate, asked in self._named.items() if asked.is_kind(FAITHFULNESS, gate))

    @property
    def _named(self) -> Mapping[GateName, _Asked]:
        gates = (self.gates or {}).items()
        return {GateName(name): asked for name, asked in gates if isinstance(asked, _Asked) and name != PROVENANCE}


def _verifies(name: GateName, asked: _Asked) -> bool:
    return asked.form == "verifier" or (asked.form is None and name == VERIFIER)


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
