"""The manifests for Kubernetes: valid by their operators' schemas, read by the installed Ray's own autoscaler, in
agreement with pins and command line."""

import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig

from deployments.config.load import load
from deployments.monitoring.endpoint import USUAL_PORT
from deployments.ray.supervisor import DRAIN_S
from schemas.config import deployed
from tests.clusters.manifests import (
    Capabilities,
    ContainerSecurity,
    Expression,
    NetworkPolicy,
    Peer,
    RayCluster,
    RayClusterSpec,
    RayJob,
    Selector,
    VolumeClaim,
)
from tests.clusters.operators import faults, template_faults
from tests.clusters.pins import CLUSTERS, RAY, ROOT, VERSION, understood

EXAMPLES = ROOT / "examples"
_RAW = yaml.safe_load((CLUSTERS / "raycluster.yaml").read_text())
CLUSTER = msgspec.convert(_RAW, RayCluster)
JOB = msgspec.convert(yaml.safe_load((CLUSTERS / "rayjob.yaml").read_text()), RayJob)
FIXED = msgspec.convert(yaml.safe_load((CLUSTERS / "rayjob-4x8.yaml").read_text()), RayJob)
CLAIM = msgspec.convert(yaml.safe_load((CLUSTERS / "storage.yaml").read_text()), VolumeClaim)
HEAD = CLUSTER.spec.head_group_spec
POD = HEAD.template.spec
LOCKED = ContainerSecurity(allow_privilege_escalation=False, capabilities=Capabilities(drop=["ALL"]))
WORKERS = {group.group_name: group for group in CLUSTER.spec.worker_group_specs}


def documents() -> list[Any]:
    """Every resource of every file, with the file's name."""
    return [
        pytest.param(document, id=f"{path.stem} {document['kind']}")
        for path in sorted(CLUSTERS.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


@pytest.mark.parametrize("document", documents())
def test_its_operator_accepts_it(document: dict[str, Any]) -> None:
    """As the API server validates it: by the operator's schema; a core resource by its pod's template, or by types."""
    match document["kind"]:
        case "PersistentVolumeClaim":
            msgspec.convert(document, VolumeClaim)
        case "NetworkPolicy":
            msgspec.convert(document, NetworkPolicy)
        case "Pod":
            assert template_faults({"spec": document["spec"]}) == []
        case "Job":
            assert template_faults(document["spec"]["template"]) == []
        case _:
            assert faults(document) == []


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        (("headGroupSpec", "template", "spec"), "volume", []),
        (("headGroupSpec", "template", "spec", "containers", 0, "ports", 0), "containerPort", "6379"),
        (("authOptions",), "mode", "secret"),
        (("workerGroupSpecs", 0), "minReplica", 1),
    ],
)
def test_a_fault_is_found(path: tuple[Any, ...], name: str, value: object) -> None:
    """The schemas can refuse: a misspelt field, a wrong type, a value that there is not."""
    changed = copy.deepcopy(_RAW)
    part = changed["spec"]
    for step in path:
        part = part[step]
    part[name] = value
    assert len(faults(changed)) == 1


def test_job_and_cluster_are_the_same_cluster() -> None:
    """What was tried on a standing cluster is what a job gets, but for the gang that a job comes with."""
    gpu, *others = JOB.spec.ray_cluster_spec.worker_group_specs
    alone = msgspec.structs.replace(gpu, replicas=0, min_replicas=0)
    cluster = msgspec.structs.replace(JOB.spec.ray_cluster_spec, worker_group_specs=[alone, *others])
    assert cluster == CLUSTER.spec


