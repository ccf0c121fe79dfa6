"""The environment of whoever started it: keys of model servers are there."""

import ctypes
import os

libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
print(*sorted(os.environ), libc.getenv(b"GLEANER_TEST_KEY"))
