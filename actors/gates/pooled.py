"""A judge whose model is a pool of the run: it runs in the conductor and asks the pool, as your own gates do.

Law: prompt and seed are the same as for a judge with an engine of its own. Only the request's id has the gate's name,
because the pool also gets the order's own request and those of other gates. If the pool does not answer, the call to
the pool is retried, and the gate is not. If the answer is no verdict, the gate is asked again.
"""

from collections.abc import Callable

from msgspec.structs import replace

from actors.protocols import Ask, Gate, Generator
from schemas.errors import ErrorKind, HopError, JudgeError
from schemas.ids import PoolName
from schemas.samples import Completion, GenerationRequest
from schemas.verdicts import Errored, GateName, GateRequest, Verdict


class PooledGate:
    """The gate over a pool. `judge`: makes the gate over a chat model."""

    def __init__(self, name: GateName, pool: PoolName, judge: Callable[[Generator], Gate]) -> None:
        self._name = name
        self._pool = pool
        self._judge = judge

    async def check(self, request: GateRequest) -> Verdict:
        """An errored verdict, since there are no pools to ask here."""
        return Errored(self._name, ErrorKind.PERMANENT, f"there is no pool '{self._pool}' here to ask")

    async def check_asking(self, request: GateRequest, ask: Ask) -> Verdict:
        """Raises JudgeError for an answer that is no verdict."""
        model = _PoolModel(ask, self._pool, f"{self._name}:{request.tries}")
        try:
            return await self._judge(model).check(request)
        except JudgeError:
            raise
        except HopError as error:
            return Errored(self._name, error.kind, error.detail)


class _PoolModel:
    """The pool as a chat model. `asker`: tells this request from others of the same order."""

    def __init__(self, ask: Ask, pool: PoolName, asker: str) -> None:
        self._ask = ask
        self._pool = pool
        self._asker = asker

    async def generate(self, request: GenerationRequest) -> Completion:
        return await self._ask(self._pool, replace(request, id=f"{request.id}:{self._asker}"))
