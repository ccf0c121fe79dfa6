"""Holds run.yaml against what the ledgers say of it. Law: the run's last start recorded its fingerprint, and a replay
that changed it recorded what it was and what was changed; any other run.yaml was edited.

How a fingerprint is made is not known here: `IsEdited` is brought.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from actors.audit.book import Book
from actors.audit.configured import CONFIG, Configured
from actors.audit.findings import Findings
from actors.ledger.sqlite import LedgerReader
from schemas.audit import Check
from schemas.ledger import Reconfigured, RunStarted

IsEdited = Callable[[RunStarted | Reconfigured], bool | None]
"""Whether the folder's run.yaml, as it is now, is another than that record's; None where that cannot be told."""


def check_edited(output: Path, books: Sequence[Book], is_edited: IsEdited, findings: Findings) -> None:
    """The fingerprint. Before the first order another configuration is taken, and its start not recorded yet."""
    for book in books:
        said = book.configured_by
        if said is None or not book.ends:
            continue
        edited = is_edited(said)
        if edited is None:
            what = "not checked: whether it was edited; it is missing, or of another version of this program"
            findings.warning(Check.MANIFEST, what, CONFIG)
        elif edited and _is_still_said(output, book, said):
            what = "is not what the run was made with: the ledger has another fingerprint"
            findings.error(Check.MANIFEST, what, CONFIG)
        if edited is not False:
            return


def _is_still_said(output: Path, book: Book, said: RunStarted | Reconfigured) -> bool:
    """Whether no replay changed it since the ledger was read."""
    with LedgerReader(output, book.shard) as ledger:
        return ledger.last_configured() == said


def check_asked(books: Sequence[Book], now: Configured | None, findings: Findings) -> None:
    """What every sample had to pass, and how many orders a passage has. `now`: what run.yaml says."""
    for book in books:
        book.passings.close(now, book.name, findings)
        wanted = None if now is None else now.task.samples_per_passage
        for count, passage_id in book.slots.items():
            if wanted is not None and count != wanted:
                what = f"passage {passage_id} has {count} orders, where the configuration asks for {wanted}"
                findings.error(Check.CONSERVATION, what, book.name)


def check_labels(books: Sequence[Book], findings: Findings) -> None:
    """Credits that began and have no label: of a run that is over there are none."""
    for book in books:
        unlabelled = sum(not ended for ended in book.credits.values())
        if unlabelled:
            what = f"{unlabelled} credits have begun and have no label yet"
            findings.warning(Check.CONSERVATION, what, book.name)
