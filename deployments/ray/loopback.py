"""The addresses that a Ray started here listens on. Law: loopback alone, for its own servers and Serve's replicas.

Ray takes no address to bind: it binds where it believes its node to be, and Serve's replicas bind every interface. Only
this module changes both. A joined Ray is left as its owner started it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ray._common import tls_utils
from ray._private import ray_constants
from ray.serve._private import replica
from ray.util import get_node_ip_address

LOOPBACK = "127.0.0.1"


@contextmanager
def on_loopback() -> Iterator[None]:
    """For the start of a Ray. `_node_ip_address` cannot be 127.0.0.1: Ray then looks for an address that others can
    reach. Only a Ray that was told that it never becomes a cluster believes its node to be on loopback.
    """
    name, was = ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR, ray_constants.ENABLE_RAY_CLUSTER
    variable = os.environ.get(name)
    os.environ[name] = "0"  # for processes that Ray starts
    ray_constants.ENABLE_RAY_CLUSTER = False  # for this one, which has read it already
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = was
        if variable is None:
            del os.environ[name]
        else:
            os.environ[name] = variable


def bind_replica() -> None:
    """Call it in a Serve replica before it listens: if its node is on loopback, the replica listens there too."""
    if get_node_ip_address() == LOOPBACK:
        setattr(replica, tls_utils.add_port_to_grpc_server.__name__, _add_loopback_port)


def _add_loopback_port(server: object, address: str) -> int:
    return tls_utils.add_port_to_grpc_server(server, address.replace("[::]", LOOPBACK))
