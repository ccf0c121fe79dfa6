"""What the corpus reader asks the extracting process, and what it answers. Both are msgpack."""

from collections.abc import Sequence

from msgspec import Struct

from schemas.corpus import Form, Places, RefusalReason


class Limits(Struct, frozen=True):
    """Limits of the process: MiB of address space, and seconds of processor time for one file."""

    memory_mib: int
    time_s: float


class FileAsked(Struct, frozen=True):
    """A file whose text is wanted. Its bytes follow, in pieces."""

    suffix: str
    most_characters: int
    encoding: str


class Extracted(Struct, frozen=True, tag="extracted"):
    """The text of a file. `unread`: what of the file has no text, in words, from part number `unread_from` on."""

    text: str
    places: Places
    form: Form
    extractor: str
    license: str | None = None
    unread: str | None = None
    unread_from: int = 1


class Unusable(Struct, frozen=True, tag="unusable"):
    """Why the file gives no text, in one line."""

    reason: RefusalReason
    detail: str


ExtractReply = Extracted | Unusable
_LISTED = 5


class NoText(Exception):
    """A file gives no text. Raised inside the process only."""

    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def unreadable(detail: str) -> NoText:
    """A file that is not what its suffix says, is damaged, or is locked."""
    return NoText(RefusalReason.UNREADABLE, detail)


def oversized(detail: str) -> NoText:
    """A file, or a part of it, that unfolds to more than is read."""
    return NoText(RefusalReason.TOO_LARGE, detail)


def listed(numbers: Sequence[int]) -> str:
    """The first of some numbers, and how many more there are."""
    more = f" and {len(numbers) - _LISTED:,} more" if len(numbers) > _LISTED else ""
    return f"{', '.join(map(str, numbers[:_LISTED]))}{more}"
