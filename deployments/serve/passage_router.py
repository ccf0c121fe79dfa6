"""How Serve chooses a replica for a message whose sender has one in mind; any other goes to the shorter of two queues.

Laws: a wish is a wish. A replica that is gone or full is replaced by another one, and no message waits for it. This
module travels to processes by value, so what it tells this process goes through `deployments.serve.live`.
"""

import random

from ray.serve.request_router import PendingRequest, ReplicaID, RequestRouter, RunningReplica

from deployments.serve.live import tell_live


class PassageRouter(RequestRouter):
    """Serve's request router of a pool whose messages may name a replica, as their session."""

    def update_replicas(self, replicas: list[RunningReplica]) -> None:
        super().update_replicas(replicas)
        self._tell()

    def on_replica_actor_died(self, replica_id: ReplicaID) -> None:
        super().on_replica_actor_died(replica_id)
        self._tell()

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """The replica that the message names, then two drawn ones, of which Serve takes the one with less to do."""
        any_two = random.sample(candidate_replicas, min(2, len(candidate_replicas)))
        if pending_request is None:
            return [any_two]
        pending_request.routing_context.should_backoff = True  # otherwise Serve asks again without a pause
        wanted = pending_request.metadata.session_id
        named = [each for each in candidate_replicas if each.replica_id.unique_id == wanted] if wanted else []
        return [named, any_two]

    def _tell(self) -> None:
        tell_live(self.app_name, tuple(sorted(replica.unique_id for replica in self.curr_replicas)))
