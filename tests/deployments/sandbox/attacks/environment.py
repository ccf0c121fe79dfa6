"""The environment of whoever started it, where keys of model servers are, and the machine's name."""

import ctypes
import os

libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
print(*sorted(os.environ))
print(libc.getenv(b"GLEANER_TEST_KEY"), os.uname().nodename)
