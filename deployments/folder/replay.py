"""Puts dead letters back into the queue, between two runs. Law: never while a run holds the folder; accepted samples
stay.

The ledger is written first, run.yaml second, shards and manifest last. After a crash anywhere the same command, or the
next run, mends what is left. A configuration that makes or judges attempts in another way is taken only when none but
replayed orders would run under it. So no other sample is made with two configurations.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path

from msgspec import Struct

from actors.dataset.manifest import read_config
from actors.dataset.spans import current, within
from actors.dataset.strangers import check_not_older
from actors.ledger.draws import MISSED_DRAWS
from actors.ledger.folder import Ledgers
from actors.ledger.reopen import Found, ReplayRequest, Terms, dead_letters, reopened
from actors.ledger.sqlite import LedgerReader, SqliteLedger
from actors.report.finish import finish, is_finished, replace_config
from deployments.build.versions import versions
from deployments.build.wiring import models
from deployments.config.identity import Difference
from deployments.config.load import to_yaml
from deployments.folder.settings import differences_with, folder_config
from deployments.folder.shards import write_shards as _write_shards
from schemas.config import RunConfig
from schemas.config_base import Change
from schemas.config_gates import brought_modes
from schemas.errors import UserError
from schemas.ids import OrderId, PoolName
from schemas.ledger import (
    AcceptedEnd,
    CorpusEnded,
    DeadLetteredEnd,
    NotNeededEnd,
    Planned,
    Reconfigured,
    Reopened,
    Rescored,
    ShardKind,
)
from schemas.orders import EndReason
from schemas.recovery import KNOWN_MODES, FailureMode

BATCH = 256
"""Orders that are put back in one transaction."""


class Group(Struct, frozen=True):
    """Dead letters with one reason and one last diagnosis."""

    reason: EndReason
    mode: FailureMode | None
    orders: int


class Replayed(Struct, frozen=True):
    """What was put back, what stays a dead letter, and which keys of the configuration changed."""

    put_back: tuple[Group, ...]
    left: tuple[Group, ...]
    changed: tuple[Difference, ...] = ()

    @property
    def orders(self) -> int:
        """The number of orders that were put back."""
        return sum(group.orders for group in self.put_back)


def known_modes(output: Path) -> tuple[FailureMode, ...]:
    """Every failure mode that a diagnosis of the folder's run may have. Raises OutputError when run.yaml cannot be
    read."""
    config = read_config(output)
    brought = () if config is None else brought_modes(config.gates)
    return tuple(dict.fromkeys((*KNOWN_MODES, *brought)))


def foresee(output: Path, wanted: ReplayRequest, config: RunConfig | None) -> Replayed:
    """What `replay` would do; nothing is written. Raises UserError where `replay` would."""
    check_not_older(output)
    with Ledgers(output) as readers:
        changed = differences_with(output, config)
        put_back = groups_of(letters_of(readers, wanted))
        check_permitted(readers, changed, matching=bool(put_back))
        everything = groups_of(letters_of(readers, ReplayRequest()))
    return Replayed(put_back, rest_of(everything, put_back), tuple(changed))


def replay(output: Path, wanted: ReplayRequest, config: RunConfig | None, *, now: Callable[[], float]) -> Replayed:
    """Puts the selected dead letters back and takes the changed configuration. Raises OutputError while a run goes
    on."""
    with Ledgers(output) as readers, ExitStack() as held:
        ledgers = [held.enter_context(SqliteLedger(output, reader.shard)) for reader in readers.each]
        check_not_older(output)
        changed = differences_with(output, config)
        check_permitted(readers, changed, matching=next(letters_of(readers, wanted), None) is not None)
        old = folder_config(output)
        new = config or old
        lines = tuple(str(each) for each in changed if each.change is not Change.ANY_RESUME)
        at = now()
        counted = CountedLetters()
        terms = Terms(at, frozenset(PoolName(name) for name in new.pools), lines, missed_draws(old, new))
        for ledger, reader in zip(ledgers, readers.each, strict=True):
            if lines:
                ledger.append([Reconfigured(at, to_yaml(old), models(old), lines)])
            letters = counted.each(dead_letters(reader, wanted))
            while batch := [reopened(found, reader, terms) for found in islice(letters, BATCH)]:
                ledger.append(batch)
        if changed:
            replace_config(output, to_yaml(new))
        for ledger, reader in zip(ledgers, readers.each, strict=True):
            if counted.groups or _is_behind(reader):
                asyncio.run(_write_shards(output, ledger, reader, new, now))
        left = groups_of(letters_of(readers, ReplayRequest()))
        if counted.groups or changed or not is_finished(output):
            finish(output, now=now(), versions=versions())
    return Replayed(counted.ranked(), left, tuple(changed))


def missed_draws(*configs: RunConfig) -> int:
    """A number of missing draws after which no later one can exist: as many rollouts of one solution may have been
    under way together."""
    return max([MISSED_DRAWS, *(config.credit.at_once for config in configs if config.credit is not None)])


def letters_of(readers: Ledgers, wanted: ReplayRequest) -> Iterator[Found]:
    return chain.from_iterable(dead_letters(reader, wanted) for reader in readers.each)


def check_permitted(readers: Ledgers, changed: list[Difference], *, matching: bool) -> None:
    """Raises UserError when an order that was not put back would run under the change, or no order at all would."""
    lines = "; ".join(str(each) for each in changed if each.change is Change.REPLAY)
    if not lines:
        return
    open_orders = _OpenOrders()
    for _, record in readers.records():
        open_orders.apply(record)
    if open_orders.fresh or not open_orders.corpus_ended:
        what = f"{len(open_orders.fresh)} of its orders" if open_orders.fresh else "a part of its corpus"
        raise UserError(
            f"the run has not ended ({what} would be made otherwise: {lines}); let `gleaner run` end it first, "
            "or leave the change out"
        )
    if not matching and not open_orders.put_back:
        raise UserError(f"no dead letter matches, so nothing would be made by the change ({lines})")


class _OpenOrders:
    """The outstanding orders; replayed ones are kept apart."""

    def __init__(self) -> None:
        self.fresh: set[OrderId] = set()
        self.put_back: set[OrderId] = set()
        self.corpus_ended = False

    def apply(self, record: object) -> None:
        match record:
            case Planned():
                self.fresh.update(order.id for order in record.orders)
            case AcceptedEnd() | Rescored() | DeadLetteredEnd() | NotNeededEnd():
                self.fresh.discard(record.order_id)
                self.put_back.discard(record.order_id)
            case Reopened():
                self.put_back.add(record.order_id)
            case CorpusEnded():
                self.corpus_ended = True
            case _:
                pass


class CountedLetters:
    """Counts dead letters while they are read."""

    def __init__(self) -> None:
        self.groups: Counter[tuple[EndReason, FailureMode | None]] = Counter()

    def each(self, letters: Iterable[Found]) -> Iterator[Found]:
        for found in letters:
            self.groups[(found.end.end.reason, found.mode)] += 1
            yield found

    def ranked(self) -> tuple[Group, ...]:
        """The groups, largest first."""
        return tuple(Group(*group, orders) for group, orders in self.groups.most_common())


def groups_of(letters: Iterable[Found]) -> tuple[Group, ...]:
    counted = CountedLetters()
    for _ in counted.each(letters):
        pass
    return counted.ranked()


def rest_of(everything: Iterable[Group], taken: Iterable[Group]) -> tuple[Group, ...]:
    gone = {(group.reason, group.mode) for group in taken}
    return tuple(group for group in everything if (group.reason, group.mode) not in gone)


def _is_behind(ledger: LedgerReader) -> bool:
    """Whether a shard still has rows of orders that an interrupted replay put back."""
    undone = sorted(ledger.reopened())
    shards = [shard for shard in current(ledger.shards()) if shard.kind is ShardKind.DEAD_LETTERS]
    return any(shard.without != within(undone, shard.first_seq, shard.last_seq) for shard in shards)
