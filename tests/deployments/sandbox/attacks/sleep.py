"""Takes no processor time and never ends."""

import signal

signal.pause()
