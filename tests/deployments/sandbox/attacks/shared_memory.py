"""Memory with a name, which would outlive it."""

import os
from multiprocessing import shared_memory

try:
    print("made", shared_memory.SharedMemory(create=True, size=1 << 20))
except OSError as error:
    print(type(error).__name__, sorted(os.listdir("/dev")))
