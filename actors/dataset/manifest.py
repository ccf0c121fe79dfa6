"""Reads manifest.json and run.yaml from a folder that may come from a stranger."""

from pathlib import Path

import msgspec
import yaml

from actors.dataset.gone_keys import without_gone_keys
from actors.ledger.door import read_regular
from actors.text.strict_yaml import CONSTRUCTOR_FAULTS, MOST_BYTES, parse
from schemas.config import RunConfig
from schemas.config_moved import moved
from schemas.errors import ConfigError, OutputError
from schemas.manifest import Manifest

NAME = "manifest.json"
CONFIG_NAME = "run.yaml"
_MOST_BYTES = 1 << 28
"""The largest manifest: it has a line for each shard."""
CHECKSUMS_NAME = "checksums.txt"


def head_line(ledger: str, seq: int, head: str) -> str:
    """The line in checksums.txt that holds a ledger's running hash."""
    return f"# running hash of {ledger} up to record {seq}: {head}"


def read_manifest(output: Path) -> Manifest | None:
    """The folder's manifest; None when there is none yet. Raises OutputError when it cannot be read."""
    path = output / NAME
    try:
        return msgspec.json.decode(read_regular(path, _MOST_BYTES), type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OutputError(f"{path}: cannot be read ({error}); `gleaner run` on this folder writes it again") from error


def read_config(output: Path) -> RunConfig | None:
    """The folder's resolved run.yaml; None when there is none. Raises OutputError when it cannot be read."""
    path = output / CONFIG_NAME
    try:
        data = read_regular(path, MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise OutputError(
                f"{path}: is larger than 1 MiB, so it is hardly a configuration; restore it as the run wrote it"
            )
        return msgspec.convert(without_gone_keys(moved(parse(data.decode("utf-8-sig")))), RunConfig)
    except FileNotFoundError:
        return None
    except (OSError, yaml.YAMLError, msgspec.ValidationError, ConfigError, *CONSTRUCTOR_FAULTS) as error:
        reason = " ".join(str(error).split())
        raise OutputError(f"{path}: cannot be read ({reason}); restore it as the run wrote it") from error
