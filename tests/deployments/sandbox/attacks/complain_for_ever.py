"""Writes without end, to stderr and from a child."""

import os

os.fork()
while True:
    os.write(2, b"x" * 65_536)
