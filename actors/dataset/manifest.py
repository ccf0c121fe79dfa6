"""manifest.json: what a run was made of and what it amounts to. Law: all of it follows from the ledger and run.yaml."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from actors.dataset.door import read_regular
from actors.strict_yaml import CONSTRUCTOR_FAULTS, MOST_BYTES, parse
from schemas.config import RunConfig
from schemas.config_engines import GONE_KEYS
from schemas.errors import OutputError
from schemas.ledger import ShardWritten
from schemas.manifest import Manifest, ShardFile

if TYPE_CHECKING:
    from actors.dataset.report.facts import ReportFold  # loads SciPy, which who only reads a manifest has no need of

NAME = "manifest.json"
CONFIG_NAME = "run.yaml"
_MOST_BYTES = 1 << 28
"""Of a manifest: it has a line for each shard."""
_MOST_VALUES = 1 << 20
"""Of a configuration: one of a mebibyte has fewer, unless it repeats itself."""
CHECKSUMS_NAME = "checksums.txt"


def manifest_of(
    facts: "ReportFold", shards: Sequence[ShardWritten], config: RunConfig | None, *, versions: Mapping[str, str]
) -> Manifest:
    """The manifest of a folder's facts and its shards, of all ledgers, that count. `config` is None where run.yaml is
    missing; `versions` add to the recorded."""
    summary = facts.summary()
    counts = summary.counts
    files = [ShardFile(shard.name, shard.rows, shard.sha256) for shard in shards]
    return Manifest(
        name=config.name if config else "run",
        complete=summary.corpus_ended and not counts.outstanding,
        versions={**facts.versions, **versions},
        seed=config.seed if config else None,
        config_sha256=facts.config_sha256,
        models=_models(config) if config else {},
        thresholds=_thresholds(config) if config else {},
        counts=counts,
        yield_=counts.yield_,
        recovery_rate=counts.recovery_rate,
        tokens=summary.tokens,
        roles=summary.roles,
        overlap=summary.overlap,
        retrieval=summary.retrieval,
        injections=summary.injections,
        credit=summary.credit,
        canaries=summary.canaries,
        refusals=summary.refusals,
        skipped_files=summary.skipped_files,
        overlap_jaccard=summary.overlap.jaccard,
        modes=summary.modes,
        repairs=summary.repairs,
        ends=summary.ends,
        errors=summary.errors,
        started_at=summary.started_at,
        ended_at=None if counts.outstanding else facts.last_end_at,
        wall_seconds=round(facts.clock.seconds, 3),
        first_accepted_seconds=facts.first_accepted_s,
        shards=tuple(sorted(files, key=lambda file: file.name)),
    )


def encode(manifest: Manifest) -> bytes:
    """As it lies in the folder: indented JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def head_line(ledger: str, seq: int, head: str) -> str:
    """How checksums.txt tells a ledger's running hash."""
    return f"# running hash of {ledger} up to record {seq}: {head}"


def read_manifest(output: Path) -> Manifest | None:
    """The folder's manifest; None where there is none yet. Raises OutputError for one that cannot be read."""
    path = output / NAME
    try:
        return msgspec.json.decode(read_regular(path, _MOST_BYTES), type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OutputError(f"{path}: cannot be read ({error}); `gleaner run` on this folder writes it again") from error


def read_config(output: Path) -> RunConfig | None:
    """The folder's resolved run.yaml; None where there is none. Raises OutputError for one that cannot be read."""
    path = output / CONFIG_NAME
    try:
        data = read_regular(path, MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise OutputError(
                f"{path}: is larger than 1 MiB, so hardly a configuration; restore it as the run wrote it"
            )
        return msgspec.convert(_Known().of(parse(data.decode("utf-8-sig"))), RunConfig)
    except FileNotFoundError:
        return None
    except (OSError, yaml.YAMLError, msgspec.ValidationError, *CONSTRUCTOR_FAULTS) as error:
        reason = " ".join(str(error).split())
        raise OutputError(f"{path}: cannot be read ({reason}); restore it as the run wrote it") from error


class _Known:
    """A value without keys that earlier versions wrote and that mean nothing any more. An alias is copied wherever it
    stands, so how much there is of all is bounded."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def of(self, value: Any) -> Any:
        """Raises ValueError for more than a configuration holds."""
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"holds more than {_MOST_VALUES:,} values")
        match value:
            case dict():
                return {key: self.of(item) for key, item in value.items() if key not in GONE_KEYS}
            case list():
                return [self.of(item) for item in value]
        return value


def _models(config: RunConfig) -> dict[str, str]:
    pools = {name: pool.engine.model for name, pool in config.pools.items()}
    return {**pools, **{name: gate.engine.model for name, gate in config.gates.models.items()}}


def _thresholds(config: RunConfig) -> dict[str, float]:
    return {name: gate.threshold for name, gate in config.gates.models.items()}
