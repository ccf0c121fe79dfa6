"""Every count that is shown anywhere: a list of small folds over the ledger's records, each with its tables.

Law: the same records in the same order give the same summary; no count is kept in two places. The tables of a fold are
a Summary whose other fields are empty. Probes are in the costs, and otherwise only in tables of their own.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from actors.counts.accelerators import AcceleratorFold
from actors.counts.cohort import CohortFold
from actors.counts.course import CourseFold
from actors.counts.credits import CreditFold
from actors.counts.distributions import AttemptDistributions
from actors.counts.diversity import DiversityFold
from actors.counts.entries import Entry, OutstandingOrders
from actors.counts.failures import FailureFold
from actors.counts.firsts import FirstsFold
from actors.counts.orders import OrderFold
from actors.counts.overlap import OverlapFold
from actors.counts.passages import PassageFold
from actors.counts.probes import ProbeFold
from actors.counts.shares import ShareFold
from actors.counts.spend import SpendFold
from actors.counts.strata import StrataFold
from actors.counts.together import together
from actors.counts.verdicts import VerdictFold
from schemas.distributions import Distributions
from schemas.ledger import Record
from schemas.progress import Summary


class CountFold(Protocol):
    """The counts of one subject."""

    def apply(self, entry: Entry) -> None:
        """Counts one record, if it is about the subject."""
        ...

    def tables(self) -> Summary:
        """Everything counted so far."""
        ...


class Tally:
    """All folds together. Memory grows with outstanding orders and refused documents, not with the run; but with its
    passages where each gets orders until it is dry."""

    def __init__(self, distributions: AttemptDistributions | None = None) -> None:
        self._orders = OutstandingOrders()
        self._distributions = AttemptDistributions() if distributions is None else distributions
        self._spend = SpendFold()
        self._of_records: tuple[CountFold, ...] = (
            CourseFold(),
            OrderFold(),
            PassageFold(),
            self._spend,
            AcceleratorFold(),
            CreditFold(),
            ProbeFold(),
            FirstsFold(),
            StrataFold(),
            DiversityFold(),
            CohortFold(),
        )
        self._of_attempts: tuple[CountFold, ...] = (VerdictFold(), OverlapFold(), FailureFold(), ShareFold())

    @property
    def tokens(self) -> int:
        """Tokens of all roles so far."""
        return self._spend.tokens

    def apply(self, record: Record) -> None:
        """Counts one record. Raises LedgerError for one that ends or repairs an order that is not outstanding."""
        entry = self._orders.entry(record)
        for fold in self._of_records:
            fold.apply(entry)
        if entry.attempt is not None:
            self._distributions.apply(entry)
            for fold in self._of_attempts:
                fold.apply(entry)

    def summary(self) -> Summary:
        """Everything counted so far."""
        return _assembled([fold.tables() for fold in (*self._of_records, *self._of_attempts)])

    def distributions(self) -> Distributions:
        """Durations and scores counted so far."""
        return self._distributions.distributions()


_NOTHING = Summary()


def _assembled(parts: Sequence[Summary]) -> Summary:
    """Each table from the fold that has it; tables that several folds have in part are added up."""
    found: dict[str, Any] = {}
    for name in Summary.__struct_fields__:
        nothing = getattr(_NOTHING, name)
        told = [table for part in parts if (table := getattr(part, name)) != nothing]
        if told:
            found[name] = told[0] if len(told) == 1 else together(told)
    return Summary(**found)
