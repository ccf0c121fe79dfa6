"""Children that together take more than it may have; each by itself does not."""

import os
import time

for _ in range(4):
    if os.fork() == 0:
        kept = bytearray(os.urandom(1)) * (30 << 20)
        time.sleep(100)
time.sleep(100)
