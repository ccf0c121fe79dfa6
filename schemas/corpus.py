"""Documents and passages: the text that samples come from, with its exact provenance."""

from bisect import bisect_left, bisect_right
from enum import Enum
from typing import Literal

from msgspec import Struct

from schemas.ids import DocumentId, PassageId, content_id

Form = Literal["plain", "markdown"]
"""How a text shows its headings, tables and code: not at all, or as Markdown does."""


class Places(Struct, frozen=True):
    """The numbered parts of a file (pages, chapters, rows …) in the text that was read from it, in rising order."""

    unit: str
    """One of them, in a word: `page`."""
    starts: tuple[int, ...]
    """Where each begins, in characters."""
    numbers: tuple[int, ...]
    """The number of each in its file, from 1. Parts without a text are left out."""

    def within(self, start: int, end: int) -> str | None:
        """The parts that a span lies in, in words: `page 3`, `pages 3–4`. None before the first part."""
        if not self.starts or start < self.starts[0]:
            return None
        first = self.numbers[bisect_right(self.starts, start) - 1]
        last = self.numbers[max(bisect_left(self.starts, end), 1) - 1]
        return f"{self.unit} {first}" if last <= first else f"{self.unit}s {first}–{last}"


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
    places: Places | None = None
    license: str | None = None
    """The licence or the terms that the document or the configuration states, as stated."""
    extractor: str | None = None
    """Name and version of the code that made the text from a file of another kind (PDF, HTML …); None when the text is
    in the file itself."""
    form: Form | None = None
    """None: what the file's suffix says."""


class Provenance(Struct, frozen=True, omit_defaults=True):
    """The exact place of a passage: `document.text[start:end]`, in characters (Unicode code points)."""

    uri: str
    document_id: DocumentId
    document_sha256: str
    start: int
    end: int
    chunker: str
    """Name and version of the chunker."""
    place: str | None = None
    """The pages, chapters or rows that it lies in, in words, where the file's format numbers them."""
    license: str | None = None
    """The document's licence or terms, as stated."""
    extractor: str | None = None
    """What made the document's text from its file; None when the text is in the file itself."""


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
    UNFIT = "unfit"
    """The task can make nothing of it: of a script that makes no database, say."""


class DocumentRefused(Struct, frozen=True, tag=True):
    """A document that could not be used, with the reason. The rest of the corpus is read on."""

    uri: str
    reason: RefusalReason
    detail: str
