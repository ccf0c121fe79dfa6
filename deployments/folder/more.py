"""`gleaner run --more`: a finished run goes on, to so many more accepted samples.

Law: the change of plan is recorded in every ledger before anything runs under it. The same command after a crash goes
on with the change that was recorded, and does not add to it.
"""

from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from actors.counts.tally import Tally
from actors.dataset.strangers import check_not_older
from actors.ledger.folder import Ledgers
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from deployments.build.wiring import passage_orders
from schemas.config import RunConfig
from schemas.errors import UserError
from schemas.ledger import StopRaised
from schemas.progress import Summary
from schemas.stop import PlanEnd
from schemas.until_dry import first_orders


class Raising(Struct, frozen=True):
    """What the ledgers say of the plan: each one's last change, and the counts of all."""

    last: tuple[StopRaised | None, ...]
    summary: Summary

    @property
    def newest(self) -> StopRaised | None:
        """The last change that any ledger has."""
        return max((each for each in self.last if each is not None), key=lambda each: each.at, default=None)


def raise_stop(output: Path, config: RunConfig, more: int, *, now: float) -> StopRaised:
    """Records that the folder's run is to end with `more` accepted samples than it has. Gives the change that holds.
    Raises UserError for a run that has not ended, and OutputError while a run goes on."""
    with Ledgers(output) as readers, ExitStack() as held:
        ledgers = [held.enter_context(SqliteLedger(output, reader.shard)) for reader in readers.each]
        check_not_older(output)
        standing = _standing(readers)
        change = _change(standing, config, more, now, output)
        for ledger, last in zip(ledgers, standing.last, strict=True):
            if last != change:
                ledger.append([change])
    return change


def agree(output: Path) -> None:
    """Records in every ledger the last change that any of them has: a crash may have come between them."""
    with Ledgers(output) as readers:
        last = tuple(_last(reader) for reader in readers.each)
        newest = Raising(last, Summary()).newest
        for reader, each in zip(readers.each, last, strict=True):
            if each != newest and newest is not None:
                with SqliteLedger(output, reader.shard) as ledger:
                    ledger.append([newest])


def _change(standing: Raising, config: RunConfig, more: int, now: float, output: Path) -> StopRaised:
    counts, newest = standing.summary.counts, standing.newest
    asked_to_end = standing.summary.plan_ended is PlanEnd.ASKED
    if newest is not None and newest.more == more and counts.accepted < newest.accepted and not asked_to_end:
        return newest
    if counts.outstanding or not standing.summary.all_planned:
        raise UserError(f"{output}: its run has not ended; give the command without --more first, or `gleaner end`")
    if config.stop.quotas is not None:
        raise UserError(f"{output}: --more: its samples have quotas; raise them in stop.accepted_of instead")
    limit, slots = config.stop.orders, first_orders(passage_orders(config))
    if limit is not None and counts.issued + slots > limit:
        raise UserError(f"{output}: stop.orders: {limit:,} are issued; more samples need more orders")
    return StopRaised(now, more, counts.accepted + more, config.stop.accepted)


def _standing(readers: Ledgers) -> Raising:
    tally = Tally()
    for _, record in readers.records():
        tally.apply(record)
    return Raising(tuple(_last(reader) for reader in readers.each), tally.summary())


def _last(reader: LedgerReader) -> StopRaised | None:
    return reader.last_raised()
