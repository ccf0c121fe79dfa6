"""An answer that never comes to its end."""

import os


def double(_: int) -> int:
    while True:
        os.write(3, b"1" * 65_536)
