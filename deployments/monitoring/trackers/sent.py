"""How far the traces of each ledger were sent: a small file of the run's folder.

Law: it says that a trace was sent only after the collector took it. It is no record: when it is lost or unreadable, all
traces are sent again, under the same ids.
"""

import logging
from pathlib import Path

import msgspec

from actors.ledger.door import TRACKERS, read_regular
from actors.ledger.files import LocalDisk, disk_errors, make_folder, write_atomically
from schemas.errors import OutputError

log = logging.getLogger("gleaner.run")
LARGEST = 1 << 20
"""In bytes. A larger file is not ours."""
_DECODER = msgspec.json.Decoder(dict[str, int])


class SentTraces:
    """The last sequence number of each ledger whose traces a collector has, by the ledger's name."""

    def __init__(self, output: Path, endpoint: str) -> None:
        """`endpoint`: another collector has none of them."""
        self._path = output / TRACKERS / "otel.json"
        self._disk = LocalDisk()
        self._endpoint = endpoint
        self._upto = self._read()

    def upto(self, ledger: str) -> int:
        return self._upto.get(self._key(ledger), 0)

    def note(self, ledger: str, seq: int) -> None:
        """Everything up to there was taken. Raises OutputError when the disk refuses."""
        if seq == self.upto(ledger):
            return
        self._upto[self._key(ledger)] = seq
        with disk_errors(self._path):
            make_folder(self._path.parent, disk=self._disk)
        write_atomically(self._path, msgspec.json.encode(self._upto), disk=self._disk)

    def _key(self, ledger: str) -> str:
        return f"{ledger} {self._endpoint}"

    def _read(self) -> dict[str, int]:
        try:
            return _DECODER.decode(read_regular(self._path, LARGEST))
        except FileNotFoundError:
            return {}
        except (OutputError, OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("all traces are sent again", extra={"file": str(self._path), "why": str(error)})
            return {}
