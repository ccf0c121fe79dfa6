"""A folder proved from its files, its corpus read again by its own configuration. Law: it only reads."""

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

from actors.audit.verify import verify
from actors.corpus.names import is_on_this_machine
from actors.corpus.reader import documents
from actors.dataset.manifest import CONFIG_NAME, read_config
from deployments.config.recorded import is_edited
from schemas.audit import AuditReport
from schemas.corpus import Document
from schemas.errors import CorpusError


def verified(folder: Path, *, network: bool = False) -> AuditReport:
    """The audit of a folder. `network`: the corpus is read again also where it is more than files of this machine.
    Raises UserError for a folder that is no run."""
    config = read_config(folder)

    def read_again(uris: Collection[str]) -> Iterator[Document]:
        if config is None:
            raise CorpusError(f"{CONFIG_NAME} is missing, so nobody knows where the corpus is")
        elsewhere = next((path for path in config.corpus.paths if not is_on_this_machine(path)), None)
        if elsewhere is not None and not network:
            raise CorpusError(f"{elsewhere} is not a file of this machine; `gleaner verify --network` asks there")
        return documents(uris, config.corpus)

    return verify(folder, read_again, partial(is_edited, folder / CONFIG_NAME))
