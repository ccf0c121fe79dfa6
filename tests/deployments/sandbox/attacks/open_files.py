"""Writes a forged report to every open file that it was not given, then has none."""

import os

forged = 0
for file in range(3, 4096):
    try:
        forged += os.write(file, b'{"status": 0}\n')
    except OSError:
        pass
print(forged, flush=True)
os.closerange(0, 4096)
os._exit(9)
