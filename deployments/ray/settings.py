"""What Ray is told by its environment, here and in its processes. Light: no ray. It reads most of it at its import."""

JOINED = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_FORCE_STOP_UNHEALTHY_REPLICAS": "1",  # do not wait for a hanging replica
}
"""Unless somebody has said otherwise."""
OWN_TOKEN = {"RAY_AUTH_MODE": "token"}
"""What Ray sets itself when it starts here, unless somebody has said otherwise."""
NO_CLUSTER = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""0 for a Ray that starts here: it listens on loopback alone (`deployments.ray.loopback`)."""


def of_a_ray_that_starts_here(environment: dict[str, str]) -> dict[str, str]:
    """An environment with all of it."""
    return {**JOINED, **OWN_TOKEN, **environment, NO_CLUSTER: "0"}
