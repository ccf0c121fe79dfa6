"""Texts that were extracted from files (PDF, HTML …), kept with the run: spans are exact in them, whatever a later
version of a library makes of the same file.

Law: a text is on disk before any of its passages is planned, in a file that is named by its own sha256.
"""

from pathlib import Path

from actors.ledger.door import DOCUMENTS
from actors.ledger.files import LOCAL_DISK, Disk, disk_errors, make_folder, write_atomically
from schemas.corpus import Document


def text_path(output: Path, sha256: str) -> Path:
    """Where the text with this digest is kept."""
    return output / DOCUMENTS / f"{sha256}.txt"


def keep_text(output: Path, document: Document, *, disk: Disk = LOCAL_DISK) -> None:
    """Keeps the text of a document that was extracted. Raises OutputError for errors of the disk."""
    path = text_path(output, document.sha256)
    if document.extractor is None or path.exists():
        return
    with disk_errors(path):
        make_folder(path.parent, disk=disk)
    write_atomically(path, document.text, disk=disk)
