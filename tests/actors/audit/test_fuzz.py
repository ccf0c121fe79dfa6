"""A finished folder under random damage, each of one seed: SCHEDULES=10000 for so many, 300 else. None passes `verify`.

Damage is a byte, a piece or a whole file of what checksums.txt names, that list itself, or a record of the ledger.
"""

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from actors.dataset.manifest import CHECKSUMS_NAME
from actors.dataset.manifest import NAME as MANIFEST_NAME
from actors.ledger.sqlite import NAME
from schemas.errors import OutputError
from tests.actors.audit.test_fold import Run
from tests.actors.dataset.test_finish import CONFIG

pytestmark = pytest.mark.slow

SCHEDULES = int(os.environ.get("SCHEDULES", "300"))
BLOCK = 50
UNFINISHED = {f"{CHECKSUMS_NAME} removed", f"{MANIFEST_NAME} removed"}
"""So does a process leave a folder that dies while it finishes: told, and no fault."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Run(tmp_path_factory.mktemp("whole"))
    (made.output / "run.yaml").write_text(CONFIG.replace("/models/almanac", "almanac"))
    asyncio.run(made.write())
    assert made.verify().ok
    return made.output


@pytest.mark.parametrize("first", range(0, SCHEDULES, BLOCK))
def test_no_damage_passes(whole: Path, tmp_path: Path, first: int) -> None:
    """Whatever was changed, `verify` says that the folder is not what the run left, or refuses it."""
    for seed in range(first, min(first + BLOCK, SCHEDULES)):
        run = Run(Path(shutil.copytree(whole, tmp_path / str(seed))))
        done = damage(run.output, Random(seed))
        try:
            report = run.verify()
        except OutputError:  # refused at the door, in one line
            shutil.rmtree(run.output)
            continue
        assert report.findings, f"seed {seed}: {done}"
        assert not report.ok or done in UNFINISHED, f"seed {seed}: {done}"
        shutil.rmtree(run.output)


def damage(output: Path, random: Random) -> str:
    """Does one thing, and says what."""
    listed = [line.partition("  ")[2] for line in (output / CHECKSUMS_NAME).read_text().splitlines()]
    files = [*filter(None, listed), CHECKSUMS_NAME]
    if random.random() < 0.5:
        return _to_a_record(output / NAME, random)
    return _to_a_file(output / random.choice(files), random)


def _to_a_file(path: Path, random: Random) -> str:
    data = bytearray(path.read_bytes())
    at = random.randrange(len(data))
    kind = random.choice(["flip", "cut", "drop a piece", "repeat a piece", "remove"])
    match kind:
        case "flip":
            data[at] ^= 1 << random.randrange(8)
        case "cut":
            del data[at:]
        case "drop a piece":
            del data[at : at + random.randint(1, 100)]
        case "repeat a piece":
            data[at:at] = data[at : at + random.randint(1, 100)]
        case _:
            path.unlink()
            return f"{path.name} removed"
    path.write_bytes(data)
    return f"{path.name}: {kind} at {at}"


def _to_a_record(path: Path, random: Random) -> str:
    with closing(sqlite3.connect(path)) as database, database:
        last = database.execute("SELECT max(seq) FROM records").fetchone()[0]
        seq = random.randint(1, last)
        kind = random.choice(["flip a bit", "flip its head", "delete", "cut from", "replace by another", "move"])
        match kind:
            case "flip a bit" | "flip its head":
                column = "body" if kind == "flip a bit" else "head"
                data = bytearray(database.execute(f"SELECT {column} FROM records WHERE seq = ?", (seq,)).fetchone()[0])
                data[random.randrange(len(data))] ^= 1 << random.randrange(8)
                database.execute(f"UPDATE records SET {column} = ? WHERE seq = ?", (bytes(data), seq))
            case "delete":
                database.execute("DELETE FROM records WHERE seq = ?", (seq,))
            case "cut from":
                database.execute("DELETE FROM records WHERE seq >= ?", (seq,))
            case "replace by another":
                other = seq % last + 1
                database.execute(
                    "UPDATE records SET (kind, order_id, body) = "
                    "(SELECT kind, order_id, body FROM records WHERE seq = ?) WHERE seq = ?",
                    (other, seq),
                )
            case _:
                database.execute("UPDATE records SET seq = ? WHERE seq = ?", (last + random.randint(1, 9), seq))
                if seq == last:
                    database.execute("DELETE FROM records WHERE seq > ?", (last,))
    return f"record {seq}: {kind}"
