"""Rules for the corpus beyond types: suffixes that no file has, formats that are read already, licences of no file."""

import re
from collections.abc import Iterator

from actors.corpus.names import COMPRESSIONS, KNOWN, OLD
from deployments.config.faults import at, below
from schemas.config import Corpus

_SUFFIX = re.compile(r"\.[a-z0-9_+-]{1,20}")


def broken_readers(corpus: Corpus) -> Iterator[str]:
    """The faults of all readers, as `path: what is wrong`."""
    for suffix, reader in corpus.readers.items():
        path = below("corpus.readers", suffix)
        if not _SUFFIX.fullmatch(suffix):
            yield at(path, 'must be the last suffix of a file\'s name, in lower case, such as ".csv"')
        elif suffix in COMPRESSIONS:
            yield at(path, "a compression, which is undone before a reader is asked; name the suffix before it")
        elif suffix in OLD and reader.in_place_of is None:
            yield at(path, "this format is read already; `in_place_of: ours` says that yours is meant to read it")
        elif suffix not in KNOWN and reader.in_place_of is not None:
            yield at(f"{path}.in_place_of", "there is none of ours that reads this format")


def broken_licenses(corpus: Corpus) -> Iterator[str]:
    """The licences that no document can be under, as `path: what is wrong`."""
    for folder, terms in corpus.licenses.items():
        path = below("corpus.licenses", folder)
        if not terms.strip():
            yield at(path, "empty")
        elif folder != "." and not any(_begins(folder, each) or _begins(each, folder) for each in corpus.paths):
            yield at(path, "no path of corpus.paths is this folder, holds it, or lies in it; write it as paths does")


def _begins(path: str, folder: str) -> bool:
    return (path.removeprefix("./") + "/").startswith(folder.removeprefix("./").rstrip("/") + "/")
