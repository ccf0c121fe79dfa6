"""Does not end when it ends: exit functions, threads, destructors."""

import atexit
import sys
import threading
import time


@atexit.register
def stay() -> None:
    while True:
        time.sleep(1)


threading.Thread(target=stay).start()
sys.exit(0)
