"""Documents and passages: the text that samples come from, with its exact provenance."""

from enum import Enum

from msgspec import Struct

from schemas.ids import DocumentId, PassageId, content_id


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """One text of the corpus as it was read. `sha256` is of its UTF-8 bytes."""

    id: DocumentId
    uri: str
    """Where it was read: a file's uri, with `#record=N` (from 0) for the N-th record of a file of records."""
    sha256: str
    text: str


class Provenance(Struct, frozen=True):
    """The exact place of a passage: `document.text[start:end]`, in characters (Unicode code points)."""

    uri: str
    document_id: DocumentId
    document_sha256: str
    start: int
    end: int
    chunker: str
    """Name and version of what cut it."""


class Passage(Struct, frozen=True):
    """A span of a document. Law: `text == document.text[provenance.start:provenance.end]`."""

    id: PassageId
    text: str
    provenance: Provenance

    @staticmethod
    def of(text: str, provenance: Provenance) -> "Passage":
        """A passage with the id that its content and place give it."""
        return Passage(id=passage_id(text, provenance), text=text, provenance=provenance)


def passage_id(text: str, provenance: Provenance) -> PassageId:
    """The id of a passage: changes with its text, its document and its span; not with the folder it was read from."""
    where = provenance
    return PassageId(content_id("passage", where.document_id, where.document_sha256, where.start, where.end, text))


class RefusalReason(Enum):
    """Why a document of the corpus could not be used."""

    UNREADABLE = "unreadable"
    UNDECODABLE = "undecodable"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NUL_BYTES = "nul_bytes"
    BAD_RECORD = "bad_record"
    DUPLICATE_ID = "duplicate_id"


class DocumentRefused(Struct, frozen=True, tag=True):
    """A document that was dead-lettered at the door: the rest of the corpus goes on."""

    uri: str
    reason: RefusalReason
    detail: str
