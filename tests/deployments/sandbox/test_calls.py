"""The filter of system calls, on paper: on a machine that is not here as well."""

import re
import struct
from pathlib import Path

import pytest

from deployments.sandbox.inside.calls import ASKED, LAST, MACHINES, REFUSED, filter_for

ALLOWED, KILLED, NOT_PERMITTED, MISSING = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def decided(machine: str, number: int, *arguments: int, known_as: int | None = None) -> int:
    """What the kernel would return: the few instructions of its filters that ours are made of, one after the other."""
    known_as = MACHINES[machine][1] if known_as is None else known_as
    data = struct.pack("=IIQ6Q", number, known_as, 0, *(*arguments, *[0] * (6 - len(arguments))))
    instructions, at, accumulator = filter_for(machine), 0, 0
    while True:
        code, if_true, if_false, constant = instructions[at]
        at += 1
        match code:
            case 0x20:
                accumulator = struct.unpack_from("=I", data, constant)[0]
            case 0x54:
                accumulator &= constant
            case 0x06:
                return constant
            case 0x15 | 0x35 | 0x45:
                truth = {0x15: accumulator == constant, 0x35: accumulator >= constant, 0x45: accumulator & constant}
                at += if_true if truth[code] else if_false
            case _:
                pytest.fail(f"no such instruction: {code:#x}")


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_refused_is_refused_and_nothing_else(machine: str) -> None:
    """Every number: a table with a hole, or a jump that goes too far, would show."""
    column = MACHINES[machine][0]
    refused = {numbers[column] for numbers in REFUSED.values()}
    asked = {numbers[column]: name for name, numbers in ASKED.items()}
    for number in range(LAST + 1):
        if number not in asked:
            assert decided(machine, number) == (NOT_PERMITTED if number in refused else ALLOWED), number
    for later in (LAST + 1, 1000, 0x40000000 | 39, 0xFFFFFFFF):
        assert decided(machine, later) == MISSING
    assert decided(machine, 39, known_as=0x40000003) == KILLED


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments_decide(machine: str) -> None:
    """Threads and children may be started, namespaces not; limits of one's own may be set, those of others not."""
    number = {name: numbers[MACHINES[machine][0]] for name, numbers in ASKED.items()}
    assert decided(machine, number["clone"], 17) == ALLOWED
    assert decided(machine, number["clone"], 0x3D0F00) == ALLOWED  # as libraries start a thread
    for space in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert decided(machine, number["clone"], 17 | space) == NOT_PERMITTED
    assert decided(machine, number["clone3"]) == MISSING
    assert decided(machine, number["prlimit64"], 0) == ALLOWED
    assert decided(machine, number["prlimit64"], 1) == NOT_PERMITTED
    assert decided(machine, number["socketpair"], 1, 1 | 0o2000000) == ALLOWED
    assert decided(machine, number["socketpair"], 1, 2) == NOT_PERMITTED
    assert decided(machine, number["socketpair"], 2, 1) == NOT_PERMITTED


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_the_kernels(machine: str) -> None:
    """Against the headers of Linux, where they are installed."""
    if not HEADERS[machine].exists():
        pytest.skip("no headers of Linux: apt-get install linux-libc-dev")
    lines = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    known = {name: int(number) for name, number in lines}
    ours = {name: numbers[MACHINES[machine][0]] for name, numbers in {**REFUSED, **ASKED}.items()}
    assert ours == {name: known.get(name) for name in ours}
