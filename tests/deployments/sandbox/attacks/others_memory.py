"""A program is a copy of its worker: what did the worker leave in it of other programs? Looks through the pages around
its objects, and says whether it found words of its own (so that the search is one) and words of others."""

import ctypes
import gc
import os
import re
import sys

OWN, OTHERS = re.compile(rb"words of its[ ]own"), re.compile(rb"words of the[ ]others")  # no pattern finds itself
libc = ctypes.CDLL(None)
into, out = os.pipe()
searched: set[int] = set()
own = b"".join((b"words of ", b"its own"))
found = {OWN: False, OTHERS: False}


def search(page: int) -> None:
    """`write` returns an error where there is no page, and no signal."""
    if page not in searched and libc.write(out, ctypes.c_void_p(page), ctypes.c_size_t(4096)) == 4096:
        data = os.read(into, 4096)
        for words in found:
            found[words] |= words.search(data) is not None
    searched.add(page)


frame = sys._getframe()
while frame.f_back is not None:
    frame = frame.f_back
    found[OTHERS] |= OTHERS.search(repr(frame.f_locals).encode()) is not None
for thing in [own, *gc.get_objects(), *sys.modules.values()]:
    for near in range(-1, 2):
        search((id(thing) & ~4095) + 4096 * near)
print(*found.values(), flush=True)
