"""More rights: another user, another root, a new limit."""

import os
import resource

for act in (
    lambda: os.setuid(0),
    lambda: os.setgroups([0]),
    lambda: os.chroot("/box"),
    lambda: resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
    lambda: os.mknod("/box/disk", 0o60600, os.makedev(254, 0)),
    lambda: os.chown("/box/main.py", 0, 0),
):
    try:
        print("made", act())
    except OSError as error:
        print(error.strerror)
    except ValueError as error:
        print(error)
