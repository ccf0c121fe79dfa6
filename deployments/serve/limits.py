"""How many requests a replica computes at once, asked of the replicas where the configuration does not say.

Law: nothing waits for an answer: what is not known yet is asked for, and looked at at the next decision.
"""

from typing import Any

from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException


class ReplicaLimits:
    """Answers by application; each gives one, once a replica of it is ready."""

    def __init__(self) -> None:
        self._asked: dict[str, Any] = {}
        self._known: dict[str, int | None] = {}

    def slots(self, application: str) -> int | None:
        """None while no replica has answered, or when its engine does not know. Call it once a replica is ready."""
        if application in self._known:
            return self._known[application]
        try:
            if application not in self._asked:
                self._asked[application] = serve.get_app_handle(application).slots.remote()
            self._known[application] = self._asked[application].result(timeout_s=0)
        except TimeoutError:
            return None
        except (RayError, RayServeException):  # its replica died, or is being replaced: another one is asked
            self._asked.pop(application, None)
            return None
        return self._known[application]
