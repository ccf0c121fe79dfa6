"""The committed files: `python -m tests.oracle.reference` writes them anew. That is for a declared change of what the
product makes, and the commit says which."""

import tempfile
from pathlib import Path

import msgspec

from tests.oracle.life import run
from tests.oracle.reading import Reference, reference_of
from tests.oracle.worlds import WORLDS

FOLDER = Path(__file__).parent


def path_of(world: str) -> Path:
    """Where a world's reference is kept."""
    return FOLDER / f"{world}.json"


def read(world: str) -> Reference:
    """A world's reference."""
    return msgspec.json.decode(path_of(world).read_bytes(), type=Reference)


def encode(reference: Reference) -> bytes:
    """As it is committed."""
    return msgspec.json.format(msgspec.json.encode(reference), indent=1) + b"\n"


def main() -> None:
    for world in WORLDS:
        with tempfile.TemporaryDirectory() as scratch:
            output = Path(scratch) / "run"
            run(world, output)
            path_of(world).write_bytes(encode(reference_of(world, output, Path(scratch))))


if __name__ == "__main__":
    main()
