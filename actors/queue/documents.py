"""The documents that a run knows, and what happens to one that has changed since its passages were planned.

Law: planned passages stay as they are, and no passage of a changed document is paid for again unless the user asks for
it. A document is known by its id; its version is its text and its reference answer. (Its chunker is compared too, but
a chunker that cuts the same passages is no change.)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Literal

from msgspec.structs import replace

from schemas.corpus import Document, DocumentRefused, Passage, RefusalReason, passage_id
from schemas.ids import PassageId

Changed = Literal["skip", "new"]
"""For a changed document: plan nothing, or plan the passages of its new version that are not known."""
_SHA, _TEXT = 32, 40
"""The first bytes of a version: the digest of the text, and the digests of text and reference together."""


class KnownDocuments:
    """The versions of every document with a planned passage, as digests: about 200 bytes a document."""

    def __init__(self) -> None:
        self._versions: dict[bytes, tuple[bytes, ...]] = {}

    def add(self, passage: Passage) -> None:
        """Adds the document of a planned passage."""
        where = passage.provenance
        key = _digest(where.document_id, 16)
        version = _version(where.document_sha256, passage.reference, where.chunker)
        known = self._versions.get(key, ())
        if version not in known:
            self._versions[key] = (*known, version)

    def all(self) -> dict[bytes, tuple[bytes, ...]]:
        """Versions of each document, by a digest of its id."""
        return self._versions


class Comparison:
    """Compares a corpus, as it is read from its start, with the documents that are known."""

    def __init__(self, known: Iterable[Mapping[bytes, tuple[bytes, ...]]], chunker: str, changed: Changed) -> None:
        """`known`: of every shard. `chunker`: its name and version."""
        self._known: dict[bytes, set[bytes]] = {}
        for each in known:
            for key, versions in each.items():
                self._known.setdefault(key, set()).update(versions)
        self._texts = {version[:_TEXT] for versions in self._known.values() for version in versions}
        self._chunker = chunker
        self._changed = changed
        self._shifted: set[str] = set()
        """Files of records without ids in which some record has changed its place or text."""

    def is_known(self, document: Document) -> bool:
        """Whether passages of this very text were planned."""
        version = _version(document.sha256, document.reference, self._chunker)
        return version in self._known.get(_digest(document.id, 16), ())

    def wanted(
        self, document: Document, passages: Iterable[Passage], known: Callable[[Sequence[PassageId]], Sequence[bool]]
    ) -> Iterable[Passage] | DocumentRefused:
        """The passages to plan (known ones may be among them), or why there are none. `known`: says which passages were
        planned."""
        versions = self._known.get(_digest(document.id, 16), set())
        version = _version(document.sha256, document.reference, self._chunker)
        file, _, record = document.uri.partition("#")
        by_place = bool(record) and document.id == document.uri
        if version in versions:
            earlier = {each[:_SHA].hex() for each in versions} - {document.sha256}
            return self._not_paid_for(sorted(earlier), list(passages), known) if earlier else passages
        if any(each[:_TEXT] == version[:_TEXT] for each in versions):
            return self._cut_anew(document, list(passages), known)
        if by_place and version[:_TEXT] in self._texts and (versions or file in self._shifted):
            self._shifted.add(file)
            return _refused(document, "its text was planned as another record (records without ids are named by place)")
        if not versions:
            return passages
        if by_place:
            self._shifted.add(file)
        if self._changed == "skip":
            return _refused(document, "it has changed since it was planned (`--changed new` plans what is new)")
        return self._not_paid_for(sorted({each[:_SHA].hex() for each in versions}), list(passages), known)

    def _cut_anew(
        self, document: Document, passages: list[Passage], known: Callable[[Sequence[PassageId]], Sequence[bool]]
    ) -> Iterable[Passage] | DocumentRefused:
        if self._changed == "skip" and not all(known([passage.id for passage in passages])):
            return _refused(document, f"it is cut differently now, by {self._chunker} (`--changed new` plans that)")
        return passages

    def _not_paid_for(
        self, shas: list[str], passages: list[Passage], known: Callable[[Sequence[PassageId]], Sequence[bool]]
    ) -> Iterable[Passage]:
        """The passages that no earlier version had at the same place with the same text."""
        left = passages
        for sha in shas:
            there = known([_in_version(passage, sha) for passage in left]) if left else ()
            left = [passage for passage, is_known in zip(left, there, strict=True) if not is_known]
        return left


def _in_version(passage: Passage, sha: str) -> PassageId:
    return passage_id(passage.text, replace(passage.provenance, document_sha256=sha), passage.reference)


def _refused(document: Document, why: str) -> DocumentRefused:
    detail = f"{why}; what was planned stays"
    return DocumentRefused(uri=document.uri, reason=RefusalReason.CHANGED, detail=detail)


def _version(sha256: str, reference: str | None, chunker: str) -> bytes:
    text = bytes.fromhex(sha256) + _digest("" if reference is None else f"={reference}", _TEXT - _SHA)
    return text + _digest(chunker, 8)


def _digest(text: str, size: int) -> bytes:
    return blake2b(text.encode(), digest_size=size).digest()
