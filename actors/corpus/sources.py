"""Where documents lie: every file that the configuration names, in one order, under names that do not change.

A source's uri is the path as configured joined with the file's name below it, so it stays the same when the whole
folder moves. `%`, `#`, control characters and undecodable bytes in file names are percent-encoded: a uri is one
printable line, and its only `#` is the one of `#record=N`. Each folder is read once, so links in circles end.
"""

import os
import stat
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from schemas.config import Corpus
from schemas.corpus import DocumentRefused, RefusalReason
from schemas.errors import CorpusError

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}


class Source(Struct, frozen=True):
    """One file. `open` gives its bytes, decompressed; `size` is of the bytes stored, where known."""

    uri: str
    open: Callable[[], BinaryIO]
    size: int | None
    compressed: bool


Found = Source | DocumentRefused


def sources(config: Corpus, base: Path) -> Iterator[Found]:
    """Every file of the corpus. Raises `CorpusError` at once when a path does not exist or holds nothing to read."""
    for path in config.paths:
        if next(_under(path, config, base), None) is None:
            raise CorpusError(_nothing_matches(path, config, base))
    return (found for path in config.paths for found in _under(path, config, base))


def uri_of(name: str) -> str:
    """A file name as it stands in a uri."""
    if name.isprintable() and name.isascii() and "%" not in name and "#" not in name:
        return name
    return "".join(_quoted(character) for character in name)


def _quoted(character: str) -> str:
    if character.isprintable() and character not in "%#":
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))


def is_remote(path: str) -> bool:
    """Whether a configured path is a uri for fsspec, not a local path."""
    return "://" in path


def local_path(path: str, base: Path) -> Path:
    """A configured path on this machine; relative ones begin at `base`."""
    return base / os.path.expanduser(path)


def _under(path: str, config: Corpus, base: Path) -> Iterator[Found]:
    return _remote(path, config) if is_remote(path) else _local(path, config, base)


def _matches(relative: str, patterns: tuple[str, ...]) -> bool:
    """As in the shell: `*` leaves dot files out; a pattern with a slash is matched to the path below the folder."""
    name = relative.rsplit("/", 1)[-1]
    return any(
        fnmatchcase(relative if "/" in pattern else name, pattern) and (name[0] != "." or pattern[0] == ".")
        for pattern in patterns
        if pattern
    )


# Local files


def _local(path: str, config: Corpus, base: Path) -> Iterator[Found]:
    root = local_path(path, base)
    uri = uri_of(os.path.normpath(path))
    if root.is_dir():
        yield from _folder(root, "" if uri == "." else uri.rstrip("/") + "/", config.include)
    elif os.path.lexists(root):
        yield _file(root, uri)
    else:
        raise CorpusError(_missing(path, root))


def _folder(root: Path, prefix: str, patterns: tuple[str, ...]) -> Iterator[Found]:
    seen: set[tuple[int, int]] = set()
    left = [""]
    while left:
        relative = left.pop()
        path = os.path.join(root, relative)
        if not os.path.isdir(path):
            if _matches(relative, patterns):
                yield _file(Path(path), prefix + uri_of(relative))
            continue
        try:
            here = os.stat(path)
            names = sorted(os.listdir(path), key=os.fsencode, reverse=True)
        except OSError as error:
            yield _unreadable(prefix + uri_of(relative), error)
            continue
        if (here.st_dev, here.st_ino) not in seen:
            seen.add((here.st_dev, here.st_ino))
            left += (os.path.join(relative, name) for name in names if not _hidden_folder(os.path.join(path, name)))


def _hidden_folder(path: str) -> bool:
    return os.path.basename(path).startswith(".") and os.path.isdir(path)


def _file(path: Path, uri: str) -> Found:
    try:
        facts = path.stat()
    except OSError as error:
        return _unreadable(uri, error)
    if not stat.S_ISREG(facts.st_mode):
        return DocumentRefused(uri=uri, reason=RefusalReason.UNREADABLE, detail="not a regular file")
    compression = COMPRESSIONS.get(path.suffix)
    return Source(
        uri=uri,
        open=lambda: _open_local(path, compression),
        size=facts.st_size,
        compressed=compression is not None,
    )


