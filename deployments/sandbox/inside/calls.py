"""The system calls that a program may not make, as a filter that the kernel runs (seccomp). Law: what is not known is
refused; a refused call is an error for the program, a foreign architecture its end.

Refused is what reaches another process, a network, or memory that no limit counts, and what has no use in a program but
to find a fault in the kernel. Everything else is left to namespaces and limits, so that any program runs.
"""

import ctypes
import os
import struct

REFUSED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_getfd": (438, 438), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268), "socket": (41, 198),
    "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197), "semget": (64, 190), "semop": (65, 193),
    "semctl": (66, 191), "semtimedop": (220, 192), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188),
    "msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181), "mq_timedsend": (242, 182),
    "mq_timedreceive": (243, 183), "mq_notify": (244, 184), "mq_getsetattr": (245, 185),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "acct": (163, 89), "syslog": (103, 116), "personality": (135, 92),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "lookup_dcookie": (212, 18),
    "uselib": (134, None), "vhangup": (153, 58), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "clock_adjtime": (305, 266), "adjtimex": (159, 171), "sethostname": (170, 161), "setdomainname": (171, 162),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263), "move_pages": (279, 239), "migrate_pages": (256, 238),
    "mbind": (237, 235), "set_mempolicy": (238, 237), "set_mempolicy_home_node": (450, 450), "setxattr": (188, 5),
    "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setpriority": (141, 140), "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
}  # fmt: skip
"""Name -> its number on x86_64 and on aarch64; None: there is none. Sockets and memfd_create are the ones that programs
do meet: the first reach others, the second is memory outside every limit."""
ASKED: dict[str, tuple[int, int]] = {
    "clone": (56, 220), "clone3": (435, 435), "prlimit64": (302, 261), "socketpair": (53, 199),
}  # fmt: skip
"""Calls whose arguments decide."""
LAST = 456
"""The last number known here, on both machines; a later one "does not exist", as on an older kernel."""
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine -> its column above, and what the kernel calls it."""

_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = _ERRNO | 1, _ERRNO | 38
_LOAD, _AND, _RETURN, _EQUAL, _AT_LEAST, _ANY_BIT = 0x20, 0x54, 0x06, 0x15, 0x35, 0x45
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_NEW_NAMESPACES = 0x7E020000
"""The bits of clone's flags that ask for one."""
_UNIX, _KIND_OF_SOCKET, _STREAM = 1, 0xF, 1
Instruction = tuple[int, int, int, int]
"""Code, how far to jump if true, if false, and its constant."""


class Filter(ctypes.Structure):
    """What `seccomp` is given: the number of instructions, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def filter_for(machine: str) -> list[Instruction]:
    """The filter's instructions on one machine. Raises KeyError for a machine that is not in MACHINES."""
    column, known_as = MACHINES[machine]
    made: list[Instruction] = [
        (_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 1, 0, known_as), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT), (_AT_LEAST, 0, 1, LAST + 1), (_RETURN, 0, 0, _ENOSYS),
    ]  # fmt: skip
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            made += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _EPERM)]
    for name, body in _BY_ARGUMENT.items():
        made += [(_EQUAL, 0, len(body), ASKED[name][column]), *body]
    return [*made, (_RETURN, 0, 0, _ALLOW)]


def _argument(position: int) -> Instruction:
    """Loads the low half of an argument: none that is asked about has more."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * position)


_BY_ARGUMENT: dict[str, list[Instruction]] = {
    # its flags are in memory, where no filter can look; libraries fall back to clone
    "clone3": [(_RETURN, 0, 0, _ENOSYS)],
    "clone": [_argument(0), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), (_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW)],
    # the limits of another process
    "prlimit64": [_argument(0), (_EQUAL, 1, 0, 0), (_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW)],
    # a pair of one process's own, as asyncio needs it; datagrams could be sent to other addresses
    "socketpair": [
        _argument(0), (_EQUAL, 1, 0, _UNIX), (_RETURN, 0, 0, _EPERM),
        _argument(1), (_AND, 0, 0, _KIND_OF_SOCKET), (_EQUAL, 1, 0, _STREAM), (_RETURN, 0, 0, _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ],
}  # fmt: skip


class CallFilter:
    """The filter of this machine, ready to be handed to the kernel."""

    def __init__(self) -> None:
        made = filter_for(os.uname().machine)
        self._instructions = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in made))
        self.filter = Filter(len(made), ctypes.addressof(self._instructions))
