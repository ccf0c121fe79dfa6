"""cluster.yaml is what `ray up` accepts: checked by Ray's own schema, without a cloud."""

from pathlib import Path

import pytest
import yaml

CLUSTER = Path(__file__).parent.parent / "cluster.yaml"


def test_ray_accepts_the_cluster_file() -> None:
    """A key that Ray does not know, or a node type that is not there, would fail only on somebody's bill."""
    util = pytest.importorskip("ray.autoscaler._private.util")
    config = util.fillout_defaults(yaml.safe_load(CLUSTER.read_text())) | {"cluster_synced_files": []}
    util.validate_config(config)
    with pytest.raises(Exception, match="colour"):
        util.validate_config({**config, "colour": "red"})


def test_the_head_runs_no_models_and_workers_may_be_lost() -> None:
    """Queue and ledger live on the head's kept disk; every worker is a spot machine."""
    config = yaml.safe_load(CLUSTER.read_text())
    types = config["available_node_types"]
    head = types.pop(config["head_node_type"])
    assert head["resources"] == {"CPU": 0}
    assert head["node_config"]["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"] is False
    assert {node["node_config"]["InstanceMarketOptions"]["MarketType"] for node in types.values()} == {"spot"}
