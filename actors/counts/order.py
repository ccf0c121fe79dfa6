"""The order in which names that a configuration may add to are told."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=str)


def known_first(found: Iterable[Name], known: Sequence[Name]) -> list[Name]:
    """The names found, each once: those that are always known in their order, then the others by the alphabet."""
    names = set(found)
    return [name for name in known if name in names] + sorted(names.difference(known))
