"""Names inside its folder for files outside, and files outside themselves."""

import os
import sys

secret = sys.stdin.read()
for act in (
    lambda: os.link("/usr/bin/env", "/box/env"),
    lambda: open("/usr/planted", "w"),
    lambda: open("/planted", "w"),
    lambda: os.symlink("/box", "/dev/planted"),
    lambda: os.rename("/usr", "/box/usr"),
    lambda: open("/etc/passwd"),
    lambda: open("/etc/shadow"),
    lambda: (os.symlink(secret, "/box/link"), open("/box/link")),
    lambda: open("/box/../../../../../.." + secret),
):
    try:
        print("made", act())
    except OSError as error:
        print(error.strerror)
print([name for name in ("home", "proc", "run", "sys", "var", "work") if os.path.exists(f"/box/../{name}")])
