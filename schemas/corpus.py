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
    reference: str | None = None
    """The reference answer of a problem, where the corpus has one (`corpus.answer_field`); `text` is the problem."""


class Provenance(Struct, frozen=True):
    """The exact place of a passage: `document.text[start:end]`, in characters (Unicode code points)."""

    uri: str
    document_id: DocumentId
    document_sha256: str
    start: int
    end: int
    chunker: str
    """Name and version of what cut it."""


class Passage(Struct, frozen=True, omit_defaults=True):
    """A span of a document. Law: `text == document.text[provenance.start:provenance.end]`.

    A problem is a passage with a `reference` answer, which is the document's and is never shown to a generator.
    """

    id: PassageId
    text: str
    provenance: Provenance
    reference: str | None = None

    @staticmethod
    def of(text: str, provenance: Provenance, reference: str | None = None) -> "Passage":
        """A passage with the id that its content and place give it."""
        return Passage(passage_id(text, provenance, reference), text, provenance, reference)


def passage_id(text: str, provenance: Provenance, reference: str | None = None) -> PassageId:
    """The id of a passage: changes with its text, its document, its span and its reference answer; not with the folder
    it was read from."""
    where = provenance
    answered = () if reference is None else (reference,)
    parts = (where.document_id, where.document_sha256, where.start, where.end, text, *answered)
    return PassageId(content_id("passage", *parts))


class RefusalReason(Enum):
    """Why a document of the corpus could not be used."""

    UNREADABLE = "unreadable"
    UNDECODABLE = "undecodable"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NUL_BYTES = "nul_bytes"
    BAD_RECORD = "bad_record"
    DUPLICATE_ID = "duplicate_id"
    UNKNOWN_FORMAT = "unknown_format"
    LEADS_OUT = "leads_out"
    """A link to a place outside the corpus."""
    CHANGED = "changed"
    """It is no longer what it was when its passages were planned."""


class DocumentRefused(Struct, frozen=True, tag=True):
    """A document that was dead-lettered at the door: the rest of the corpus goes on."""

    uri: str
    reason: RefusalReason
    detail: str
