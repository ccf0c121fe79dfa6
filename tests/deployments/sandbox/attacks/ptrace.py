"""The first process's memory and registers, and its limits."""

import ctypes
import os
import resource

libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(8)
vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
print(libc.ptrace(16, 1, 0, 0), os.strerror(ctypes.get_errno()))
print(libc.process_vm_readv(1, vector, 1, vector, 1, 0), os.strerror(ctypes.get_errno()))
print(libc.process_vm_writev(1, vector, 1, vector, 1, 0), os.strerror(ctypes.get_errno()))
try:
    resource.prlimit(1, resource.RLIMIT_CPU, (0, 0))
except PermissionError as error:
    print(error.strerror)
