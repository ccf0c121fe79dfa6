"""What the ledger knows of the draws from a problem and its prefixes. Law: a draw's id follows from problem, prefix,
policy and number, so all of a prefix's rollouts are found without a search; nothing is remembered here.
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
"""Draws in a row without a record, after which a prefix is taken to have no more. As many may be under way together as
`credit.at_once` says, and those that nothing waited for any more were never made."""


class StoryLedger(Protocol):
    """A ledger, as far as one order's or one rollout's records are concerned."""

    def story(self, order_id: OrderId) -> Sequence[Record]:
        """Every record of one order, oldest first."""
        ...


def rollouts_from(ledger: StoryLedger, prefix: PrefixId, *, missed_draws: int = MISSED_DRAWS) -> Iterator[Rolled]:
    """Every recorded rollout from a prefix, by its draw. `missed_draws`: so many missing in a row end the search."""
    draw, missed = 0, 0
    while missed < missed_draws:
        found = [record for record in ledger.story(OrderId(rollout_id(prefix, draw))) if isinstance(record, Rolled)]
        yield from found
        draw, missed = draw + 1, 0 if found else missed + 1


def known_draws(
    ledger: StoryLedger, passage: Passage, stories: Sequence[Sequence[Record]], *, missed_draws: int = MISSED_DRAWS
) -> tuple[KnownDraws, ...]:
    """What was drawn from every prefix of every credited solution among the stories of a passage's orders."""
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
    """The first attempts among the stories of a passage's orders, as far as they are draws from the problem itself."""
    starts: dict[OrderId, KnownStart] = {}
    for record in (record for story in stories for record in story):
        if not isinstance(record, Rejoined | AcceptedEnd | DeadLetteredEnd) or record.attempt is None:
            continue
        if is_start(record.attempt):
            starts[record.order_id] = KnownStart(record.order_id, isinstance(record, AcceptedEnd))
    return tuple(starts.values())


def is_start(attempt: Attempt) -> bool:
    """A draw from the problem itself of which the gates could say what it is."""
    judged = attempt.verdicts and not any(isinstance(verdict, Errored) for verdict in attempt.verdicts)
    return attempt.number == 1 and attempt.repair is None and bool(judged)


def _policies(story: Sequence[Record]) -> dict[PolicyVersion, None]:
    """Whose rollouts an order's solutions were credited by. A credit that is open still has them in the queue."""
    return dict.fromkeys(record.label.policy for record in story if isinstance(record, Credited))
