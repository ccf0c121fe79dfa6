"""Documents that could not be used, and those of them that a later reading of the corpus could use.

Law: a refusal is over when the corpus was read to its end, the document was read, and it was not refused again for that
reason. A document that is gone from the corpus stays refused. The row of a refusal in the dead letters is kept.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from schemas.corpus import Document, DocumentRefused, RefusalReason
from schemas.ledger import CorpusEnded, Record, Refused
from schemas.progress import RefusalCount

Key = tuple[str, RefusalReason]


class Refusals:
    """The refusals that hold, each counted once. It gets every record in order."""

    def __init__(self) -> None:
        self._standing: dict[Key, DocumentRefused] = {}
        self._counts: dict[RefusalReason, RefusalCount] = {}
        self.read_again = 0
        """Refusals that are over."""

    def __len__(self) -> int:
        return len(self._standing)

    def __contains__(self, document: DocumentRefused) -> bool:
        return _key(document) in self._standing

    def apply(self, record: Record) -> None:
        """Counts one record."""
        match record:
            case Refused():
                self._add(record.document)
            case CorpusEnded():
                over = [document for document in record.read_again if document in self]
                for document in over:
                    del self._standing[_key(document)]
                self.read_again += len(over)
                for reason in {document.reason for document in over}:
                    self._count_again(reason)
            case _:
                pass

    def all(self) -> tuple[DocumentRefused, ...]:
        """The refusals that hold, the oldest first."""
        return tuple(self._standing.values())

    def counts(self) -> tuple[RefusalCount, ...]:
        """Counts by reason, with the first document of each."""
        return tuple(self._counts.values())

    def _add(self, document: DocumentRefused) -> None:
        if document in self:
            return
        self._standing[_key(document)] = document
        first = self._counts.get(document.reason)
        self._counts[document.reason] = (
            RefusalCount(document.reason, 1, document.uri, document.detail)
            if first is None
            else replace(first, documents=first.documents + 1)
        )

    def _count_again(self, reason: RefusalReason) -> None:
        left = [document for document in self._standing.values() if document.reason is reason]
        if left:
            self._counts[reason] = RefusalCount(reason, len(left), left[0].uri, left[0].detail)
        else:
            del self._counts[reason]


class Rereading:
    """One reading of the corpus from its start, compared with the refusals of earlier ones."""

    def __init__(self, earlier: Iterable[DocumentRefused]) -> None:
        self._earlier = {_key(document): document for document in earlier}
        self._names = {document.uri for document in self._earlier.values()}
        self._read: set[str] = set()

    def refused(self, document: DocumentRefused) -> None:
        """The document is refused, again or for the first time."""
        self._earlier.pop(_key(document), None)

    def read(self, document: Document) -> None:
        """The document could be read, and so could its file."""
        self._read |= self._names & {document.uri, document.uri.partition("#")[0]}

    def over(self) -> tuple[DocumentRefused, ...]:
        """The earlier refusals that are over; call it at the end of the corpus."""
        return tuple(document for document in self._earlier.values() if document.uri in self._read)


def _key(document: DocumentRefused) -> Key:
    return document.uri, document.reason
