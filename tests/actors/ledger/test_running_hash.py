"""The ledger's running hash: one head for all records up to it, for any writer and any number of restarts."""

import sqlite3
from hashlib import blake2b
from pathlib import Path

import pytest

from actors.ledger.repair import rewrite
from actors.ledger.sqlite import NAME, LedgerReader, SqliteLedger
from schemas.errors import OutputError
from schemas.ledger import Record, Voided
from schemas.wire import encode_record
from tests.doubles.ledgers import SMALL, MemoryLedger, plausible_run

RUN = list(plausible_run(7, SMALL))


def heads_of(records: list[Record]) -> list[str]:
    """Made by hand: of each record the hash of the head before it and its body."""
    heads = [bytes(16)]
    for record in records:
        heads.append(blake2b(heads[-1] + encode_record(record), digest_size=16).digest())
    return [head.hex() for head in heads]


def test_the_head_of_a_record_is_of_all_before_it(tmp_path: Path) -> None:
    """In one transaction or in many, in one life or in two: the heads are those of the records, in their order."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(RUN[:5])
        ledger.append(RUN[5:6])
    with SqliteLedger(tmp_path) as ledger:
        ledger.append([])
        ledger.append(RUN[6:])
    with LedgerReader(tmp_path) as reader:
        assert [reader.head(seq) for seq in range(len(RUN) + 1)] == heads_of(RUN)
    double = MemoryLedger(RUN)
    assert [double.head(seq) for seq in range(len(RUN) + 1)] == heads_of(RUN)


def test_an_append_that_failed_is_in_no_head(tmp_path: Path) -> None:
    """The disk was full once: what is written after that follows what is there."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(RUN[:5])
        blocker = sqlite3.connect(tmp_path / NAME)
        blocker.execute("INSERT INTO records VALUES (7, 'x', NULL, x'00', x'00')")
        blocker.commit()
        with pytest.raises(OutputError):
            ledger.append(RUN[5:9])
        blocker.execute("DELETE FROM records WHERE seq = 7")
        blocker.commit()
        blocker.close()
        ledger.append(RUN[5:])
    with LedgerReader(tmp_path) as reader:
        assert reader.head(len(RUN)) == heads_of(RUN)[-1]


def test_a_repair_changes_no_head(tmp_path: Path) -> None:
    """What is set aside is kept, byte for byte, and counts as what it was."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(RUN)
    rewrite(tmp_path / NAME, {5: Voided(0.0, "planned", "why", b"as another program encodes it")})
    with LedgerReader(tmp_path) as reader:
        (void,) = (record for _, record in reader.records() if isinstance(record, Voided))
        assert void.body == encode_record(RUN[4])
        assert [body for _, _, body in reader.hashed()] == list(map(encode_record, RUN))
