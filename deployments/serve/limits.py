"""How many requests a replica computes at once. Replicas are asked when the configuration does not say.

Law: no code waits for an answer. An unknown number is asked for, and read at the next decision.
"""

from typing import Any

from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException


class ReplicaLimits:
    """The answers by application. Each application gives one once a replica of it is ready, and further ones where the
    number changes."""

    def __init__(self) -> None:
        self._asked: dict[str, Any] = {}
        self._known: dict[str, int | None] = {}

    def slots(self, application: str, *, changes: bool = False) -> int | None:
        """The last number; None while no replica has answered, or when its engine does not know. Call it once one is
        ready. `changes`: replicas find the number while they run, so it is asked for again (of several replicas any
        one answers)."""
        if application in self._known and not changes:
            return self._known[application]
        try:
            if application not in self._asked:
                self._asked[application] = serve.get_app_handle(application).slots.remote()
            self._known[application] = self._asked[application].result(timeout_s=0)
            del self._asked[application]
        except TimeoutError:
            pass
        except (RayError, RayServeException):  # its replica died or is being replaced: ask another one
            self._asked.pop(application, None)
        return self._known.get(application)

    def is_known(self, application: str) -> bool:
        """Whether an engine has told its number."""
        return self._known.get(application) is not None
