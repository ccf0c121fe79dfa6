"""How often a process of ours looks for cycles of objects that nobody holds."""

import gc

SELDOM = 10_000


def collect_seldom() -> None:
    """For a process that makes thousands of short-lived objects a second: Python's own threshold of 700 is reached at
    every few attempts, and what is found there is still in use. A cycle is found a little later."""
    gc.set_threshold(SELDOM)
