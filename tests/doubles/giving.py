"""What `verify` finds of the orders of passages that get them until they are dry, from records alone."""

from collections.abc import Sequence

from actors.audit.configured import configured
from actors.audit.findings import Findings
from actors.audit.fold import read_book
from schemas.ledger import Record
from schemas.until_dry import UntilDry


def giving_faults(records: Sequence[Record], rule: UntilDry, more: str = "", *, whole: bool | None = None) -> list[str]:
    """The findings. `more`: further lines of run.yaml; `whole`: whether no more orders are to come, if the records do
    not say it."""
    findings = Findings()
    book = read_book(enumerate(records, 1), findings)
    config = configured(
        f"task: {{samples_per_passage: {{at_most: {rule.at_most}, patience: {rule.patience}}}}}{more}".encode()
    )
    assert config is not None
    ended = book.read_since_start and book.plan_ended is None
    whole = ended if whole is None else whole
    book.giving.check(config, "ledger", findings, changed=book.changed_plan, whole=whole)
    return [found.what for found in findings.kept]
