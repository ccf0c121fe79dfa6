"""Pools and gates of several replicas, whose requests about one passage go to the replica that has read it.

Law: affinity is decided here, before messages are formed, since a message goes to one replica. A suspect's request (it
may have killed a replica) and all requests of a pool where affinity does not pay go wherever Serve sends them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from actors.calls.affinity import Affinity
from actors.calls.prefix_worth import PrefixWorth
from deployments.ray.handles import BatchLimits, GateHandle, PoolHandle, streaming
from deployments.serve.live import live
from schemas.config_deployed import Deployed
from schemas.samples import Completion, GenerationRequest, Lane
from schemas.verdicts import GateRequest, Verdict, charged

H = TypeVar("H")


class NearPrefix(Generic[H]):
    """The ways to one application: `make(None)` leaves the choice to Serve, `make(replica)` names that replica."""

    def __init__(self, application: str, make: Callable[[str | None], H]) -> None:
        self._application = application
        self._make = make
        self._anywhere = make(None)
        self._ways: dict[str, H] = {}
        self._affinity = Affinity()
        self.worth = PrefixWorth()

    @contextmanager
    def way(self, passage_id: str | None, lane: Lane) -> Iterator[H]:
        """The way for one request, for as long as it is under way."""
        if passage_id is not None:
            self.worth.asked(passage_id)
        replicas = live(self._application)
        if passage_id is None or lane is not Lane.SHARED or not self.worth.pays or len(replicas) < 2:
            yield self._anywhere
            return
        replica = self._affinity.place(passage_id, replicas)
        try:
            yield self._to(replica, replicas)
        finally:
            self._affinity.ended(replica)

    def _to(self, replica: str, replicas: tuple[str, ...]) -> H:
        if replica not in self._ways:
            self._ways = {each: way for each, way in self._ways.items() if each in replicas}
            self._ways[replica] = self._make(replica)
        return self._ways[replica]


class PassagePool:
    """A generator pool behind Serve, as `actors.protocols.Generator`."""

    def __init__(self, near: NearPrefix[PoolHandle]) -> None:
        self._near = near

    @property
    def pays(self) -> bool:
        """Whether affinity is on, by what calls have cost so far."""
        return self._near.worth.pays

    async def generate(self, request: GenerationRequest) -> Completion:
        with self._near.way(request.passage_id, request.lane) as handle:
            completion = await handle.generate(request)
        self._near.worth.answered(completion.cost)
        return completion


class PassageGate:
    """A gate behind Serve, as `actors.protocols.Gate`."""

    def __init__(self, near: NearPrefix[GateHandle]) -> None:
        self._near = near

    async def check(self, request: GateRequest) -> Verdict:
        with self._near.way(request.passage.id, request.lane) as handle:
            verdict = await handle.check(request)
        for _, cost in charged(verdict):
            self._near.worth.answered(cost)
        return verdict


def pool_of(handle: Any, deployed: Deployed, limits: BatchLimits) -> PoolHandle | PassagePool:
    """The pool behind Serve's handle, with affinity where its replicas may keep prefixes."""

    def to(replica: str | None) -> PoolHandle:
        return PoolHandle(streaming(_naming(handle, replica), "generate"), limits)

    return PassagePool(NearPrefix(handle.app_name, to)) if deployed.keeps_prefixes else to(None)


def gate_of(handle: Any, deployed: Deployed, limits: BatchLimits) -> GateHandle | PassageGate:
    """The gate behind Serve's handle, in the same way."""

    def to(replica: str | None) -> GateHandle:
        return GateHandle(streaming(_naming(handle, replica), "check"), limits)

    return PassageGate(NearPrefix(handle.app_name, to)) if deployed.keeps_prefixes else to(None)


def _naming(handle: Any, replica: str | None) -> Any:
    return handle if replica is None else handle.options(session_id=replica)
