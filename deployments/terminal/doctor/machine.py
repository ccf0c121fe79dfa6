"""The facts about a machine that a run depends on.

Law: nothing is started, written or sent, and no package is imported to learn of it: torch and vLLM take seconds. A fact
that cannot be read is None. The value of a token is never read into a fact.
"""

import os
import re
import resource
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import psutil
from msgspec import Struct

MOST_ENTRIES = 20_000
"""Files that are counted of Ray's old sessions: bounded, whatever lies there."""
RAY_PROCESSES = ("raylet", "gcs_server")
_PIN = re.compile(r"([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)(?:; extra == \"([\w-]+)\")?")
_CUDA = re.compile(r"^(cuda|hip|rocm)\b[^=]*=\s*'([^']+)'", re.MULTILINE)


class TorchBuild(Struct, frozen=True):
    """`gpu`: what it was built for, such as `cuda 12.8`; None: a build for CPUs alone."""

    version: str
    gpu: str | None


class Gpus(Struct, frozen=True):
    """`devices`: those that the system shows; `visible`: what CUDA_VISIBLE_DEVICES says, None if it is not set."""

    devices: int
    visible: str | None = None


class Space(Struct, frozen=True):
    """Of a file system, in bytes. `inodes`: free ones; None where they are not counted. `kind`: such as ext4; "" if it
    is not known."""

    path: str
    total: int
    free: int
    inodes: int | None = None
    kind: str = ""


class RayLeft(Struct, frozen=True):
    """What other Rays are here: processes by name and id; old session folders and their bytes; RAY_ADDRESS."""

    processes: tuple[tuple[str, int], ...] = ()
    sessions: int = 0
    session_bytes: int = 0
    address: str | None = None


class UserLimits(Struct, frozen=True):
    """Of this process: open files (soft and hard), processes; None is no limit. `pids`: of its control group."""

    files: int | None
    most_files: int | None
    processes: int | None
    pids: int | None = None


class MainMemory(Struct, frozen=True):
    """In bytes. `limit`: of the control group, None for none."""

    total: int
    available: int
    limit: int | None = None


class Hub(Struct, frozen=True):
    """The Hugging Face hub as this user reaches it. `cache`: where models are kept."""

    token: bool
    offline: bool
    cache: str


def python_version() -> tuple[int, int]:
    """Major and minor."""
    return sys.version_info[:2]


def pins(extra: str | None = None) -> dict[str, str]:
    """The versions that gleaner is made for, by package; those of an extra, or those that every run needs."""
    found = (_PIN.fullmatch(each) for each in metadata.requires("gleaner") or ())
    return {match[1]: match[2] for match in found if match is not None and match[3] == extra}


def installed(*packages: str) -> dict[str, str]:
    """The versions of those that are installed."""
    versions: dict[str, str] = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def torch_build() -> TorchBuild | None:
    """By torch's own version.py, which is read and not run."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    gpu = _CUDA.search(text)
    return TorchBuild(metadata.version("torch"), None if gpu is None else f"{gpu[1]} {gpu[2]}")


def gpus() -> Gpus | None:
    """By the devices of the drivers; None on a system without /dev and /proc as Linux has them."""
    if not Path("/proc/self").exists():
        return None
    nvidia = [each for each in Path("/dev").glob("nvidia*") if each.name.removeprefix("nvidia").isdigit()]
    amd = list(Path("/dev/dri").glob("renderD*")) if Path("/dev/kfd").exists() else []
    return Gpus(len(nvidia) or len(amd), os.environ.get("CUDA_VISIBLE_DEVICES"))


def space(path: Path) -> Space | None:
    """Of the file system that holds a path, which need not exist yet."""
    there = next((each for each in (path.absolute(), *path.absolute().parents) if each.exists()), None)
    if there is None:
        return None
    try:
        found = os.statvfs(there)
    except OSError:
        return None
    inodes = found.f_favail if found.f_files else None
    size, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    return Space(str(path), size, free, inodes, _mounted_as(there))


def _mounted_as(path: Path) -> str:
    """The kind of the file system that holds an existing path."""
    mounts = {Path(each.mountpoint): each.fstype for each in psutil.disk_partitions(all=True)}
    real = path.resolve()
    return next((mounts[each] for each in (real, *real.parents) if each in mounts), "")


def temporary_folder() -> Path:
    """Where a run's Ray has its sockets, logs and spilled objects."""
    return Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir())


def is_taken(port: int) -> bool:
    """Whether something listens at a port of this machine's loopback."""
    with closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ray_left(folder: Path = Path("/tmp/ray")) -> RayLeft | None:
    """Ray's processes of any user, and what old sessions left; None where /proc cannot be read."""
    try:
        processes = tuple(sorted(_named(RAY_PROCESSES)))
    except OSError:
        return None
    sessions = [each for each in _entries(folder) if each.name.startswith("session_2") and not each.is_symlink()]
    files = (each for session in sessions for each in _files(Path(session.path)))
    size = sum(entry.stat(follow_symlinks=False).st_size for _, entry in zip(range(MOST_ENTRIES), files, strict=False))
    return RayLeft(processes, len(sessions), size, os.environ.get("RAY_ADDRESS"))


def limits() -> UserLimits:
    """Of this process, which a run's processes inherit."""
    files, most_files = map(_limit, resource.getrlimit(resource.RLIMIT_NOFILE))
    processes, _ = map(_limit, resource.getrlimit(resource.RLIMIT_NPROC))
    return UserLimits(files, most_files, processes, _of_group("pids.max"))


def memory() -> MainMemory | None:
    """Of the machine, and of this process's control group where it has a limit."""
    try:
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        total, available = (int(rows[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError, ValueError):
        return None
    limit, used = _of_group("memory.max"), _of_group("memory.current")
    if limit is None or limit >= total:
        return MainMemory(total, available)
    return MainMemory(total, min(available, limit - (used or 0)), limit)


def hub() -> Hub:
    """Whether there is a token, and where models are kept; by huggingface_hub's own variables."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface").expanduser()
    kept = Path(os.environ.get("HF_TOKEN_PATH") or home / "token")
    token = any(os.environ.get(name) for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")) or (
        kept.is_file() and kept.stat().st_size > 0
    )
    offline = any(os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in OFFLINE)
    return Hub(token, offline, os.environ.get("HF_HUB_CACHE") or str(home / "hub"))


OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def _limit(value: int) -> int | None:
    return None if value == resource.RLIM_INFINITY else value


def _of_group(name: str) -> int | None:
    """A number of this process's control group (version 2); None for `max`, and where there is none."""
    try:
        below = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        group = Path("/sys/fs/cgroup") / below.removeprefix("0::").lstrip("/")
        path = group / name if (group / name).exists() else Path("/sys/fs/cgroup") / name
        return int(path.read_text())
    except (OSError, ValueError, StopIteration):
        return None


def _named(names: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                name = Path(entry.path, "comm").read_text().strip()
            except OSError:  # it has ended
                continue
            if name in names:
                yield name, int(entry.name)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield entry
