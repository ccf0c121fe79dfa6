"""A ledger as segments: built again it is the same, or it is refused."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.ledger import segments
from actors.ledger.repair import rewrite
from actors.ledger.segments import FAN_IN, Cut, build, cut, has, mergeable
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from schemas.errors import OutputError
from schemas.ledger import Record, Voided
from schemas.queue_shard import QueueShard
from schemas.storage import Chain, LedgerSegment
from schemas.wire import encode_record
from tests.doubles.ledgers import plausible_run

RECORDS = 60


def ledger_of(folder: Path, records: Sequence[Record], shard: QueueShard = QueueShard()) -> LedgerReader:  # noqa: B008 - frozen
    folder.mkdir()
    with SqliteLedger(folder, shard) as ledger:
        ledger.append(records)
    return LedgerReader(folder, shard)


def cuts_of(ledger: LedgerReader, ends: Sequence[int]) -> list[Cut]:
    return [cut(ledger, after, end, epoch=1) for after, end in zip((0, *ends), ends, strict=False)]


def stored(path: Path) -> list[tuple]:
    with closing(sqlite3.connect(path)) as database:
        tables = (
            "SELECT * FROM records ORDER BY seq",
            "SELECT * FROM orders ORDER BY 1",
            "SELECT * FROM meta ORDER BY 1",
        )
        return [row for query in tables for row in database.execute(query)]


@pytest.fixture
def records() -> list[Record]:
    return list(plausible_run(7))[:RECORDS]


def test_a_ledger_that_is_built_again_is_the_same(tmp_path: Path, records: list[Record]) -> None:
    """Every row of every table, the folder's id and the shard's claim with it; one record was set aside by a repair."""
    shard = QueueShard(1, 2)
    ledger_of(tmp_path / "run", records, shard).close()
    middle = len(records) // 2
    rewrite(
        tmp_path / "run" / shard.ledger, {middle: Voided(1.0, "accepted", "why", encode_record(records[middle - 1]))}
    )
    with LedgerReader(tmp_path / "run", shard) as ledger:
        made = cuts_of(ledger, (7, middle, len(records)))
        chain = Chain(ledger.meta(), tuple(each.segment for each in made))
    build(tmp_path / shard.ledger, chain, iter([each.content for each in made]))
    assert stored(tmp_path / shard.ledger) == stored(tmp_path / "run" / shard.ledger)


def test_what_is_not_the_ledger_is_refused(tmp_path: Path, records: list[Record]) -> None:
    """A bit flips, an object takes another's place, one is missing, one is of another run."""
    with ledger_of(tmp_path / "run", records) as ledger, ledger_of(tmp_path / "other", records[1:]) as other:
        first, second, third = cuts_of(ledger, (10, 20, len(records)))
        foreign = cut(other, 10, 20, epoch=1)
        meta = ledger.meta()
    flipped = second.content[:-1] + bytes([second.content[-1] ^ 1])
    wrong = [
        ((first, second, third), (first.content, flipped, third.content), "is not the object that was written"),
        ((first, second, third), (first.content, third.content, second.content), "is not the object"),
        ((first, third), (first.content, third.content), "the store has no records 11 to 20"),
        ((first, foreign, third), (first.content, foreign.content, third.content), "does not follow on the records"),
    ]
    for number, (named, contents, said) in enumerate(wrong):
        chain = Chain(meta, tuple(each.segment for each in named))
        with pytest.raises(OutputError, match=said):
            build(tmp_path / f"{number}.sqlite", chain, iter(contents))


def test_segments_are_cut_at_a_size(tmp_path: Path, records: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was away from its store has much to send: many objects of a bounded size, each of one record at
    least."""
    monkeypatch.setattr(segments, "CUT_BYTES", 3000)
    with ledger_of(tmp_path / "run", records) as ledger:
        found: list[LedgerSegment] = []
        while (after := found[-1].last if found else 0) < len(records):
            found.append(cut(ledger, after, len(records), epoch=1).segment)
        whole = cut(ledger, 0, len(records), epoch=1, level=1).segment
    assert len(found) > 3
    assert all(each.size <= 3000 or each.first == each.last for each in found)
    assert (whole.first, whole.last, whole.head) == (1, len(records), found[-1].head)


def test_a_week_of_segments_is_a_short_list() -> None:
    """120,960 commits at one in five seconds, each with news: the head names a few dozen objects, and each record was
    written five times at most."""
    named: list[LedgerSegment] = []
    written = 0
    for number in range(1, 120_961):
        named.append(LedgerSegment("", number, number, "", "", 1))
        written += 1
        while count := mergeable(named):
            whole = LedgerSegment("", named[-count].first, number, "", "", count, named[-1].level + 1)
            written += whole.last - whole.first + 1
            named[-count:] = [whole]
    assert len(named) <= 5 * (FAN_IN - 1)
    assert [each.first for each in named[1:]] == [each.last + 1 for each in named[:-1]]
    assert written <= 5 * 120_960


def test_large_segments_are_left_as_they_are() -> None:
    large = [LedgerSegment("", number, number, "", "", segments.CUT_BYTES) for number in range(1, 40)]
    assert mergeable(large) == 0


def test_whether_a_folder_has_what_the_store_has(tmp_path: Path, records: list[Record]) -> None:
    """The folder that was left behind, one that goes further, an older copy, another run."""
    with ledger_of(tmp_path / "run", records) as ledger, ledger_of(tmp_path / "other", records) as other:
        chain = Chain(ledger.meta(), (cut(ledger, 0, 20, epoch=1).segment,))
        beyond = replace(chain.segments[0], last=len(records) + 1)
        changed = replace(chain.segments[0], head="00" * 16)
        assert has(ledger, chain)
        assert has(ledger, Chain(ledger.meta()))
        assert not has(ledger, replace(chain, segments=(beyond,)))
        assert not has(ledger, replace(chain, segments=(changed,)))
        assert not has(other, chain)
