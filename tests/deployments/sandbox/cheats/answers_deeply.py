"""An answer so deep that reading it would crash."""

import os


def double(_: int) -> int:
    os.write(3, b"(" * 500_000 + b"\n")
    return 0
