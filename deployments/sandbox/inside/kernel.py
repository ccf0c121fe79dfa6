"""The few calls of Linux that Python 3.11 has no function for. Each raises OSError with the call's name."""

import ctypes
import os
import signal
from enum import IntFlag

from deployments.sandbox.inside.calls import CallFilter

_LIBC = ctypes.PyDLL(None, use_errno=True)
"""PyDLL keeps the interpreter's lock during a call: the child of `clone` needs it."""
_LIBC.syscall.restype = ctypes.c_long
_CLONE = {"x86_64": 56, "aarch64": 220}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_MOUNT_SETATTR, _CLOSE_RANGE = 442, 436
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_READ_ONLY, _NO_SUID, _NO_DEVICES = 1, 2, 4
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 1, 4, 38, 36
_CAPABILITIES_V3 = 0x20080522
_DETACH = 2
_SET_FILTER = 1


class Spaces(IntFlag):
    """Kinds of namespaces."""

    MOUNT = 0x00020000
    UTS = 0x04000000
    IPC = 0x08000000
    USER = 0x10000000
    PID = 0x20000000
    NET = 0x40000000


class Mounting(IntFlag):
    """Flags of `mount`."""

    NO_SUID = 2
    NO_DEVICES = 4
    BIND = 4096
    RECURSIVE = 16384
    PRIVATE = 1 << 18


def unshare(spaces: Spaces) -> None:
    """Leaves the given namespaces for new ones."""
    _checked(_LIBC.unshare(int(spaces)), "unshare")


def clone(spaces: Spaces) -> int:
    """Like `os.fork`, with the child in new namespaces. The caller has one thread."""
    return _checked(_call(_CLONE, int(spaces) | signal.SIGCHLD, 0, 0, 0, 0), "clone")


def mount(source: str, target: str, kind: str, flags: Mounting, options: str = "") -> None:
    """As in mount(2)."""
    made = _LIBC.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(int(flags)), options.encode() or None
    )
    _checked(made, f"mount {target}")


def seal(path: str, *, devices: bool = False) -> None:
    """A mount and all below it: read-only, no program changes its user, and there are no devices unless asked for."""
    attributes = _READ_ONLY | _NO_SUID | (0 if devices else _NO_DEVICES)
    given = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    call = (_MOUNT_SETATTR, _AT_FDCWD, path.encode(), _AT_RECURSIVE, ctypes.byref(given), ctypes.c_size_t(32))
    _checked(_LIBC.syscall(*call), f"mount_setattr {path}")


def make_root(path: str) -> None:
    """The mount at this path becomes the root; the old root and everything in it is gone."""
    os.chdir(path)
    _checked(_call(_PIVOT_ROOT, b".", b"."), "pivot_root")
    _checked(_LIBC.umount2(b".", _DETACH), "umount2")
    os.chdir("/")


def end_with_parent() -> None:
    """The kernel kills this process when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Descendants whose parent has ended become children of this process."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def be_seen() -> None:
    """Files of this process in /proc are its user's own again, after it has changed its user."""
    _prctl(_PR_SET_DUMPABLE, 1)


def drop_rights() -> None:
    """No capability, now or through any program that is started."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    none = (ctypes.c_uint32 * 6)()
    _checked(_call(_CAPSET, ctypes.byref(header), ctypes.byref(none)), "capset")


def refuse_calls(calls: CallFilter) -> None:
    """From now on, for this process and all that it starts. Only after `drop_rights`."""
    _checked(_call(_SECCOMP, _SET_FILTER, 0, ctypes.byref(calls.filter)), "seccomp")


def close_from(first: int) -> None:
    """Closes every open file from this number on."""
    _checked(_LIBC.syscall(_CLOSE_RANGE, first, ctypes.c_uint(0xFFFFFFFF), 0), "close_range")


def _prctl(option: int, value: int) -> None:
    _checked(_LIBC.prctl(option, value, 0, 0, 0), "prctl")


def _call(numbers: dict[str, int], *arguments: object) -> int:
    return _LIBC.syscall(numbers[os.uname().machine], *arguments)


def _checked(returned: int, call: str) -> int:
    if returned < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return returned
