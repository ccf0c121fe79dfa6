"""The worker that it is a copy of: its modules, its path."""

import sys

try:
    import deployments
except ImportError as error:
    deployments = error
print(type(deployments).__name__, sys.path[0], "sitecustomize" in sys.modules)
