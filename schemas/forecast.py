"""What a run will take, as `gleaner plan` says before anything is spent.

Law: a figure is counted, or a bound under a named assumption; where neither is known it is None, never a guess.
"""

from collections.abc import Mapping

from msgspec import Struct

from schemas.progress import RefusalCount


class Amounts(Struct, frozen=True):
    """The least and the most of something; both are the same where it is known."""

    least: float
    most: float

    def times(self, factor: float) -> "Amounts":
        """So many times as much."""
        return Amounts(self.least * factor, self.most * factor)

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(self.least + other.least, self.most + other.most)


NOTHING = Amounts(0.0, 0.0)


class RoleForecast(Struct, frozen=True):
    """What one pool, gate or embedder is asked. `cost`: by the prices of its tokens; None without a price."""

    role: str
    calls: Amounts
    prompt_tokens: Amounts
    completion_tokens: Amounts
    cost: Amounts | None = None


class SpendForecast(Struct, frozen=True):
    """What the run takes under an assumption. `orders`: that are made; `accepted`: samples that come of them."""

    assumes: str
    orders: Amounts
    accepted: Amounts
    roles: tuple[RoleForecast, ...]

    @property
    def cost(self) -> Amounts | None:
        """Of all roles that have a price; None if there is none."""
        costs = [role.cost for role in self.roles if role.cost is not None]
        return sum(costs, NOTHING) if costs else None


class CorpusForecast(Struct, frozen=True):
    """What the run's reader and chunker make of the corpus. `read_whole`: not where `stop.orders` ends the reading."""

    documents: int
    passages: int
    characters: int
    """Of the passages."""
    seconds: float
    refusals: tuple[RefusalCount, ...] = ()
    skipped: Mapping[str, int] = {}
    """Files that are not read, by their suffix."""
    read_whole: bool = True


class OrdersForecast(Struct, frozen=True):
    """The orders that the run would issue if it needed all of them. `per_call`: of how many one completion gives the
    drafts; `vary`: how often each value of each variable is drawn; `judged`: of a gate that judges a share of the
    orders, how many of them."""

    issued: int
    per_passage: int
    per_call: int
    vary: Mapping[str, Mapping[str, int]] = {}
    judged: Mapping[str, int] = {}


class TokenCount(Struct, frozen=True):
    """How the tokens of a role's prompts are counted, in words."""

    role: str
    by: str


class LikeFolder(Struct, frozen=True):
    """What an earlier run came to, by which this one is reckoned. `ended`: its orders that were accepted or became dead
    letters; `looked_at`: of how many of them the interval is made."""

    folder: str
    accepted: int
    ended: int
    looked_at: int
    share: Amounts
    """Of its orders that were accepted, a 95% interval."""


class RunForecast(Struct, frozen=True):
    """The whole plan. `sampled`: how many passages' prompts were written; `accepted`, `most_orders`: the `stop` of the
    configuration."""

    corpus: CorpusForecast
    orders: OrdersForecast
    sampled: int
    counted: tuple[TokenCount, ...]
    accepted: int | None
    most_orders: int | None
    at_once: SpendForecast
    """Every order is accepted at its first attempt."""
    at_most: SpendForecast
    """Every attempt is rejected, and every completion as long as it may be."""
    like: LikeFolder | None = None
    as_there: SpendForecast | None = None
    """Orders go as they went in that folder."""
    notes: tuple[str, ...] = ()
