"""Documents and passages: the text that samples come from, with its exact provenance."""

from enum import Enum

from msgspec import Struct

from schemas.ids import DocumentId, PassageId, content_id


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """One text of the corpus as it was read. `sha256` is of its UTF-8 bytes."""

    id: DocumentId
    uri: str
    """The file's uri, with `#record=N` (from 0) for one record of a file of records."""
    sha256: str
    text: str
    reference: str | None = None
    """The reference answer of a problem, if the corpus has one (`corpus.answer_field`); `text` is the problem."""
    whole: bool = False
    """It is one passage, whatever its length: a row of columns."""


class Provenance(Struct, frozen=True):
    """The exact place of a passage: `document.text[start:end]`, in characters (Unicode code points)."""

    uri: str
    document_id: DocumentId
    document_sha256: str
    start: int
    end: int
    chunker: str
    """Name and version of the chunker."""


class Passage(Struct, frozen=True, omit_defaults=True):
    """A span of a document. Law: `text == document.text[provenance.start:provenance.end]`.

    A problem is a passage with a `reference` answer, taken from its document. No generator ever sees the reference.
    """

    id: PassageId
    text: str
    provenance: Provenance
    reference: str | None = None

    @staticmethod
    def of(text: str, provenance: Provenance, reference: str | None = None) -> "Passage":
        """A passage with the id that follows from its content and place."""
        return Passage(passage_id(text, provenance, reference), text, provenance, reference)


def passage_id(text: str, provenance: Provenance, reference: str | None = None) -> PassageId:
    """The id of a passage. It depends on the text, the document, the span and the reference answer, and not on the
    folder that was read."""
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
    """A link that leads out of the corpus."""
    CHANGED = "changed"
    """The document has changed since its passages were planned."""


class DocumentRefused(Struct, frozen=True, tag=True):
    """A document that could not be used, with the reason. The rest of the corpus is read on."""

    uri: str
    reason: RefusalReason
    detail: str
