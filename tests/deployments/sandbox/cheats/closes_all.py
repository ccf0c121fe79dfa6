"""Closes every file that it has."""

import os

os.closerange(0, 256)


def double(number: int) -> int:
    return 2 * number
