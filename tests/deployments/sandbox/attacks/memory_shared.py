"""Twice the memory that it may have, of the kind that the kernel does not count as a process's own."""

import mmap

kept = mmap.mmap(-1, 160 << 20)
for page in range(0, 160 << 20, 4096):
    kept[page] = 1
print("made")
