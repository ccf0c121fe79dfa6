"""A folder's run.yaml against what its ledger says of it. Law: a start records the fingerprint of what it runs, a
replay the configuration before it and what it changed; what follows from neither was edited.

Both are compared where this program has the keys of the one that wrote them: otherwise nobody can tell. The folder may
be anybody's: a text with aliases, which no run writes and which may stand for far more than it is long, is not read.
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
    """Whether the run.yaml at that path is another than the record's; None where that cannot be told. After a replay it
    is as the replay left it, or as it was, for the replay may have died before it wrote it."""
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
    """The configuration of a text that a program with this one's keys wrote; None of any other."""
    try:
        if len(text) > MOST_BYTES or any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            return None
        config = load_text(text)
    except (yaml.YAMLError, ConfigError):
        return None
    return config if is_whole(config, text) else None


def is_whole(config: RunConfig, text: str) -> bool:
    """Whether this program's keys are those of the program that wrote the text."""
    return yaml.safe_load(text) == yaml.safe_load(to_yaml(config))
