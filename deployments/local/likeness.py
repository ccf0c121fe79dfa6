"""What the orders of a finished folder came to, and what a run takes whose orders go as they went there.

Law: an order counts as it first ended; one that was not needed, or has no end, does not count. Intervals are of 95%, by
a Bayesian bootstrap over the orders (Rubin 1981), with the chance of the orders to come. The share that is accepted has
Jeffreys' prior besides, so that 20 of 20 does not stand for all.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import numpy as np
from msgspec import Struct

from actors.counts.bill import tokens_cost
from actors.counts.spend import paid_by_role
from actors.ledger.folder import Ledgers
from schemas.config_deployed import Price
from schemas.errors import UserError
from schemas.forecast import Amounts, LikeFolder, RoleForecast, SpendForecast
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, NotNeededEnd, Record, Rejoined, Reopened
from schemas.orders import Attempt

LOOKED_AT = 5_000
"""Orders that intervals are made of: their share that was accepted is known within 1.4 points then."""
DRAWS = 1_000
QUANTILES = (0.025, 0.975)
PARTS = 3
"""Of what a role took: calls, tokens of prompts, tokens of completions."""

Taken = dict[str, list[float]]
"""By role, the `PARTS` of one order."""


class EndedOrder(Struct, frozen=True):
    """One order of the folder, and what it took until its end."""

    accepted: bool
    taken: Taken


class Earlier(Struct, frozen=True):
    """The folder's orders, as far as they are looked at."""

    like: LikeFolder
    orders: Sequence[EndedOrder]

    @property
    def roles(self) -> list[str]:
        """The roles that were asked."""
        return list(dict.fromkeys(role for order in self.orders for role in order.taken))


def earlier_run(folder: Path) -> Earlier:
    """What a folder's orders came to. Raises UserError if it holds no run, or no accepted sample."""
    if not folder.is_dir():
        raise UserError(f"--like {folder}: is no folder; give that of a run")
    ends = _Ends()
    with Ledgers(folder) as ledgers:
        for _, record in ledgers.records():
            ends.apply(record)
    if not ends.accepted:
        raise UserError(f"--like {folder}: no order was accepted there, so it does not say what a sample takes")
    orders = ends.sample
    like = LikeFolder(str(folder), ends.accepted, ends.ended, len(orders), _between(_drawn(orders).share))
    return Earlier(like, orders)


def as_there(earlier: Earlier, issued: int, accepted: int | None, prices: Mapping[str, Price]) -> SpendForecast:
    """What the run takes. `issued`: the orders that it can have; `accepted`: the samples that it is to have, None for
    as many as come. `orders` of the result may be more than there can be; what is spent is of those that there are."""
    roles, orders = earlier.roles, earlier.orders
    taken = np.array([[part for role in roles for part in each.taken.get(role, [0.0] * PARTS)] for each in orders])
    drawn, random = _drawn(orders), np.random.default_rng(1)
    share, means = drawn.share, drawn.weights @ taken
    deviations = np.sqrt(np.maximum(0.0, drawn.weights @ taken**2 - means**2))
    needed = np.full(DRAWS, float(issued))
    if accepted is not None:
        chance = np.sqrt(accepted * (1 - share)) / share
        needed = np.maximum(accepted, accepted / share + chance * random.standard_normal(DRAWS))
    made = np.minimum(needed, issued)
    came = made * share + np.sqrt(made * share * (1 - share)) * random.standard_normal(DRAWS)
    if accepted is not None:
        came = np.where(needed <= issued, accepted, np.minimum(came, accepted))
    total = made[:, None] * means + np.sqrt(made)[:, None] * deviations * random.standard_normal(means.shape)
    return SpendForecast(
        f"orders go as in {earlier.like.folder}",
        _between(needed),
        _between(np.clip(came, 0, issued)),
        tuple(_role(role, total[:, PARTS * place : PARTS * (place + 1)], prices) for place, role in enumerate(roles)),
    )


class _Ends:
    """A fold over a folder's records; keeps a random sample of the orders that ended."""

    def __init__(self) -> None:
        self._open: dict[OrderId, Taken] = {}
        self._reopened: set[OrderId] = set()
        self._random = Random(0)
        self.sample: list[EndedOrder] = []
        self.accepted = self.ended = 0

    def apply(self, record: Record) -> None:
        """Counts one record."""
        match record:
            case Rejoined(order_id=order_id, attempt=attempt):
                self._pay(order_id, attempt)
            case AcceptedEnd(order_id=order_id, attempt=attempt):
                self._end(order_id, attempt, accepted=True)
            case DeadLetteredEnd(order_id=order_id, attempt=attempt):
                self._end(order_id, attempt, accepted=False)
            case NotNeededEnd(order_id=order_id):
                self._open.pop(order_id, None)
            case Reopened():
                self._reopened.add(record.order.id)
            case _:
                pass

    def _pay(self, order_id: OrderId, attempt: Attempt) -> None:
        taken = self._open.setdefault(order_id, {})
        for role, cost in paid_by_role(attempt):
            parts = taken.setdefault(role, [0.0] * PARTS)
            for place, more in enumerate((1, cost.prompt_tokens, cost.completion_tokens)):
                parts[place] += more

    def _end(self, order_id: OrderId, attempt: Attempt | None, *, accepted: bool) -> None:
        if attempt is not None:
            self._pay(order_id, attempt)
        taken = self._open.pop(order_id, {})
        if order_id in self._reopened:
            return
        place = self.ended if self.ended < LOOKED_AT else self._random.randrange(self.ended + 1)
        if place == len(self.sample):
            self.sample.append(EndedOrder(accepted, taken))
        elif place < LOOKED_AT:
            self.sample[place] = EndedOrder(accepted, taken)
        self.ended += 1
        self.accepted += accepted


class _Drawn(Struct, frozen=True):
    """Of each draw, what each order weighs (they add up to 1), and the share of orders that are accepted."""

    weights: np.ndarray
    share: np.ndarray


def _drawn(orders: Sequence[EndedOrder]) -> _Drawn:
    random = np.random.default_rng(0)
    weights, prior = random.exponential(size=(DRAWS, len(orders))), random.gamma(0.5, size=(DRAWS, 2))
    whole = weights.sum(axis=1)
    accepted = weights @ np.array([each.accepted for each in orders], dtype=float)
    share = (accepted + prior[:, 0]) / (whole + prior.sum(axis=1))
    return _Drawn(weights / whole[:, None], np.minimum(share, 1.0))


def _between(values: np.ndarray) -> Amounts:
    least, most = np.quantile(values, QUANTILES)
    return Amounts(float(least), float(most))


def _role(role: str, total: np.ndarray, prices: Mapping[str, Price]) -> RoleForecast:
    calls, prompt, completion = (_between(np.maximum(0.0, total[:, place])) for place in range(PARTS))
    price = prices.get(role)
    cost = None
    if price is not None:
        cost = _between(np.array([tokens_cost(price, *each) for each in np.maximum(0.0, total[:, 1:])]))
    return RoleForecast(role, calls, prompt, completion, cost)
