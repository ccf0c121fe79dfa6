"""Compares a folder's run.yaml with its ledger. Law: a start records the fingerprint of its configuration; a replay
records the configuration before it and its changes. A run.yaml that follows from neither was edited.

They are compared only if this program has the same keys as the program that wrote the file. The folder may be a
stranger's: a text with YAML aliases, which no run writes and which may expand to a huge value, is not read.
"""

from pathlib import Path

import yaml

from actors.ledger.door import read_regular
from actors.text.strict_yaml import MOST_BYTES
from deployments.config.load import config_sha256, difference, load_text, to_yaml
from schemas.config import RunConfig
from schemas.errors import ConfigError, OutputError
from schemas.ledger import Reconfigured, RunStarted


def is_edited(path: Path, said: RunStarted | Reconfigured) -> bool | None:
    """Whether the run.yaml at that path differs from the record's; None if that is not known. After a replay it may
    also be as before, since the replay may have died before it wrote the file."""
    try:
        kept = _written(read_regular(path, MOST_BYTES).decode("utf-8-sig"))
    except (OSError, OutputError, UnicodeDecodeError):
        return None
    if kept is None:
        return None
    if isinstance(said, RunStarted):
        return said.config_sha256 != config_sha256(kept)
    before = _written(said.before)
    return None if before is None else tuple(difference(before, kept)) not in ((), said.changed)


def _written(text: str) -> RunConfig | None:
    """The configuration of a text, if a program with the same keys wrote it; otherwise None."""
    try:
        if len(text) > MOST_BYTES or any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            return None
        config = load_text(text)
    except (yaml.YAMLError, ConfigError):
        return None
    return config if is_whole(config, text) else None


def is_whole(config: RunConfig, text: str) -> bool:
    """Whether the program that wrote the text had the same keys as this one."""
    return yaml.safe_load(text) == yaml.safe_load(to_yaml(config))
