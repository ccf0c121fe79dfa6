"""A pair for datagrams could send to any local address; one for streams only to itself."""

import socket

one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
one.sendall(b"to itself")
print(other.recv(100).decode())
for act in (lambda: one.bind("\0abstract"), lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)):
    try:
        print("made", act())
    except OSError as error:
        print(type(error).__name__)
