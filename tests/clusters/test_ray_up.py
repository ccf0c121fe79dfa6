"""cluster.yaml is what `ray up` accepts: checked by the installed Ray's own code, without a cloud."""

from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig

from deployments.ray.cluster import SENT
from tests.clusters.pins import RAY, ROOT

CLUSTER = yaml.safe_load((ROOT / "cluster.yaml").read_text())


@pytest.fixture(scope="module")
def prepared() -> dict[str, Any]:
    """The file with the provider's defaults, as `ray up` has it before it asks the cloud."""
    return prepare_config(CLUSTER)


def test_ray_accepts_the_file(prepared: dict[str, Any]) -> None:
    """A key that Ray does not know, or a node type that is not there, would fail only on somebody's bill."""
    validate_config(prepared)
    with pytest.raises(Exception, match="colour"):
        validate_config({**prepared, "colour": "red"})
    with pytest.raises(ValueError, match="head_node_type"):
        validate_config({**prepared, "head_node_type": "nobody"})


def test_the_autoscaler_reads_pools_of_nodes_from_it() -> None:
    """Ray's autoscaler, which runs on the head: no model on the head, GPU and CPU workers from none to many."""
    config = AutoscalingConfig(CLUSTER, skip_content_hash=True)
    types = config.get_node_type_configs()
    assert types is not None
    assert types["head"].resources == {"CPU": 0}
    assert types["gpu"].resources["GPU"] == 8
    assert "GPU" not in types["cpu"].resources
    for worker in (types["gpu"], types["cpu"]):
        assert worker.min_worker_nodes == 0 < worker.max_worker_nodes
    assert sum(types[name].max_worker_nodes for name in ("gpu", "cpu")) <= CLUSTER["max_workers"]


def test_the_heads_disk_stays_and_workers_may_be_lost() -> None:
    """Queue, ledger and shards outlive the head's machine; every worker is a spot machine and keeps nothing."""
    types = dict(CLUSTER["available_node_types"])
    head = types.pop(CLUSTER["head_node_type"])["node_config"]
    assert head["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"] is False
    assert "InstanceMarketOptions" not in head
    assert CLUSTER["provider"]["cache_stopped_nodes"] is True
    assert any(option == "--volume=/data:/data" for option in CLUSTER["docker"]["run_options"])
    for worker in types.values():
        assert worker["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
        assert "DeleteOnTermination" not in worker["node_config"]["BlockDeviceMappings"][0]["Ebs"]


def test_every_node_has_the_token_and_asks_for_it() -> None:
    """Whoever reaches a port of a Ray without a token runs code there. The token is a file, no line of this one."""
    assert CLUSTER["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    commands = [*CLUSTER["head_start_ray_commands"], *CLUSTER["worker_start_ray_commands"]]
    starts = [line for line in commands if "ray start" in line]
    assert len(starts) == 2
    assert all(line.startswith("RAY_AUTH_MODE=token ray start ") for line in starts)
    assert "--dashboard-host=127.0.0.1" in starts[0]


def test_nothing_but_code_goes_to_the_nodes() -> None:
    """A clone holds keys, documents and runs too; the same is sent as to a cluster that a run joins."""
    mounts = {target: source for target, source in CLUSTER["file_mounts"].items() if "auth_token" not in target}
    assert mounts == {f"~/gleaner/{name}": name for name in SENT}
    assert ".*" in CLUSTER["rsync_exclude"]


def test_the_image_has_the_pinned_ray() -> None:
    """Nodes of another Ray version than the driver's refuse it."""
    assert CLUSTER["docker"]["image"].startswith(f"rayproject/ray:{RAY}-py312")
