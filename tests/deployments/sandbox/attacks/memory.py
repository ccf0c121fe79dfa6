"""Twice the memory that it may have, in one piece."""

import mmap

try:
    print(len(mmap.mmap(-1, 512 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)))
except OSError as error:
    print(error.strerror)
