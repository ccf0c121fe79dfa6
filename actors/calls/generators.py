"""The generator pools of a run, as one conductor asks them. Law: an attempt's pool follows from its lease."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from msgspec import Struct

from actors.calls.asker import Way
from actors.calls.pools import Pools
from actors.calls.trials import generation
from actors.protocols import Generator
from schemas.errors import EngineError, ErrorKind, PoolAwayError
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.samples import Completion, GenerationRequest


class Generators(Struct, frozen=True):
    """`fresh`: the pool of first attempts. `needed`: the pools that every order needs, that one among them."""

    by_name: Mapping[PoolName, Generator]
    pools: Pools
    fresh: PoolName
    needed: Collection[PoolName]

    def way(self, lease: Lease, *, seed: int, clock: Callable[[], float]) -> Way:
        """The way of an attempt's calls: to the pool that its repair names, or else to `fresh`."""
        pool = self.fresh if lease.repair is None or lease.repair.pool is None else lease.repair.pool
        return Way(self.ask, pool, self.fresh, seed, clock, self.aside, pools=self.by_name)

    def ask(self, pool: PoolName, request: GenerationRequest) -> Awaitable[Completion]:
        """One completion. Raises HopError, and PoolAwayError for a pool that is given up."""
        generator = self.by_name.get(pool)
        if generator is None:
            raise EngineError(ErrorKind.PERMANENT, f"there is no pool '{pool}'")
        return self.pools.ask(pool, lambda this: generator.generate(generation(request, this)), request.messages)

    async def aside(self, pool: PoolName, request: GenerationRequest) -> Completion:
        """One completion. A pool that orders can do without raises EngineError here when it is given up, and not
        PoolAwayError."""
        try:
            return await self.ask(pool, request)
        except PoolAwayError as away:
            if pool in self.needed:
                raise
            raise EngineError(ErrorKind.RETRYABLE, str(away)) from away
