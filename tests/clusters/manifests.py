"""The part of KubeRay's and Kubernetes' API that our tests read in the manifests, as types.

Operators' resources and templates of pods are validated by the operators' own schemas (`operators.py`), which are not
asked about core resources: of these the types here refuse an unknown or misspelt field.
"""

from typing import Literal

from msgspec import Struct, field


class Part(Struct, frozen=True, rename="camel"):
    """Base of every part of a manifest that a schema validates."""


class Whole(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Base of every part of a core resource."""


class Metadata(Part, frozen=True):
    name: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class SecretRef(Part, frozen=True):
    name: str
    optional: bool


class EnvFrom(Part, frozen=True):
    secret_ref: SecretRef


class Resources(Part, frozen=True):
    requests: dict[str, str]
    limits: dict[str, str] = {}


class Variable(Part, frozen=True):
    name: str
    value: str


class Port(Part, frozen=True):
    name: str
    container_port: int


class Command(Part, frozen=True):
    command: list[str]


class Hook(Part, frozen=True):
    exec: Command


class Lifecycle(Part, frozen=True):
    pre_stop: Hook


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
    env: list[Variable]
    volume_mounts: list[VolumeMount]
    ports: list[Port] = []
    lifecycle: Lifecycle | None = None


class Claim(Part, frozen=True):
    claim_name: str
    read_only: bool = False


class EmptyDir(Part, frozen=True):
    medium: str = ""
    size_limit: str = ""


class Volume(Part, frozen=True):
    name: str
    persistent_volume_claim: Claim | None = None
    config_map: Metadata | None = None
    empty_dir: EmptyDir | None = None


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


class NodeExpression(Part, frozen=True):
    key: str
    operator: Literal["In"]
    values: list[str]


class Term(Part, frozen=True):
    match_expressions: list[NodeExpression]


class Terms(Part, frozen=True):
    node_selector_terms: list[Term]


class NodeAffinity(Part, frozen=True):
    required: Terms = field(name="requiredDuringSchedulingIgnoredDuringExecution")


class Affinity(Part, frozen=True):
    node_affinity: NodeAffinity


class Pod(Part, frozen=True):
    containers: list[Container]
    restart_policy: Literal["Never"]
    """The autoscaler's second version wants no other."""
    security_context: SecurityContext
    termination_grace_period_seconds: int
    automount_service_account_token: bool = True
    volumes: list[Volume] = []
    affinity: Affinity | None = None
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
    auth_options: AuthOptions
    head_group_spec: HeadGroup
    worker_group_specs: list[WorkerGroup]
    autoscaler_options: AutoscalerOptions | None = None

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


class Named(Whole, frozen=True):
    name: str


class Storage(Whole, frozen=True):
    requests: dict[str, str]


class ClaimSpec(Whole, frozen=True):
    access_modes: list[Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]]
    resources: Storage


class VolumeClaim(Whole, frozen=True):
    api_version: Literal["v1"]
    kind: Literal["PersistentVolumeClaim"]
    metadata: Named
    spec: ClaimSpec


class Expression(Whole, frozen=True):
    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]


class Selector(Whole, frozen=True):
    match_labels: dict[str, str] = {}
    match_expressions: list[Expression] = []


class Peer(Whole, frozen=True):
    pod_selector: Selector | None = None
    namespace_selector: Selector | None = None


class PolicyPort(Whole, frozen=True):
    protocol: Literal["TCP", "UDP"]
    port: int


class Ingress(Whole, frozen=True):
    peers: list[Peer] = field(name="from")
    ports: list[PolicyPort] = []
    """None named: all of them."""


class PolicySpec(Whole, frozen=True):
    pod_selector: Selector
    policy_types: list[Literal["Ingress", "Egress"]]
    ingress: list[Ingress]


class NetworkPolicy(Whole, frozen=True):
    api_version: Literal["networking.k8s.io/v1"]
    kind: Literal["NetworkPolicy"]
    metadata: Named
    spec: PolicySpec
