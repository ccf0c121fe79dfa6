"""Crashes; a core dump would hold its memory, and be written or piped by the kernel."""

import os
import resource

print(resource.getrlimit(resource.RLIMIT_CORE), flush=True)
os.abort()
