"""Code of one's own, named by a configuration's `factory`. Law: the folder that a command is given in becomes code for
such a factory alone, and only where Python finds it nowhere else; then last of all, so that nothing is put in the place
of what is installed.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import Any

VARIABLE = "GLEANER_ENGINES_PATH"
"""Where such code may lie: for this process and, handed on, for those that Ray starts."""


def may_lie_here() -> None:
    """For a command that runs a configuration: its factories may lie in the folder it is given in."""
    os.environ.setdefault(VARIABLE, os.getcwd())


def place() -> str | None:
    """Where such code may lie, for processes elsewhere: also the folder one stands in, if it is code for this process
    already (`python -m`, a test)."""
    here = os.getcwd()
    return os.environ.get(VARIABLE) or (here if {"", here} & set(sys.path) else None)


def factory_of(name: str) -> Callable[..., Any]:
    """The factory `module:function`. Raises ImportError, AttributeError."""
    module, _, function = name.partition(":")
    named, package = os.environ.get(VARIABLE), module.partition(".")[0]
    if named and named not in sys.path and find_spec(package) is None and PathFinder.find_spec(package, [named]):
        sys.path.append(named)
    return getattr(import_module(module), function)
