"""Lists the corpus's files: every file that the configuration names, in one order, under names that do not change.

A source's uri is the configured path joined with the file's path below it, so it stays the same when the whole folder
moves. `%`, `#`, control characters and undecodable bytes in file names are percent-encoded: a uri is one printable
line, and its only `#` is the one of `#record=N`. Each local folder is read once, so circular links end. A link out of
the configured folder is followed only where `corpus.links` allows it.
"""

import os
import re
import stat
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from actors.corpus.extract.child import is_missing
from actors.corpus.files import CorpusFile, Found, Selection, Skipped, unpacked
from actors.corpus.foreign import one_line
from actors.corpus.names import EXTRACTED, KNOWN, is_remote, name_parts, uri_of
from schemas.config import Corpus
from schemas.corpus import DocumentRefused, RefusalReason
from schemas.errors import CorpusError

_SECRET = re.compile(
    r"[?&;](?=[^?=&;]*(?:signature|\bsig\b|token|key|secret|credential|passw|pwd|auth|bearer))[^?=&;]+=", re.IGNORECASE
)
"""A URL parameter that gives access to anyone who has the URL, as in presigned URLs."""


def sources(config: Corpus, base: Path, skipped: Skipped | None = None) -> Iterator[Found]:
    """Every file of the corpus. `skipped` counts the files of folders that are not read.

    Raises `CorpusError` at once when a path does not exist, holds nothing to read, contains a secret or
    holds files whose package is not installed.
    """
    for path in config.paths:
        _must_be_public(path)
        if next(_under(path, config, base, Skipped()), None) is None:
            raise CorpusError(_nothing_matches(path, config, base))
    _must_be_readable(config, base)
    counted = Skipped() if skipped is None else skipped
    return (found for path in config.paths for found in _under(path, config, base, counted))


def _must_be_readable(config: Corpus, base: Path) -> None:
    """Raises CorpusError when the corpus has files whose package is not installed. Lists it only if one is not."""
    missing = {suffix for suffix in EXTRACTED if is_missing(suffix)}.difference(config.readers)
    if not missing:
        return
    each = (found for path in config.paths for found in _under(path, config, base, Skipped()))
    first = next((found.uri for found in each if isinstance(found, CorpusFile) and found.suffix in missing), None)
    if first is not None:
        raise CorpusError(
            f"corpus.paths: {first} cannot be read without a package that is not installed: "
            "pip install 'gleaner[documents]', or leave such files out with corpus.include"
        )


def local_path(path: str, base: Path) -> Path:
    """A configured path on this machine. A relative one begins at `base`."""
    return base / os.path.expanduser(path)


def _must_be_public(path: str) -> None:
    if is_remote(path) and _SECRET.search(path):
        shown = path.split("?", 1)[0]
        raise CorpusError(
            f"corpus.paths: {shown}?…: the URL carries a secret, which would stand in every sample's provenance; "
            "give access through the environment or download the file"
        )


def _under(path: str, config: Corpus, base: Path, skipped: Skipped) -> Iterator[Found]:
    selection = Selection(config.include, skipped, KNOWN | set(config.readers), config.exclude or ())
    if not is_remote(path):
        root = local_path(path, base)
        if not os.path.lexists(root):
            raise CorpusError(_missing(path, root))
        return _local(root, uri_of(os.path.normpath(path)), config, selection)
    from actors.corpus.remote import local_root, remote

    root = local_root(path)
    if root is not None and os.path.lexists(root):
        return _local(root, path.rstrip("/"), config, selection)
    return remote(path, selection)


def _local(root: Path, uri: str, config: Corpus, selection: Selection) -> Iterator[Found]:
    if root.is_dir():
        prefix = "" if uri == "." else uri.rstrip("/") + "/"
        inside = None if config.links == "anywhere" else os.path.realpath(root)
        yield from _folder(root, prefix, selection, inside)
    else:
        yield _file(root, uri)


def _folder(root: Path, prefix: str, selection: Selection, inside: str | None) -> Iterator[Found]:
    """The files of a folder. `inside`: links may not lead out of this folder; None allows all links."""
    seen: set[tuple[int, int]] = set()
    left = [""]
    while left:
        relative = left.pop()
        path, uri = os.path.join(root, relative), prefix + uri_of(relative)
        is_folder = os.path.isdir(path)
        if not is_folder and not selection.takes(relative):
            continue
        if inside is not None and os.path.islink(path) and relative and _leads_out(path, inside):
            yield _refused(uri, RefusalReason.LEADS_OUT, _LEADS_OUT)
            continue
        if not is_folder:
            yield _file(Path(path), uri)
            continue
        try:
            here = os.stat(path)
            names = sorted(os.listdir(path), key=os.fsencode, reverse=True)
        except OSError as error:
            yield _refused(uri, RefusalReason.UNREADABLE, one_line(error))
            continue
        if (here.st_dev, here.st_ino) not in seen:
            seen.add((here.st_dev, here.st_ino))
            left += (os.path.join(relative, name) for name in names if not _hidden_folder(os.path.join(path, name)))


_LEADS_OUT = "a link that leads out of the corpus; `corpus.links: anywhere` follows it"


def _leads_out(path: str, inside: str) -> bool:
    target = os.path.realpath(path)
    return target != inside and not target.startswith(inside.rstrip(os.sep) + os.sep)


def _hidden_folder(path: str) -> bool:
    return os.path.basename(path).startswith(".") and os.path.isdir(path)


def _file(path: Path, uri: str) -> Found:
    try:
        facts = path.stat()
    except OSError as error:
        return _refused(uri, RefusalReason.UNREADABLE, one_line(error))
    if not stat.S_ISREG(facts.st_mode):
        return _refused(uri, RefusalReason.UNREADABLE, "not a regular file")
    suffix, compression = name_parts(path.name)
    return CorpusFile(
        uri=uri,
        suffix=suffix,
        open=lambda: unpacked(path.open("rb"), compression),
        size=facts.st_size,
        compressed=compression is not None,
    )


# Messages


def _refused(uri: str, reason: RefusalReason, detail: str) -> DocumentRefused:
    return DocumentRefused(uri=uri, reason=reason, detail=detail)


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
    but = "" if config.exclude is None else f" and is not excluded ({', '.join(config.exclude)})"
    if config.include is None:
        return f"corpus.paths: no file in {path} is of a known format{but}{seen}"
    return f"corpus.paths: no file in {path} matches corpus.include ({', '.join(config.include)}){but}{seen}"
