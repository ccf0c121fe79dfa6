"""Leaves a process behind that has forked twice, has a session of its own, and writes later."""

import os
import sys
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            time.sleep(2)
            os.write(1, b"late\n")
    os._exit(0)
os.wait()
print("verdict")
sys.stdout.flush()
os._exit(0)
