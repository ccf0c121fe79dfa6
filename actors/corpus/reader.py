"""Law: every file, and every record of a file, comes out exactly once: as a Document, or as a DocumentRefused.

Reading is lazy, so a corpus may be larger than memory: only a 16-byte digest of each document's id is kept. Order and
uris depend only on the configuration and the names of the files.
"""

from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import closing
from hashlib import blake2b, sha256
from itertools import chain
from pathlib import Path

from actors.corpus.empty import numbered
from actors.corpus.extract.child import ExtractingReader
from actors.corpus.files import CorpusFile, Found, Skipped
from actors.corpus.formats import NONE, is_text_encoding, items
from actors.corpus.licenses import license_of
from actors.corpus.own import Reader
from actors.corpus.records import Item, Text, too_large
from actors.corpus.sources import sources
from schemas.config import Corpus
from schemas.corpus import Document, DocumentRefused, RefusalReason
from schemas.errors import CorpusError
from schemas.ids import DocumentId


def read(
    config: Corpus,
    base: Path | None = None,
    skipped: Skipped | None = None,
    own: Mapping[str, Reader] = NONE,
) -> Iterator[Document | DocumentRefused]:
    """The corpus, lazily. Relative paths begin at `base`, else at `config.base`. `skipped` counts files of folders that
    are not read, up to the point that reading has reached. `own`: the readers that `config.readers` names.

    Raises `CorpusError` at once (not at the first document) when a path does not exist, cannot be opened or holds no
    file that `include` matches.
    """
    if config.none is not None:
        return numbered(config.none)
    return _unique(_each_file(_sources(config, base, skipped), config, own))


def documents(
    uris: Collection[str], config: Corpus, base: Path | None = None, own: Mapping[str, Reader] = NONE
) -> Iterator[Document]:
    """The documents with these uris, read again in one pass. Documents that are gone or refused by now are left out,
    and those of a configured reader that is not in `own`.

    Raises `CorpusError` as `read` does.
    """
    wanted = set(uris)
    if config.none is not None:
        yield from (document for document in numbered(config.none) if document.uri in wanted)
        return
    files = {uri.split("#", 1)[0] for uri in wanted}
    found = (each for each in _sources(config, base) if each.uri in files)
    with closing(_each_file(found, config, own)) as each_file:
        for document in chain.from_iterable(each_file):
            if isinstance(document, Document) and document.uri in wanted:
                wanted.remove(document.uri)
                yield document


def document_text(uri: str, config: Corpus, base: Path | None = None) -> str | None:
    """The text of one document; None when it is gone. For many documents, `documents` reads the corpus only once."""
    return next((document.text for document in documents([uri], config, base)), None)


def _sources(config: Corpus, base: Path | None, skipped: Skipped | None = None) -> Iterator[Found]:
    if not is_text_encoding(config.encoding):
        raise CorpusError(f"corpus.encoding: {config.encoding!r} is not a text encoding; 'utf-8' is the usual one")
    return sources(config, Path(config.base or ".") if base is None else base, skipped)


def _each_file(
    found: Iterator[Found], config: Corpus, own: Mapping[str, Reader]
) -> Generator[Iterator[Document | DocumentRefused], None, None]:
    """The documents of each file. One process extracts the texts of all that are no texts."""
    with closing(ExtractingReader()) as extract:
        for each in found:
            if isinstance(each, CorpusFile):
                yield (_checked(item, config) for item in items(each, config, extract, own))
            else:
                yield iter((each,))


def _checked(item: Item, config: Corpus) -> Document | DocumentRefused:
    if isinstance(item, DocumentRefused):
        return item
    if not item.text.strip():
        return _refused(item, RefusalReason.EMPTY, "nothing but white space" if item.text else "empty")
    if (nul := item.text.find("\0")) >= 0:
        return _refused(item, RefusalReason.NUL_BYTES, f"a NUL character at character {nul}")
    try:
        data = item.text.encode()
        name = (item.id or item.uri).encode().decode()
        answer = (item.reference or "").encode()
    except UnicodeEncodeError as error:
        detail = f"half a surrogate pair at character {error.start}: no valid Unicode text"
        return _refused(item, RefusalReason.UNDECODABLE, detail)
    if max(len(data), len(answer)) > config.max_document_bytes:
        return too_large(item.uri, config, item.where)
    digest = sha256(data).hexdigest()
    return Document(
        id=DocumentId(name),
        uri=item.uri,
        sha256=digest,
        text=item.text,
        reference=item.reference,
        whole=config.columns is not None,
        places=item.places,
        license=item.license or license_of(item.uri, config),
        extractor=item.extractor,
        form=item.form,
    )


def _refused(item: Text, reason: RefusalReason, detail: str) -> DocumentRefused:
    return DocumentRefused(uri=item.uri, reason=reason, detail=item.where + detail)


def _unique(
    files: Generator[Iterator[Document | DocumentRefused], None, None],
) -> Iterator[Document | DocumentRefused]:
    seen: set[bytes] = set()
    with closing(files):
        for document in chain.from_iterable(files):
            if isinstance(document, Document):
                digest = blake2b(document.id.encode(), digest_size=16).digest()
                if digest in seen:
                    detail = f"the id {document.id[:100]!r} was already used by an earlier document"
                    document = DocumentRefused(uri=document.uri, reason=RefusalReason.DUPLICATE_ID, detail=detail)
                else:
                    seen.add(digest)
            yield document
