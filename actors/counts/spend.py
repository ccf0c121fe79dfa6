"""The cost of models: calls, tokens and seconds, by role and by how the attempt ended. Law: every cost counts, however
the attempt ended. Rollouts and second reports count as rejected."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import astuple

from actors.counts.entries import Entry, was_rejected
from actors.counts.together import together
from schemas.credit import ROLLOUTS
from schemas.distributions import AttemptEnd
from schemas.ledger import ProbeEnded, ProbeRejoined, Rolled, StaleReport
from schemas.orders import STALE, Attempt, calls_of, cost_of
from schemas.probes import PROBES
from schemas.progress import RoleCost, Spent, Summary
from schemas.samples import Cost
from schemas.vectors import EMBEDDER
from schemas.verdicts import Errored, charged


class Paid(Struct):
    """The cost so far of one role for attempts with one end; fields as in RoleCost."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    estimated_tokens: int = 0
    cached_tokens: int = 0

    def add(self, cost: Cost) -> None:
        """Adds one call."""
        self.calls += 1
        self.prompt_tokens += cost.prompt_tokens
        self.completion_tokens += cost.completion_tokens
        self.seconds += cost.seconds
        self.estimated_tokens += cost.estimated_tokens
        self.cached_tokens += cost.cached_tokens


class SpendFold:
    """The fold. Memory grows with the pools and gates, not with the run."""

    def __init__(self) -> None:
        self._paid: dict[tuple[str, AttemptEnd], Paid] = {}

    @property
    def tokens(self) -> int:
        """Tokens of all roles so far."""
        return sum(paid.prompt_tokens + paid.completion_tokens for paid in self._paid.values())

    def apply(self, entry: Entry) -> None:
        """Counts one record."""
        if entry.attempt is not None and entry.end is not None:
            self._attempted(entry.attempt, entry.end)
            return
        match entry.record:
            case Rolled(cost=paid):
                self._pay(ROLLOUTS, AttemptEnd.REJECTED, paid)
            case StaleReport(cost=paid):
                self._pay(STALE, AttemptEnd.REJECTED, paid)
            case ProbeRejoined(attempt=attempt) | ProbeEnded(attempt=attempt) if attempt is not None:
                paid = cost_of(attempt)
                if paid != Cost():
                    self._pay(PROBES, _came_to(attempt), paid)
            case _:
                pass

    def tables(self) -> Summary:
        """Everything counted so far."""
        roles: dict[str, RoleCost] = {}
        for (role, _), paid in self._paid.items():
            row = RoleCost(role, *astuple(paid))
            roles[role] = together([roles[role], row]) if role in roles else row
        return Summary(
            roles=tuple(roles[role] for role in sorted(roles)),
            spent=tuple(
                Spent(
                    role, end, paid.calls, paid.prompt_tokens, paid.completion_tokens, paid.seconds, paid.cached_tokens
                )
                for (role, end), paid in self._paid.items()
            ),
        )

    def _attempted(self, attempt: Attempt, end: AttemptEnd) -> None:
        for role, cost in paid_by_role(attempt):
            self._pay(role, end, cost)

    def _pay(self, role: str, end: AttemptEnd, cost: Cost) -> None:
        paid = self._paid.get((role, end))
        if paid is None:
            paid = self._paid[(role, end)] = Paid()
        paid.add(cost)


def paid_by_role(attempt: Attempt) -> Iterator[tuple[str, Cost]]:
    """Each call that is charged to an attempt, with the pool, the gate or the embedder that made it."""
    yield from ((call.pool, call.cost) for call in calls_of(attempt))
    for verdict in attempt.verdicts:
        yield from charged(verdict)
    if attempt.embedded is not None:
        yield EMBEDDER, attempt.embedded.cost


def _came_to(attempt: Attempt) -> AttemptEnd:
    """How a probe's attempt ended."""
    errored = any(isinstance(said, Errored) for said in attempt.verdicts)
    return AttemptEnd.REJECTED if was_rejected(attempt) else AttemptEnd.ERRORED if errored else AttemptEnd.ACCEPTED
