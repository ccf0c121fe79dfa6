"""The part of KubeRay's and Kubernetes' API that our manifests use, as types: an unknown or misspelt field is refused.

After `ray.io/v1` of KubeRay 1.6 (raycluster_types.go, rayjob_types.go); not the whole schema.
"""

from typing import Literal

from msgspec import Struct, field


class Part(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Base of every part of a manifest."""


class Metadata(Part, frozen=True):
    name: str


class SecretRef(Part, frozen=True):
    name: str
    optional: bool


class EnvFrom(Part, frozen=True):
    secret_ref: SecretRef


class Resources(Part, frozen=True):
    requests: dict[str, str]
    limits: dict[str, str] = {}


class VolumeMount(Part, frozen=True):
    name: str
    mount_path: str
    read_only: bool = False


class Capabilities(Part, frozen=True):
    drop: list[str]


class ContainerSecurity(Part, frozen=True):
    allow_privilege_escalation: bool
    capabilities: Capabilities


class Container(Part, frozen=True):
    name: str
    image: str
    security_context: ContainerSecurity
    resources: Resources
    env_from: list[EnvFrom]
    volume_mounts: list[VolumeMount] = []


class Claim(Part, frozen=True):
    claim_name: str


class Volume(Part, frozen=True):
    name: str
    persistent_volume_claim: Claim | None = None
    config_map: Metadata | None = None


class SeccompProfile(Part, frozen=True):
    type: Literal["RuntimeDefault", "Unconfined", "Localhost"]


class SecurityContext(Part, frozen=True):
    run_as_non_root: bool
    run_as_user: int
    fs_group: int
    seccomp_profile: SeccompProfile


class Toleration(Part, frozen=True):
    key: str
    operator: Literal["Equal", "Exists"]
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
    value: str | None = None


class Pod(Part, frozen=True):
    containers: list[Container]
    restart_policy: Literal["Never"]
    """The autoscaler's second version wants no other."""
    security_context: SecurityContext
    termination_grace_period_seconds: int
    automount_service_account_token: bool = True
    volumes: list[Volume] = []
    node_selector: dict[str, str] = {}
    tolerations: list[Toleration] = []


class Template(Part, frozen=True):
    spec: Pod


class HeadGroup(Part, frozen=True):
    ray_start_params: dict[str, str]
    template: Template


class WorkerGroup(Part, frozen=True):
    group_name: str
    replicas: int
    min_replicas: int
    max_replicas: int
    ray_start_params: dict[str, str]
    template: Template


class AutoscalerOptions(Part, frozen=True):
    version: Literal["v1", "v2"]
    idle_timeout_seconds: int
    security_context: ContainerSecurity


class AuthOptions(Part, frozen=True):
    mode: Literal["disabled", "token"]
    secret_name: str


class RayClusterSpec(Part, frozen=True):
    ray_version: str
    enable_in_tree_autoscaling: bool
    autoscaler_options: AutoscalerOptions
    auth_options: AuthOptions
    head_group_spec: HeadGroup
    worker_group_specs: list[WorkerGroup]

    @property
    def containers(self) -> list[Container]:
        groups = [self.head_group_spec.template, *(group.template for group in self.worker_group_specs)]
        return [container for template in groups for container in template.spec.containers]


class RayCluster(Part, frozen=True):
    api_version: Literal["ray.io/v1"]
    kind: Literal["RayCluster"]
    metadata: Metadata
    spec: RayClusterSpec


class RayJobSpec(Part, frozen=True):
    entrypoint: str
    backoff_limit: int
    shutdown_after_job_finishes: bool
    ttl_seconds_after_finished: int = field(name="ttlSecondsAfterFinished")
    ray_cluster_spec: RayClusterSpec = field(name="rayClusterSpec")


class RayJob(Part, frozen=True):
    api_version: Literal["ray.io/v1"]
    kind: Literal["RayJob"]
    metadata: Metadata
    spec: RayJobSpec


class ClaimSpec(Part, frozen=True):
    access_modes: list[Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]]
    resources: Resources


class VolumeClaim(Part, frozen=True):
    api_version: Literal["v1"]
    kind: Literal["PersistentVolumeClaim"]
    metadata: Metadata
    spec: ClaimSpec


class Expression(Part, frozen=True):
    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]


class Selector(Part, frozen=True):
    match_labels: dict[str, str] = {}
    match_expressions: list[Expression] = []


class Peer(Part, frozen=True):
    pod_selector: Selector | None = None
    namespace_selector: Selector | None = None


class PolicyPort(Part, frozen=True):
    protocol: Literal["TCP", "UDP"]
    port: int


class Ingress(Part, frozen=True):
    peers: list[Peer] = field(name="from")
    ports: list[PolicyPort] = []
    """None named: all of them."""


class PolicySpec(Part, frozen=True):
    pod_selector: Selector
    policy_types: list[Literal["Ingress", "Egress"]]
    ingress: list[Ingress]


class NetworkPolicy(Part, frozen=True):
    api_version: Literal["networking.k8s.io/v1"]
    kind: Literal["NetworkPolicy"]
    metadata: Metadata
    spec: PolicySpec