def test_kueue_holds_the_jobs_until_their_gang_fits() -> None:
    """What Kueue asks of a job: its queue's label, a cluster that goes with it, and to be told if it grows. It counts
    `replicas`, all of a job's groups at once. The smallest set of the example's replicas fits on the gang."""
    queue = yaml.safe_load_all((CLUSTERS / "kueue.yaml").read_text())
    names = {document["kind"]: document["metadata"]["name"] for document in queue}
    for job in (JOB, FIXED):
        assert job.metadata.labels == {"kueue.x-k8s.io/queue-name": names["LocalQueue"]}
        assert job.spec.shutdown_after_job_finishes
        grows = job.spec.ray_cluster_spec.enable_in_tree_autoscaling
        assert job.metadata.annotations == ({"kueue.x-k8s.io/elastic-job": "true"} if grows else {})
        for group in job.spec.ray_cluster_spec.worker_group_specs:
            assert group.replicas == group.min_replicas
    for job, file in ((JOB, "cluster-8b-32b.yaml"), (FIXED, "cluster-4x8.yaml")):
        config = load(EXAMPLES / file)
        least = sum(part.part.replicas.min * part.part.replicas.num_gpus for part in deployed(config))
        (gpu, *_) = job.spec.ray_cluster_spec.worker_group_specs
        gpus = gpu.replicas * int(gpu.template.spec.containers[0].resources.limits["nvidia.com/gpu"])
        assert 0 < least <= gpus
    assert load(EXAMPLES / "cluster-4x8.yaml").scaling.accelerators == 32


@pytest.mark.parametrize("spec", [CLUSTER.spec, FIXED.spec.ray_cluster_spec], ids=["growing", "fixed"])
def test_a_head_that_must_go_drains_first(spec: RayClusterSpec) -> None:
    """KubeRay deletes the pods of a suspended job without a word to it: the hook is the word. The command is there, and
    the grace period is longer than a drain."""
    pod = spec.head_group_spec.template.spec
    (head,) = pod.containers
    assert head.lifecycle is not None
    taken = understood(" ".join(head.lifecycle.pre_stop.exec.command))
    assert taken["folder"] == Path(str(understood(JOB.spec.entrypoint)["output"]))
    assert pod.termination_grace_period_seconds >= DRAIN_S + 60


@pytest.mark.parametrize("spec", [CLUSTER.spec, FIXED.spec.ray_cluster_spec], ids=["growing", "fixed"])
def test_weights_and_shared_memory_have_their_places(spec: RayClusterSpec) -> None:
    """Every node finds weights where the Hub's client looks for them; processes of one tensor-parallel replica share
    memory, which counts as the container's own."""
    for container in spec.containers:
        variables = {variable.name: variable.value for variable in container.env}
        assert variables["HF_HUB_CACHE"] in {mount.mount_path for mount in container.volume_mounts}
    (gpu,) = (group.template.spec for group in spec.worker_group_specs if group.group_name == "gpu")
    assert "/dev/shm" in {mount.mount_path for mount in gpu.containers[0].volume_mounts}
    (shared,) = (volume.empty_dir for volume in gpu.volumes if volume.name == "shared-mem")
    assert shared is not None and shared.medium == "Memory"
    limit = gpu.containers[0].resources.limits["memory"]
    assert 0 < int(shared.size_limit.removesuffix("Gi")) < int(limit.removesuffix("Gi"))


def test_a_prometheus_finds_the_ports_that_it_may_reach() -> None:
    """The monitor's ports are named on the head, the run listens on the pod's address, the policy lets it in."""
    ports = {port.name: port.container_port for port in POD.containers[0].ports}
    monitor = yaml.safe_load((CLUSTERS / "podmonitor.yaml").read_text())["spec"]["podMetricsEndpoints"]
    scraped = {ports[endpoint["port"]] for endpoint in monitor}
    assert ports["gleaner"] == USUAL_PORT and scraped == {USUAL_PORT, 8080}
    jobs = [relabel["replacement"] for endpoint in monitor for relabel in endpoint["relabelings"]]
    configuration = yaml.safe_load((ROOT / "deployments" / "monitoring" / "prometheus.yml").read_text())
    assert jobs == [job["job_name"] for job in configuration["scrape_configs"]][:2]
    assert understood(JOB.spec.entrypoint)["metrics_host"] == "0.0.0.0"
    policy = msgspec.convert(yaml.safe_load((CLUSTERS / "network.yaml").read_text()), NetworkPolicy).spec
    assert {port.port for port in policy.ingress[2].ports} == scraped


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
    assert CLUSTER.spec.autoscaler_options is not None
    assert config.get_idle_timeout_s() == CLUSTER.spec.autoscaler_options.idle_timeout_seconds


