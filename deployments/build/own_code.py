"""Finds users' code, named by a `factory` in a configuration. Law: Python searches the current folder only for such a
factory, and only if it is found nowhere else. The folder is then the last place searched, so that it replaces no
installed module.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import Any

from schemas.errors import described

VARIABLE = "GLEANER_ENGINES_PATH"
"""The folder of such code, for this process and for those that Ray starts."""


def may_lie_here() -> None:
    """Allows factories in the current folder; for commands that run a configuration."""
    os.environ.setdefault(VARIABLE, os.getcwd())


def place() -> str | None:
    """The folder of such code, for other processes: also the current folder, if this process imports from it already
    (`python -m`, a test)."""
    here = os.getcwd()
    return os.environ.get(VARIABLE) or (here if {"", here} & set(sys.path) else None)


def factory_of(name: str) -> Callable[..., Any]:
    """The factory `module:function`. Raises ImportError or AttributeError if it cannot be found, also where its module
    raises something else: that is its author's mistake."""
    module, _, function = name.partition(":")
    named, package = os.environ.get(VARIABLE), module.partition(".")[0]
    if named and named not in sys.path and find_spec(package) is None and PathFinder.find_spec(package, [named]):
        sys.path.append(named)
    try:
        found = import_module(module)
    except ImportError:
        raise
    except Exception as bug:
        raise ImportError(f"{module} raises {described(bug)}") from bug
    return getattr(found, function)
