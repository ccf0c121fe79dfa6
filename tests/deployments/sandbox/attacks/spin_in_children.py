"""Takes processor time in children that nobody waits for, a little in each."""

import os
import time

while True:
    child = os.fork()
    if child == 0:
        until = time.process_time() + 0.1
        while time.process_time() < until:
            pass
        os._exit(0)
    os.waitpid(child, 0)
