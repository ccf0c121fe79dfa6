"""Answers in code instead of a value."""

import os


def double(_: int) -> int:
    os.write(3, b"('value', __import__('os')._exit(0))\n")
    return 0
