"""A socket of each family: internet, local, the kernel's, raw packets, virtual machines."""

import socket

for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK):
    try:
        print("made", socket.socket(family, socket.SOCK_STREAM))
    except OSError as error:
        print(type(error).__name__)
