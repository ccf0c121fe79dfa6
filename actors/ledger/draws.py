"""Finds the recorded draws from a problem and its prefixes. Law: a draw's id follows from its problem, prefix, policy
and number, so each rollout of a prefix is looked up by id, without a search. This module keeps no state.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from schemas.corpus import Passage
from schemas.credit import KnownDraws, KnownStart, PolicyVersion, PrefixId, prefix_id, rollout_id
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, CreditBegun, Credited, DeadLetteredEnd, Record, Rejoined, Rolled
from schemas.orders import Attempt
from schemas.verdicts import Errored

MISSED_DRAWS = 64
"""After so many draw numbers in a row without a record, a prefix is taken to have no more draws. Gaps are normal: up to
`credit.at_once` draws are under way together, and a draw that no credit needs any more is never made."""


class StoryLedger(Protocol):
    """The part of a ledger that reads the records of one order or one rollout."""

    def story(self, order_id: OrderId) -> Sequence[Record]:
        """Every record of one order, oldest first."""
        ...


def rollouts_from(ledger: StoryLedger, prefix: PrefixId, *, missed_draws: int = MISSED_DRAWS) -> Iterator[Rolled]:
    """Every recorded rollout from a prefix, by draw number. `missed_draws` missing numbers in a row end the search."""
    draw, missed = 0, 0
    while missed < missed_draws:
        found = [record for record in ledger.story(OrderId(rollout_id(prefix, draw))) if isinstance(record, Rolled)]
        yield from found
        draw, missed = draw + 1, 0 if found else missed + 1


def known_draws(
    ledger: StoryLedger, passage: Passage, stories: Sequence[Sequence[Record]], *, missed_draws: int = MISSED_DRAWS
) -> tuple[KnownDraws, ...]:
    """The recorded draws from every prefix of each credited solution in the records of a passage's orders."""
    prefixes: dict[PrefixId, None] = {}
    for story in stories:
        for target in (record.target for record in story if isinstance(record, CreditBegun)):
            for policy in _policies(story):
                for steps in range(1, target.steps + 1):
                    prefixes[prefix_id(passage.id, target.prefix(steps), policy)] = None
    found = ((prefix, rollouts_from(ledger, prefix, missed_draws=missed_draws)) for prefix in prefixes)
    known = (KnownDraws(prefix, {rolled.draw: rolled.right for rolled in rollouts}) for prefix, rollouts in found)
    return tuple(each for each in known if each.draws)


def known_starts(stories: Sequence[Sequence[Record]]) -> tuple[KnownStart, ...]:
    """The first attempts, in the records of a passage's orders, that are draws from the problem itself."""
    starts: dict[OrderId, KnownStart] = {}
    for record in (record for story in stories for record in story):
        if not isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd) or record.attempt is None:
            continue
        if is_start(record.attempt):
            starts[record.order_id] = KnownStart(record.order_id, isinstance(record, AcceptedEnd))
    return tuple(starts.values())


def is_start(attempt: Attempt) -> bool:
    """Whether an attempt is a draw from the problem itself that every gate passed or rejected, without an error."""
    judged = attempt.verdicts and not any(isinstance(verdict, Errored) for verdict in attempt.verdicts)
    return attempt.number == 1 and attempt.repair is None and bool(judged)


def _policies(story: Sequence[Record]) -> dict[PolicyVersion, None]:
    """The policies that credited an order's solutions. While a credit is open, its draws are still in the queue."""
    return dict.fromkeys(record.label.policy for record in story if isinstance(record, Credited))
