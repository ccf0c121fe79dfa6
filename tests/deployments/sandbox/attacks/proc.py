"""Other processes through /proc: their memory, environment and files, and a /proc of one's own."""

import ctypes
import os

for path in ("/proc/self/mem", "/proc/1/environ", "/proc/1/mem", "/proc/self/fd", "/sys/kernel", "/dev/mem"):
    print(path, os.path.exists(path))
libc = ctypes.CDLL(None)
print(libc.mount(b"proc", b"/box", b"proc", 0, None))
