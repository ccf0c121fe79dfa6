"""Files as large as there is room for."""

import os

written = 0
for name in ("one", "other", "third"):
    file = os.open(f"/box/{name}", os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            written += os.write(file, bytes(1 << 20))
    except OSError as error:
        print(error.strerror)
print(written >> 20)
