"""Which file of the Hub a row is in."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from actors.dataset.spans import current
from actors.ledger.sqlite import LedgerReader
from deployments.hub.census import ShardCensus
from deployments.hub.parts import Splitting, make, parts_of
from schemas.errors import OutputError
from schemas.exports import SplitShare
from schemas.ledger import ShardKind, ShardWritten
from tests.deployments.hub.folders import folder_of

HELD_OUT = Splitting((SplitShare("test", 0.25), SplitShare("dev", 0.25)), seed=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def shards(run: Path) -> list[ShardWritten]:
    with LedgerReader(run) as ledger:
        return [shard for shard in current(ledger.shards()) if shard.kind is ShardKind.DATASET]


def test_a_name_follows_from_shard_and_splits(shards: list[ShardWritten]) -> None:
    """What is on the Hub under a name is never sent again: another content, share or seed has another name, and a seed
    without splits changes nothing."""
    shard, rows = shards[0], {"train": 12, "test": 5, "dev": 3}
    others = [
        (replace(shard, sha256="0" * 64), HELD_OUT),
        (shard, replace(HELD_OUT, seed=2)),
        (shard, replace(HELD_OUT, splits=HELD_OUT.splits[:1])),
        (shard, Splitting()),
    ]
    names = [parts_of(of, rows, splitting)[0].path for of, splitting in [(shard, HELD_OUT), *others]]
    assert len(set(names)) == len(names)
    assert parts_of(shard, rows, Splitting(seed=5)) == parts_of(shard, rows, Splitting())
    assert [part.path.split("/")[:2] for part in parts_of(shard, rows, HELD_OUT)] == [
        ["data", "train"], ["data", "test"], ["data", "dev"],
    ]  # fmt: skip


def test_a_split_without_rows_has_no_file(shards: list[ShardWritten]) -> None:
    """`load_dataset` fails for a split whose files are empty or missing."""
    assert [part.split for part in parts_of(shards[0], {"test": 20}, HELD_OUT)] == ["test"]


def test_every_row_is_in_the_split_of_its_document(run: Path, shards: list[ShardWritten], tmp_path: Path) -> None:
    """Rows keep their order and their values; the same shard cut again gives the same bytes."""
    census = ShardCensus(HELD_OUT)
    for shard in shards:
        parts = parts_of(shard, census.count(run, shard), HELD_OUT)
        made = make(run, parts, HELD_OUT, tmp_path)
        tables = {part.split: pq.read_table(made[part.path]).to_pylist() for part in parts}
        whole = pq.read_table(run / shard.name).to_pylist()
        for split, rows in tables.items():
            assert rows == [row for row in whole if HELD_OUT.of(row["provenance"]["document_sha256"]) == split]
        assert sum(map(len, tables.values())) == len(whole) == shard.rows
        before = {path: file.read_bytes() for path, file in made.items()}
        assert before == {path: file.read_bytes() for path, file in make(run, parts, HELD_OUT, tmp_path).items()}
    assert sum(split.rows for split in census.splits) == 36 and sum(split.documents for split in census.splits) == 12


def test_without_splits_the_shard_itself_is_sent(run: Path, shards: list[ShardWritten], tmp_path: Path) -> None:
    """Nothing is copied."""
    parts = parts_of(shards[0], {"train": 20}, Splitting())
    assert make(run, parts, Splitting(), tmp_path) == {parts[0].path: run / shards[0].name}
    with pytest.raises(OutputError, match="is not the shard that the ledger recorded"):
        make(run, [replace(parts[0], shard=replace(shards[0], sha256="0" * 64))], Splitting(), tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk here")
def test_a_full_disk_is_no_broken_shard(run: Path, shards: list[ShardWritten], tmp_path: Path) -> None:
    """Files are cut in a temporary folder: what is full is named."""
    parts = parts_of(shards[0], ShardCensus(HELD_OUT).count(run, shards[0]), HELD_OUT)
    for part in parts:
        (tmp_path / part.path.replace("/", "-")).symlink_to("/dev/full")
    with pytest.raises(OutputError, match=f"cannot write {tmp_path}: .*No space left on device.*; make room"):
        make(run, parts, HELD_OUT, tmp_path)


def test_a_passage_that_two_splits_share_is_counted(run: Path, shards: list[ShardWritten], tmp_path: Path) -> None:
    """A licence text stands in two documents: they may be in two splits, and the card says how many passages are."""
    table = pq.read_table(run / shards[0].name)
    column = table.schema.get_field_index("passage")
    (tmp_path / "dataset").mkdir()
    pq.write_table(table.set_column(column, "passage", [["The same words."] * len(table)]), tmp_path / shards[0].name)
    census = ShardCensus(HELD_OUT)
    census.count(tmp_path, shards[0])
    assert len(census.splits) == 3 and census.shared_passages == 2
    unsplit = ShardCensus(Splitting())
    unsplit.count(tmp_path, shards[0])
    assert unsplit.shared_passages == 0
