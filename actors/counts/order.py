"""The order of names in tables, for kinds of names to which a configuration may add."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=str)


def known_first(found: Iterable[Name], known: Sequence[Name]) -> list[Name]:
    """The names found, each once: first those in `known`, in that order, then the others by the alphabet."""
    names = set(found)
    return [name for name in known if name in names] + sorted(names.difference(known))