def test_the_operators_own_rules_hold() -> None:
    """What KubeRay's validation refuses: a token without a Ray version, names that are no DNS label."""
    assert CLUSTER.spec.enable_in_tree_autoscaling
    assert CLUSTER.spec.autoscaler_options is not None
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
    assert CLUSTER.spec.autoscaler_options is not None
    assert CLUSTER.spec.autoscaler_options.security_context == LOCKED
    for group in (HEAD, *WORKERS.values()):
        assert group.template.spec.security_context.seccomp_profile.type == "RuntimeDefault"
    assert not any(group.template.spec.automount_service_account_token for group in WORKERS.values())


def test_only_pods_of_ray_reach_rays_ports() -> None:
    """All ports for each other; the dashboard's, where jobs are handed in, for the operator and the namespace too."""
    policy = msgspec.convert(yaml.safe_load((CLUSTERS / "network.yaml").read_text()), NetworkPolicy).spec
    of_ray = Selector(match_expressions=[Expression("ray.io/cluster", "Exists")])
    assert (policy.pod_selector, policy.policy_types) == (of_ray, ["Ingress"])
    each_other, others, monitors = policy.ingress
    assert (each_other.peers, each_other.ports) == ([Peer(of_ray)], [])
    assert [port.port for port in others.ports] == [8265]
    assert 8265 not in [port.port for port in monitors.ports]
    for manifest in ("rayjob.yaml", "raycluster.yaml"):
        assert "-f deployments/clusters/network.yaml" in (CLUSTERS / manifest).read_text()


def test_the_heads_folder_is_a_volume_that_outlives_it() -> None:
    """Queue, ledger and shards: on the claim, which one pod at a time may mount. Workers keep nothing."""
    mounts = {mount.name: mount.mount_path for mount in POD.containers[0].volume_mounts}
    assert mounts == {"data": "/data", "run": "/etc/gleaner", "models": "/models"}
    claims = {volume.name: volume.persistent_volume_claim for volume in POD.volumes}
    data = claims["data"]
    assert data is not None and data.claim_name == CLAIM.metadata.name
    assert CLAIM.spec.access_modes == ["ReadWriteOncePod"]
    for group in WORKERS.values():
        assert all(volume.persistent_volume_claim is None for volume in group.template.spec.volumes)
    assert POD.affinity is None and POD.tolerations == []


def test_workers_are_spot_pods_on_whichever_cloud() -> None:
    """Both groups ask for the spot nodes of one of four providers and bear the taints that such nodes have; GPU pods
    bear that of GPU nodes too. The fixed cluster asks for no provider's nodes."""
    for group in WORKERS.values():
        spec = group.template.spec
        assert spec.affinity is not None
        terms = spec.affinity.node_affinity.required.node_selector_terms
        asked = {each.key: each.values for term in terms for each in term.match_expressions}
        assert len(terms) == len(asked) == 4
        tainted = [toleration for toleration in spec.tolerations if toleration.key in asked]
        assert tainted and all(toleration.value in asked[toleration.key] for toleration in tainted)
    assert any(one.key == "nvidia.com/gpu" for one in WORKERS["gpu"].template.spec.tolerations)
    assert all(group.template.spec.affinity is None for group in FIXED.spec.ray_cluster_spec.worker_group_specs)


def test_the_job_starts_what_the_command_line_has() -> None:
    """A run into the volume, from the mounted file; a lost head is tried again on the same folder."""
    taken = understood(JOB.spec.entrypoint)
    assert str(taken["config"]).startswith(POD.containers[0].volume_mounts[1].mount_path)
    assert str(taken["output"]).startswith(POD.containers[0].volume_mounts[0].mount_path)
    assert JOB.spec.backoff_limit > 0
    assert JOB.spec.shutdown_after_job_finishes
