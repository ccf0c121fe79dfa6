"""Proves a folder from its files, and reads its corpus again with its own configuration. Law: it only reads. It runs no
code but the readers that the caller's configuration names."""

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

from actors.audit.verify import verify
from actors.corpus.names import is_on_this_machine, suffix_of
from actors.corpus.reader import documents
from actors.dataset.manifest import CONFIG_NAME, read_config
from deployments.build.readers import own_reader
from deployments.config.recorded import is_edited
from schemas.audit import AuditReport
from schemas.config import RunConfig
from schemas.corpus import Document
from schemas.errors import CorpusError


def verified(folder: Path, given: RunConfig | None = None, *, network: bool = False) -> AuditReport:
    """The audit of a folder. `given`: the caller's configuration; readers that are code come only from it. `network`:
    the corpus is read again even if it is not on this machine. Raises UserError for a folder without a run."""
    config = read_config(folder)
    code = {} if config is None else config.corpus.readers
    named = {} if given is None else {key: made for key, made in given.corpus.readers.items() if code.get(key) == made}
    own = {suffix: own_reader(f"corpus.readers.{suffix}", reader) for suffix, reader in named.items()}

    def read_again(uris: Collection[str]) -> Iterator[Document]:
        if config is None:
            raise CorpusError(f"{CONFIG_NAME} is missing, so it is unknown where the corpus is")
        elsewhere = next((path for path in config.corpus.paths if not is_on_this_machine(path)), None)
        if elsewhere is not None and not network:
            raise CorpusError(f"{elsewhere} is not a file of this machine; `gleaner verify --network` reads it")
        return documents(uris, config.corpus, own=own)

    def unread(uri: str) -> str | None:
        suffix = suffix_of(uri)
        if suffix not in code or suffix in own:
            return None
        reader = code[suffix].reader
        return f"only {reader} reads, and a folder runs no code; `gleaner verify --config RUN.yaml` names it"

    return verify(folder, read_again, partial(is_edited, folder / CONFIG_NAME), unread)
