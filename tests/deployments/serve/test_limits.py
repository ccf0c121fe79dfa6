"""Replicas say how many requests they compute at once, on a real Serve."""

import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from ray import serve

from benchmarks.loop import configuration
from deployments.ray.autoscaling import configured_slots
from deployments.serve.deployments import deploy, names, remove, replica_status
from deployments.serve.limits import ReplicaLimits
from schemas.config import Pool
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]


def test_a_replica_tells_its_engines_limit(tmp_path: Path) -> None:
    """An engine that chooses for its GPU, as vLLM does: the policy that adds replicas counts with the real number. An
    application that is not there is no answer, and no error."""
    plain = configuration(Path("corpus.jsonl"), rejected=0.0, concurrency=64)
    engine = CustomEngine(factory="tests.doubles.engines:instant", options={"slots": 17})
    pool = Pool(engine, Replicas(num_cpus=0.1))
    config = replace(plain, pools={"generator": pool})
    assert configured_slots(engine) is None
    where = names(config, "limits")
    application = where.by_role["generator"]
    limits = ReplicaLimits()
    assert limits.slots(application) is None
    deploy(config, where, tmp_path)
    try:
        until = time.monotonic() + 60
        while not all(status.running for status in replica_status(where)) and time.monotonic() < until:
            time.sleep(0.2)
        found = None
        while found is None and time.monotonic() < until:
            found = limits.slots(application)
            time.sleep(0.05)
        assert found == 17
        assert limits.slots(application) == 17
    finally:
        remove(where.by_role.values())
    assert application not in serve.status().applications
