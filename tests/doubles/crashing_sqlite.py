"""SQLite's own file calls on a machine that fails at one chosen point.

A virtual file system that hands everything to SQLite's own and counts, fails or tears each write, sync, truncation,
creation and removal. Law: nothing is really synced; what SQLite asked to be synced is what the machine keeps.
"""

import _sqlite3
import ctypes as c
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.doubles.crashing_machine import Inode, Machine, Turn

OK, IOERR, CANTOPEN = 0, 10, 14
CREATE = 0x04
WRITE_ERROR, SYNC_ERROR, TRUNCATE_ERROR, DELETE_ERROR = (IOERR | (n << 8) for n in (3, 4, 6, 10))

_P = c.c_void_p
_WRITE = c.CFUNCTYPE(c.c_int, _P, _P, c.c_int, c.c_int64)
_TRUNCATE = c.CFUNCTYPE(c.c_int, _P, c.c_int64)
_SYNC = c.CFUNCTYPE(c.c_int, _P, c.c_int)
_OPEN = c.CFUNCTYPE(c.c_int, _P, _P, _P, c.c_int, _P)
_DELETE = c.CFUNCTYPE(c.c_int, _P, c.c_char_p, c.c_int)


class _Methods(c.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (
        ("version", c.c_int),
        ("close", _P),
        ("read", _P),
        ("write", _WRITE),
        ("truncate", _TRUNCATE),
        ("sync", _SYNC),
        ("others", _P * 13),
    )


class _Vfs(c.Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = (
        ("version", c.c_int),
        ("file_bytes", c.c_int),
        ("longest_path", c.c_int),
        ("next", _P),
        ("name", c.c_char_p),
        ("data", _P),
        ("open", _OPEN),
        ("delete", _DELETE),
        ("others", _P * 14),
    )


_KEPT: list["_Shim"] = []
"""SQLite calls what it was given for as long as a connection lives, a forgotten one too."""


@contextmanager
def crashing_sqlite(machine: Machine) -> Iterator[None]:
    """Every database opened in the block is on the machine. Close it before the block ends."""
    library = c.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = c.POINTER(_Vfs)
    shim = _Shim(machine, library.sqlite3_vfs_find(None).contents)
    _KEPT.append(shim)
    assert library.sqlite3_vfs_register(c.byref(shim.vfs), 1) == OK
    try:
        yield
    finally:
        library.sqlite3_vfs_unregister(c.byref(shim.vfs))


class _Shim:
    """The virtual file system of one block."""

    def __init__(self, machine: Machine, real: _Vfs) -> None:
        self._machine = machine
        self._real = real
        self._files: dict[int, tuple[Path, Inode]] = {}
        self._methods: dict[int, tuple[_Methods, _Methods]] = {}
        self.vfs = _Vfs.from_buffer_copy(real)
        self.vfs.name = b"crashing"
        self.vfs.open = _OPEN(self._open)
        self.vfs.delete = _DELETE(self._delete)

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        path = Path(c.string_at(name).decode()) if name else None  # the pointer goes on: SQLite keeps it
        creates = path is not None and bool(flags & CREATE) and not path.exists()
        turn = self._machine.turn(f"create {path.name}") if creates and path is not None else Turn.GO
        if turn in (Turn.DEAD, Turn.REFUSE):
            return CANTOPEN
        status = self._real.open(vfs, name, file, flags, out)
        if status == OK and path is not None:
            if creates:
                self._machine.created(path)
            self._files[file] = (path, self._machine.inode(path))
            self._watch(file)
        return status

    def _watch(self, file: int) -> None:
        """Puts our calls in place of the file's own."""
        place = c.cast(file, c.POINTER(_P))
        address = place[0]
        assert address is not None
        if address not in self._methods:
            real = c.cast(address, c.POINTER(_Methods)).contents
            ours = _Methods.from_buffer_copy(real)
            ours.write = _WRITE(lambda file, data, size, at: self._write(real, file, data, size=size, at=at))
            ours.truncate = _TRUNCATE(lambda file, size: self._truncate(real, file, size))
            ours.sync = _SYNC(lambda file, flags: self._sync(file))
            self._methods[address] = (real, ours)
        place[0] = c.addressof(self._methods[address][1])

    def _write(self, real: _Methods, file: int, data: int, *, size: int, at: int) -> int:
        path, inode = self._files[file]
        turn = self._machine.turn(f"write {path.name}", tears=True)
        if turn in (Turn.DEAD, Turn.REFUSE):
            return WRITE_ERROR
        kept = size // 2 if turn is Turn.TEAR else size
        self._machine.wrote(inode, at, c.string_at(data, kept))
        status = real.write(file, data, kept, at)
        return status if turn is Turn.GO else WRITE_ERROR

    def _truncate(self, real: _Methods, file: int, size: int) -> int:
        path, inode = self._files[file]
        turn = self._machine.turn(f"truncate {path.name}")
        if turn in (Turn.DEAD, Turn.REFUSE):
            return TRUNCATE_ERROR
        self._machine.wrote(inode, size, None)
        status = real.truncate(file, size)
        return status if turn is Turn.GO else TRUNCATE_ERROR

    def _sync(self, file: int) -> int:
        path, inode = self._files[file]
        turn = self._machine.turn(f"sync {path.name}")
        if turn in (Turn.DEAD, Turn.REFUSE):
            return SYNC_ERROR
        self._machine.synced(inode)
        if path.name.endswith(("-wal", "-journal")):
            self._machine.synced_folder(path.parent)  # SQLite syncs their folder with them
        return OK if turn is Turn.GO else SYNC_ERROR

    def _delete(self, vfs: int, name: bytes, sync_folder: int) -> int:
        path = Path(name.decode())
        turn = self._machine.turn(f"remove {path.name}")
        if turn in (Turn.DEAD, Turn.REFUSE):
            return DELETE_ERROR
        if path.exists():
            self._machine.named({path: None})
        status = self._real.delete(vfs, name, 0)
        if sync_folder:
            self._machine.synced_folder(path.parent)
        return status if turn is Turn.GO else DELETE_ERROR
