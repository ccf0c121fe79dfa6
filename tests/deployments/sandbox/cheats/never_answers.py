"""Waits for ever when it is asked."""


def double(_: int) -> int:
    while True:
        pass
