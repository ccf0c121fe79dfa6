"""The part of a folder's configurations that samples are checked against: run.yaml, and the earlier ones that
`reconfigured` records keep.

Law: it is decoded here a second time, apart from the product's reader, and only what is compared is read. A value that
a text lacks is None, and nothing is compared with it: the text may come from any version and from any author.
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
    pool: str | None = None
    """Of a gate that a pool answers for."""


class _Asked(Struct, frozen=True):
    """A pool or a gate."""

    engine: _Engine = _Engine()
    threshold: float | None = None
    form: str | None = None
    kind: str | None = None
    pool: str | None = None
    """Of a gate that executes queries: who writes the second ones."""
    share: float | None = None
    cheap: str | None = None
    judge: str | None = None
    bad_passed: float | None = None
    good_rejected: float | None = None

    def is_kind(self, kind: str, name: str) -> bool:
        """Whether this gate is of that kind. A gate without a `kind` has its name as kind; a likelihood gate always
        judges against the source."""
        return (FAITHFULNESS if self.form == "likelihood" else self.kind or name) == kind


class _Recovery(Struct, frozen=True):
    bar: str | None = None


class _Judging(Struct, frozen=True):
    embedder: _Asked | None = None


class _Task(Struct, frozen=True):
    samples_per_passage: int | str | dict[str, int] | None = None


class _Budget(Struct, frozen=True):
    tokens: int | None = None
    cost: float | None = None

    @property
    def is_limited(self) -> bool:
        """Whether a run may end because it has spent enough."""
        return self.tokens is not None or self.cost is not None


class Configured(Struct, frozen=True):
    """The part of one configuration that is compared with records."""

    pools: dict[str, _Asked] = {}
    gates: dict[str, _Asked | bool | float | None] | None = None
    """Gates, and settings that earlier versions kept beside them."""
    judging: _Judging | None = None
    recovery: _Recovery = _Recovery()
    task: _Task = _Task()
    budget: _Budget = _Budget()
    seed: int | None = None

    @property
    def models(self) -> Mapping[str, str | None]:
        """The pools' models by pool name."""
        return {name: pool.engine.model for name, pool in self.pools.items()}

    @property
    def all_models(self) -> Mapping[str, str | None]:
        """The models of pools, gates and the embedder, by name."""
        judges = {gate: self._model_of(asked) for gate, asked in self._gates.items()}
        known = {gate: model for gate, model in judges.items() if model is not None}
        embedder = None if self.judging is None else self.judging.embedder
        return {**self.models, **known, **({} if embedder is None else {EMBEDDER: embedder.engine.model})}

    @property
    def model_thresholds(self) -> Mapping[str, float | None]:
        """Thresholds of the gates that score, by name. One that computes has none."""
        return {gate: self._threshold(asked) for gate, asked in self._judging.items() if not _computes(gate, asked)}

    @property
    def required(self) -> Mapping[GateName, float | None]:
        """Every gate that a sample must pass, with its threshold for a first attempt. Empty without a gates section."""
        if self.gates is None:
            return {}
        judging = self._judging.items()
        gates = {gate: 1.0 if _computes(gate, asked) else self._threshold(asked) for gate, asked in judging}
        return {PROVENANCE: 1.0, **gates}

    @property
    def cascades(self) -> Mapping[GateName, _Asked]:
        """The gates of which a cheap gate and a judge decide."""
        return {gate: asked for gate, asked in self._gates.items() if asked.form == "cascade"}

    @property
    def shares(self) -> Mapping[GateName, float]:
        """The gates that may leave orders unjudged, each with the share that it judges."""
        return {gate: asked.share for gate, asked in self._gates.items() if asked.share is not None}

    @property
    def against_source(self) -> frozenset[GateName]:
        """Gates whose threshold may rise with the attempt number."""
        return frozenset(gate for gate, asked in self._gates.items() if asked.is_kind(FAITHFULNESS, gate))

    def _threshold(self, asked: _Asked) -> float | None:
        """A gate's own threshold; of a cascade, its judge's."""
        if asked.form != "cascade":
            return asked.threshold
        judge = self._gates.get(GateName(asked.judge or ""))
        return None if judge is None else judge.threshold

    @property
    def _judging(self) -> Mapping[GateName, _Asked]:
        """The gates that give verdicts of their own: all but the steps of cascades."""
        steps = {step for asked in self.cascades.values() for step in (asked.cheap, asked.judge)}
        return {gate: asked for gate, asked in self._gates.items() if gate not in steps}

    def _model_of(self, asked: _Asked) -> str | None:
        pool = asked.engine.pool or asked.pool
        return asked.engine.model if pool is None else self.models.get(pool)

    @property
    def _gates(self) -> Mapping[GateName, _Asked]:
        gates = (self.gates or {}).items()
        return {GateName(name): asked for name, asked in gates if isinstance(asked, _Asked) and name != PROVENANCE}


def _computes(name: GateName, asked: _Asked) -> bool:
    return asked.form in ("verifier", "execution", "tests") or (asked.form is None and name == VERIFIER)


def read_text(output: Path) -> bytes | None:
    """The bytes of the folder's run.yaml; None when it is missing or too large."""
    try:
        return read_bounded(output / CONFIG, MOST_BYTES)
    except (OSError, TooLarge):
        return None


def configured(text: bytes | None) -> Configured | None:
    """The configuration in a text; None when the text is not one."""
    if text is None or len(text) > MOST_BYTES:
        return None
    try:
        return msgspec.convert(parse(text.decode("utf-8-sig")), Configured)
    except (yaml.YAMLError, msgspec.ValidationError, *CONSTRUCTOR_FAULTS):
        return None
