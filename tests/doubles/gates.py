"""A run's gates changed for a test."""

from typing import Any

from msgspec.structs import replace

from schemas.config import RunConfig
from schemas.config_gates import GateConfig
from schemas.verdicts import FAITHFULNESS


def with_gate(config: RunConfig, gate: GateConfig, name: str = FAITHFULNESS) -> RunConfig:
    """The run with this gate under the name."""
    return replace(config, gates={**config.gates, name: gate})


def changed_gate(config: RunConfig, name: str = FAITHFULNESS, **keys: Any) -> RunConfig:
    """The run with keys of one of its gates changed."""
    return with_gate(config, replace(config.gates[name], **keys), name)
