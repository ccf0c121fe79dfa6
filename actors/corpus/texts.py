"""Files and values that are one text each. Law: a text is read whole or refused; half a text is a different text."""

from collections.abc import Iterator

from msgspec.structs import replace

from actors.corpus.files import CorpusFile, Damage, blocks, is_wide, mark
from actors.corpus.foreign import one_line
from actors.corpus.licenses import front_matter_license
from actors.corpus.records import Item, Text, no_records, refused, too_large
from schemas.config import Corpus
from schemas.corpus import RefusalReason


def text_items(source: CorpusFile, config: Corpus) -> Iterator[Item]:
    """The one document of a text file."""
    limit = config.max_document_bytes
    wrong = no_records(source.uri, config)
    if wrong is not None:
        yield wrong
        return
    if source.size is not None and source.size > limit and not source.compressed:
        yield too_large(source.uri, config, f"{source.size:,} bytes: ")
        return
    data = bytearray()
    for block in blocks(source):
        if isinstance(block, Damage):
            where = f", damaged after {len(data):,} bytes" if data else ""
            yield refused(source.uri, RefusalReason.UNREADABLE, f"{block.why}{where}")
            return
        data += block
        if len(data) > limit:
            yield too_large(source.uri, config)
            return
    item = decoded(source.uri, bytes(data), config.encoding)
    yield replace(item, license=front_matter_license(item.text)) if isinstance(item, Text) else item


def decoded(uri: str, data: bytes, encoding: str) -> Item:
    """The text in these bytes, in the encoding of their byte order mark, or else in `encoding`."""
    encoding = mark(data) or encoding
    if not is_wide(encoding) and (nul := data.find(0)) >= 0:
        return refused(uri, RefusalReason.NUL_BYTES, f"a NUL byte at byte {nul}: not a text")
    try:
        return Text(uri=uri, text=data.decode(encoding).removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        return refused(uri, RefusalReason.UNDECODABLE, undecodable(error, 0, encoding))
    except ValueError as error:
        return refused(uri, RefusalReason.UNDECODABLE, f"not {encoding}: {one_line(error)}")


def undecodable(error: UnicodeDecodeError, offset: int, encoding: str) -> str:
    """Says which byte cannot be decoded. `offset`: where these bytes begin in the file."""
    return f"not {encoding}: byte 0x{error.object[error.start]:02x} at byte {offset + error.start} ({error.reason})"
