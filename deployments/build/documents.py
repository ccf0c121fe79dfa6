"""Documents that a run's task cannot use, found before orders are made of them: scripts that make no database.

Law: a document is refused only for what is certain of it; where nothing can be executed, it is not.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deployments.sandbox.late import SandboxPlace
from deployments.sandbox.queries import SandboxedQueries
from schemas.config import RunConfig
from schemas.config_gates import QueryExecution
from schemas.corpus import Document, DocumentRefused, RefusalReason
from schemas.errors import ErrorKind, JudgeError

PLAIN = "SELECT 1"
"""Has a result in every database."""
Unfit = Callable[[Document], DocumentRefused | None]
"""Says why a document is refused; None: it is not."""


@contextmanager
def document_check(config: RunConfig) -> Iterator[Unfit]:
    """The check of one reading of the corpus, in no event loop. Its process starts with the first document."""
    gate = next((gate for gate in config.gates.values() if isinstance(gate, QueryExecution)), None)
    if gate is None:
        yield lambda document: None
        return
    queries = SandboxedQueries(gate.limits, SandboxPlace(gate.sandbox, workers=1))
    with asyncio.Runner() as runner:
        try:
            yield lambda document: runner.run(_refusal(queries, document))
        finally:
            runner.run(queries.close())


async def _refusal(queries: SandboxedQueries, document: Document) -> DocumentRefused | None:
    """SQLite's own words for a script that it refuses, or that takes too long."""
    try:
        await queries.execute(document.text, PLAIN)
    except JudgeError as error:
        if error.kind is ErrorKind.PERMANENT:
            return DocumentRefused(document.uri, RefusalReason.UNFIT, error.detail)
    return None
