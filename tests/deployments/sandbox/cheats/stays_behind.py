"""Ends, and leaves a child that answers later."""

import os
import time

if os.fork() > 0:
    os._exit(0)
time.sleep(0.2)


def double(number: int) -> int:
    return number
