"""Folders to push: as a run leaves them, with shards."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.report.finish import finish
from deployments.config.load import config_sha256, load_text, to_yaml
from deployments.folder.shards import write_shards
from schemas.ledger import Record
from tests.deployments.folder.test_replay import CONFIG
from tests.doubles.ledgers import Scale, plausible_run

NOW = 1_760_200_000.0
SMALL = Scale(passages=12, refused=1)
CONFIGURATION = f"name: harbours{CONFIG}dataset: {{rows_per_shard: 20}}\n"


def folder_of(path: Path, seed: int = 7, scale: Scale = SMALL) -> Path:
    """A finished run's folder."""
    path.mkdir()
    (path / "run.yaml").write_text(to_yaml(load_text(CONFIGURATION)))
    add(path, plausible_run(seed, scale))
    finish(path, now=NOW, versions={"gleaner": "0.1.0"})
    return path


def add(path: Path, records: Iterable[Record]) -> None:
    """Records, and the shards of their ends: as a run that goes on adds them."""
    config = load_text(CONFIGURATION)
    assert config_sha256(config)
    with SqliteLedger(path) as ledger:
        ledger.append(list(records))
        with LedgerReader(path) as reader:
            asyncio.run(write_shards(path, ledger, reader, config, lambda: NOW))
