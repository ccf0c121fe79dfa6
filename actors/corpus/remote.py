"""Files of any fsspec file system: object stores, web servers, archives. They come in the order of a local folder's."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO

from actors.corpus.files import CorpusFile, Found, Selection, unpacked
from actors.corpus.foreign import error_line, one_line
from actors.corpus.names import name_parts, uri_of
from schemas.corpus import DocumentRefused, RefusalReason
from schemas.errors import CorpusError


def local_root(path: str) -> Path | None:
    """The local path that a `file://` uri names; None for any other protocol."""
    protocol, _, name = path.partition("://")
    return Path(name) if protocol in ("file", "local") and name.startswith("/") else None


def remote(path: str, selection: Selection) -> Iterator[Found]:
    """The files at or below a uri. Raises `CorpusError` when the uri cannot be opened or does not exist."""
    filesystem, root = _filesystem(path)
    try:
        is_folder, is_file = filesystem.isdir(root), filesystem.isfile(root)
    except (OSError, ValueError) as error:
        raise CorpusError(f"corpus.paths: {path} cannot be opened: {one_line(error)}") from error
    if is_file:
        yield _file(filesystem, root, path, None)
    elif is_folder:
        yield from _folder(filesystem, root, root, path.rstrip("/") + "/", selection)
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


def _folder(filesystem: Any, folder: str, root: str, prefix: str, selection: Selection) -> Iterator[Found]:
    try:
        entries = sorted(filesystem.ls(folder, detail=True), key=lambda entry: entry["name"])
    except Exception as error:  # noqa: BLE001 - any server's error; `error_line` logs unknown ones
        uri = prefix + uri_of(folder[len(root) :].strip("/"))
        yield DocumentRefused(uri=uri, reason=RefusalReason.UNREADABLE, detail=error_line(error, uri))
        return
    for entry in entries:
        name = entry["name"].rstrip("/")
        relative = name[len(root.rstrip("/")) :].lstrip("/")
        if not relative or name == folder.rstrip("/"):
            continue  # some object stores list a folder inside itself
        if entry["type"] == "directory":
            if not relative.rsplit("/", 1)[-1].startswith("."):
                yield from _folder(filesystem, name, root, prefix, selection)
        elif selection.takes(relative):
            yield _file(filesystem, name, prefix + uri_of(relative), entry.get("size"))


def _file(filesystem: Any, name: str, uri: str, size: int | None) -> CorpusFile:
    suffix, compression = name_parts(name)

    def opened() -> BinaryIO:
        return unpacked(filesystem.open(name, "rb"), compression)

    return CorpusFile(uri=uri, suffix=suffix, open=opened, size=size, compressed=compression is not None)
