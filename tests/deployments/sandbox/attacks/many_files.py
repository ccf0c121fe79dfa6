"""As many files as there is room for, in folders that cannot be entered."""

import os

count = 0
try:
    while count < 100_000:
        os.mkdir(f"/box/{count}", 0o000)
        count += 1
except OSError as error:
    print(error.strerror, count)
