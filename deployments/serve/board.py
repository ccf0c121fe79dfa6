"""How a decision reaches Serve: the run writes it on a board, and Serve's controller reads it there.

Laws: the controller never waits for us. It asks, goes on, and uses the answer at a later tick; without an answer it
keeps its number. `Follow` decides nothing. This module travels to the controller by value, so it imports only Ray: a
cluster whose Serve another owner started needs none of our code.
"""

from typing import Any

import ray
from ray.exceptions import RayError

NAMESPACE = "gleaner"
ASK_EVERY_S = 0.5


class BoardShell:
    """The wanted number of replicas for each Serve deployment of one run."""

    def __init__(self) -> None:
        self._wanted: dict[str, int] = {}

    def write(self, wanted: dict[str, int]) -> None:
        self._wanted = wanted

    def read(self, deployment: str) -> int | None:
        """The wanted number; None when nothing has been decided for this deployment."""
        return self._wanted.get(deployment)


class Follow:
    """Serve's policy for one deployment: as many replicas as the board says."""

    def __init__(self, board: str, deployment: str) -> None:
        self._name = board
        self._deployment = deployment
        self._board: Any = None
        self._answer: Any = None
        self._asked_at = 0.0
        self._wanted: int | None = None

    def __call__(self, context: Any) -> tuple[int, dict[str, Any]]:
        """The wanted number of replicas, and an empty state for Serve. Never waits."""
        try:
            self._read_answer()
            self._ask(context.current_time)
        except (RayError, ValueError):  # no board: its run is starting, ended or died; ask again later
            self._board = self._answer = None
        return context.target_num_replicas if self._wanted is None else self._wanted, {}

    def _read_answer(self) -> None:
        if self._answer is None:
            return
        done, _ = ray.wait([self._answer], timeout=0)
        if not done:
            return
        self._answer = None
        heard = ray.get(done[0])
        self._wanted = self._wanted if heard is None else heard

    def _ask(self, now: float) -> None:
        if self._answer is not None or now - self._asked_at < ASK_EVERY_S:
            return
        self._asked_at = now
        if self._board is None:
            self._board = ray.get_actor(self._name, namespace=NAMESPACE)
        self._answer = self._board.read.remote(self._deployment)


_actor: Any = ray.remote
BoardActor = _actor(num_cpus=0, max_restarts=-1)(BoardShell)
