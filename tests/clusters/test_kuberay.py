"""The KubeRay manifests: typed, read by the installed Ray's own autoscaler, in agreement with pins and command line."""

import msgspec
import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig

from tests.clusters.manifests import (
    Capabilities,
    ContainerSecurity,
    Expression,
    NetworkPolicy,
    Peer,
    RayCluster,
    RayJob,
    Selector,
    VolumeClaim,
)
from tests.clusters.pins import CLUSTERS, RAY, VERSION, understood

_RAW = yaml.safe_load((CLUSTERS / "raycluster.yaml").read_text())
CLUSTER = msgspec.convert(_RAW, RayCluster)
JOB = msgspec.convert(yaml.safe_load((CLUSTERS / "rayjob.yaml").read_text()), RayJob)
CLAIM = msgspec.convert(yaml.safe_load((CLUSTERS / "storage.yaml").read_text()), VolumeClaim)
HEAD = CLUSTER.spec.head_group_spec
POD = HEAD.template.spec
LOCKED = ContainerSecurity(allow_privilege_escalation=False, capabilities=Capabilities(drop=["ALL"]))
WORKERS = {group.group_name: group for group in CLUSTER.spec.worker_group_specs}


def test_a_misspelt_field_is_refused() -> None:
    """The types above can fail."""
    values = yaml.safe_load((CLUSTERS / "raycluster.yaml").read_text())
    values["spec"]["headGroupSpec"]["template"]["spec"]["volume"] = []
    with pytest.raises(msgspec.ValidationError, match="unknown field `volume`"):
        msgspec.convert(values, RayCluster)


def test_job_and_cluster_are_the_same_cluster() -> None:
    """What was tried on a standing cluster is what a job gets."""
    assert JOB.spec.ray_cluster_spec == CLUSTER.spec


def test_rays_autoscaler_reads_the_groups() -> None:
    """The code that runs beside the head: no model there, GPUs and CPUs from none to many."""
    resource = {"metadata": {"name": "gleaner", "namespace": "default"}, "spec": _RAW["spec"]}
    config = AutoscalingConfig(_derive_autoscaling_config_from_ray_cr(resource), skip_content_hash=True)
    types = config.get_node_type_configs()
    assert types is not None
    assert types["headgroup"].resources["CPU"] == 0
    assert types["gpu"].resources["GPU"] == 8
    assert "GPU" not in types["cpu"].resources
    assert [(types[name].min_worker_nodes, types[name].max_worker_nodes) for name in WORKERS] == [(0, 48), (0, 16)]
    assert config.get_idle_timeout_s() == CLUSTER.spec.autoscaler_options.idle_timeout_seconds


def test_the_operators_own_rules_hold() -> None:
    """What KubeRay's validation refuses: a token without a Ray version, names that are no DNS label."""
    assert CLUSTER.spec.enable_in_tree_autoscaling
    assert CLUSTER.spec.autoscaler_options.version == "v2"
    assert CLUSTER.spec.auth_options.mode == "token"
    assert CLUSTER.spec.ray_version == RAY
    for name in (CLUSTER.metadata.name, JOB.metadata.name, *WORKERS):
        assert name.isalpha() and name.islower() and len(name) < 47


def test_every_container_runs_our_image_without_root() -> None:
    """The image of this version, the same on every node; keys come from one secret that need not be there."""
    assert {container.image for container in CLUSTER.spec.containers} == {f"gleaner:{VERSION}"}
    for group in (HEAD, *WORKERS.values()):
        assert group.template.spec.security_context.run_as_non_root
    assert all(container.env_from[0].secret_ref.optional for container in CLUSTER.spec.containers)


def test_no_container_gains_rights() -> None:
    """The base image lets its user become root by sudo: without new privileges and capabilities that leads nowhere. The
    head's autoscaler asks the API server for pods; workers, which run models, hold no token for it."""
    assert all(container.security_context == LOCKED for container in CLUSTER.spec.containers)
    assert CLUSTER.spec.autoscaler_options.security_context == LOCKED
    for group in (HEAD, *WORKERS.values()):
        assert group.template.spec.security_context.seccomp_profile.type == "RuntimeDefault"
    assert not any(group.template.spec.automount_service_account_token for group in WORKERS.values())


def test_only_pods_of_ray_reach_rays_ports() -> None:
    """All ports for each other; the dashboard's, where jobs are handed in, for the operator and the namespace too."""
    policy = msgspec.convert(yaml.safe_load((CLUSTERS / "network.yaml").read_text()), NetworkPolicy).spec
    of_ray = Selector(match_expressions=[Expression("ray.io/cluster", "Exists")])
    assert (policy.pod_selector, policy.policy_types) == (of_ray, ["Ingress"])
    each_other, others = policy.ingress
    assert (each_other.peers, each_other.ports) == ([Peer(of_ray)], [])
    assert [port.port for port in others.ports] == [8265]
    for manifest in ("rayjob.yaml", "raycluster.yaml"):
        assert "-f deployments/clusters/network.yaml" in (CLUSTERS / manifest).read_text()


def test_the_heads_folder_is_a_volume_that_outlives_it() -> None:
    """Queue, ledger and shards: on the claim, which one pod at a time may mount. Workers keep nothing."""
    mounts = {mount.name: mount.mount_path for mount in POD.containers[0].volume_mounts}
    assert mounts == {"data": "/data", "run": "/etc/gleaner"}
    claims = {volume.name: volume.persistent_volume_claim for volume in POD.volumes}
    data = claims["data"]
    assert data is not None and data.claim_name == CLAIM.metadata.name
    assert CLAIM.spec.access_modes == ["ReadWriteOncePod"]
    assert not any(group.template.spec.volumes for group in WORKERS.values())
    assert POD.node_selector == {}


def test_workers_are_spot_pods() -> None:
    """Both groups ask for spot nodes and bear their taint; GPU pods bear that of GPU nodes too."""
    for group in WORKERS.values():
        (key, value) = next(iter(group.template.spec.node_selector.items()))
        assert value == "spot"
        assert any(one.key == key and one.value == value for one in group.template.spec.tolerations)
    assert any(one.key == "nvidia.com/gpu" for one in WORKERS["gpu"].template.spec.tolerations)


def test_the_job_starts_what_the_command_line_has() -> None:
    """A run into the volume, from the mounted file; a lost head is tried again on the same folder."""
    taken = understood(JOB.spec.entrypoint)
    assert str(taken["config"]).startswith(POD.containers[0].volume_mounts[1].mount_path)
    assert str(taken["output"]).startswith(POD.containers[0].volume_mounts[0].mount_path)
    assert JOB.spec.backoff_limit > 0
    assert JOB.spec.shutdown_after_job_finishes
