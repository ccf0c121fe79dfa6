"""Ray's fake node provider whose nodes each keep the run's code in a folder of its own, as on machines of their own.

By itself all of them share one: a node that joins deletes what lies there, under the feet of workers that start.
"""

import threading
from typing import Any

from ray._private import ray_constants
from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider


class FakeNodes(FakeMultiNodeProvider):
    """For an external provider's `module`."""

    _naming = threading.Lock()
    _named = 0

    def _create_node_with_resources_and_labels(self, *arguments: Any, **options: Any) -> Any:
        with self._naming:
            FakeNodes._named += 1
            ray_constants.DEFAULT_RUNTIME_ENV_DIR_NAME = f"code-of-node-{FakeNodes._named}"
            return super()._create_node_with_resources_and_labels(*arguments, **options)
