"""Starts children that wait, until the system refuses one."""

import os
import signal

children = []
try:
    while len(children) < 200:
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
except OSError as error:
    print(type(error).__name__, len(children))
