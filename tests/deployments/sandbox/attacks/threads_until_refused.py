"""Starts threads that wait, until the system refuses one."""

import threading

never = threading.Event()
count = 0
try:
    while count < 200:
        threading.Thread(target=never.wait, daemon=True).start()
        count += 1
except RuntimeError as error:
    print(type(error).__name__, count)
