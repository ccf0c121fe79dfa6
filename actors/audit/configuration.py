"""Compares run.yaml with the ledgers' records. Law: the run's last start recorded a fingerprint of it, and a replay
that changed it recorded the old text and the changed keys. Any other run.yaml was edited.

This module does not know how a fingerprint is made: the caller brings `IsEdited`.
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
"""Whether the folder's run.yaml now differs from the one of that record; None when this cannot be known."""


def check_edited(output: Path, books: Sequence[Book], is_edited: IsEdited, findings: Findings) -> None:
    """Checks the fingerprint. A run without orders may take another configuration, so it is not checked."""
    for book in books:
        said = book.configured_by
        if said is None or not book.ends:
            continue
        edited = is_edited(said)
        if edited is None:
            what = "not checked for edits: it is missing, or another version of this program wrote it"
            findings.warning(Check.MANIFEST, what, CONFIG)
        elif edited and _is_still_last(output, book, said):
            what = "is not the configuration of the run: the ledger has another fingerprint"
            findings.error(Check.MANIFEST, what, CONFIG)
        if edited is not False:
            return


def _is_still_last(output: Path, book: Book, said: RunStarted | Reconfigured) -> bool:
    """Whether no replay has changed the configuration since the ledger was read."""
    with LedgerReader(output, book.shard) as ledger:
        return ledger.last_configured() == said


def check_asked(books: Sequence[Book], now: Configured | None, findings: Findings) -> None:
    """Checks which gates each sample passed, and how many orders each passage has. `now`: the contents of run.yaml."""
    for book in books:
        book.passings.close(now, book.name, findings)
        book.bands.close(now, findings)
        if now is not None and not book.voided:
            whole = book.read_since_start and book.plan_ended is None
            book.giving.check(now, book.name, findings, changed=book.changed_plan, whole=whole)
        wanted = None if now is None else now.task.samples_per_passage
        if not isinstance(wanted, int):
            continue
        seen: set[int] = set()
        for passage_id, count in book.slots.items():
            fewer_before = count < wanted and book.changed_plan
            if count != wanted and count not in seen and not fewer_before:
                seen.add(count)
                what = f"passage {passage_id} has {count} orders, where the configuration asks for {wanted}"
                findings.error(Check.CONSERVATION, what, book.name)


def check_labels(books: Sequence[Book], findings: Findings) -> None:
    """Reports credits that began and have no label. A finished run has none."""
    for book in books:
        unlabelled = sum(not ended for ended in book.credits.values())
        if unlabelled:
            what = f"{unlabelled} credits have begun and have no label yet"
            findings.warning(Check.CONSERVATION, what, book.name)