def _open_local(path: Path, compression: str | None) -> BinaryIO:
    plain = path.open("rb")
    if compression is None:
        return plain
    try:
        return _decompressed(plain, compression)
    except BaseException:
        plain.close()
        raise


# Anything that fsspec opens


def _remote(path: str, config: Corpus) -> Iterator[Found]:
    filesystem, root = _filesystem(path)
    try:
        is_folder, is_file = filesystem.isdir(root), filesystem.isfile(root)
    except (OSError, ValueError) as error:
        raise CorpusError(f"corpus.paths: {path} cannot be opened: {one_line(error)}") from error
    prefix = path.rstrip("/") + "/"
    if is_file:
        yield _remote_file(filesystem, root, path, None)
    elif is_folder:
        yield from _remote_folder(filesystem, root, root, prefix, config.include)
    else:
        raise CorpusError(f"corpus.paths: {path} does not exist")


def _filesystem(path: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs  # loads its backends lazily; a local corpus needs none of it
    from fsspec.registry import known_implementations

    protocol = path.split("://", 1)[0]
    try:
        return url_to_fs(path)
    except (ValueError, ImportError, OSError) as error:
        if protocol not in known_implementations:
            near = get_close_matches(protocol, known_implementations, n=1)
            hint = f"; did you mean '{near[0]}://'?" if near else ""
            raise CorpusError(f"corpus.paths: {path}: no file system is known as '{protocol}://'{hint}") from error
        raise CorpusError(f"corpus.paths: {path} cannot be opened: {one_line(error)}") from error


def _remote_folder(filesystem: Any, folder: str, root: str, prefix: str, patterns: tuple[str, ...]) -> Iterator[Found]:
    try:
        entries = sorted(filesystem.ls(folder, detail=True), key=lambda entry: entry["name"])
    except OSError as error:
        yield _unreadable(prefix + uri_of(folder[len(root) :].strip("/")), error)
        return
    for entry in entries:
        name = entry["name"].rstrip("/")
        relative = name[len(root.rstrip("/")) :].lstrip("/")
        if not relative or name == folder.rstrip("/"):
            continue  # some object stores list a folder inside itself
        if entry["type"] == "directory":
            if not relative.rsplit("/", 1)[-1].startswith("."):
                yield from _remote_folder(filesystem, name, root, prefix, patterns)
        elif _matches(relative, patterns):
            yield _remote_file(filesystem, name, prefix + uri_of(relative), entry.get("size"))


def _remote_file(filesystem: Any, name: str, uri: str, size: int | None) -> Source:
    compression = COMPRESSIONS.get(Path(name).suffix)

    def opened() -> BinaryIO:
        plain = filesystem.open(name, "rb")
        return plain if compression is None else _decompressed(plain, compression)

    return Source(uri=uri, open=opened, size=size, compressed=compression is not None)


def _decompressed(plain: BinaryIO, compression: str) -> BinaryIO:
    from fsspec.compression import compr

    if compression not in compr:
        raise OSError(f"{compression} compression needs a package that is not installed")
    return compr[compression](plain, mode="rb")


# Messages


def _unreadable(uri: str, error: Exception) -> DocumentRefused:
    return DocumentRefused(uri=uri, reason=RefusalReason.UNREADABLE, detail=one_line(error))


def one_line(error: Exception) -> str:
    """What a foreign error says, in one line of at most 300 characters."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(reason).split())[:300]


def _missing(path: str, root: Path) -> str:
    existing = root
    while not existing.is_dir() and existing != existing.parent:
        existing = existing.parent
    gone = root.relative_to(existing).parts[0] if root != existing else root.name
    try:
        near = get_close_matches(gone, sorted(os.listdir(existing)), n=1)
    except OSError:
        near = []
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"corpus.paths: {path} does not exist: there is no '{gone}' in {existing}{hint}"


def _nothing_matches(path: str, config: Corpus, base: Path) -> str:
    seen = ""
    if not is_remote(path):
        for _, _, files in os.walk(local_path(path, base)):
            if files:
                seen = f"; it holds, for example, '{uri_of(min(files))}'"
                break
    patterns = ", ".join(config.include)
    return f"corpus.paths: no file in {path} matches corpus.include ({patterns}){seen}"
