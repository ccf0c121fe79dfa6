"""Reads XML of a stranger as events, without building a tree. Law: no entity is expanded and nothing outside the bytes
is opened: a document type with declarations of its own is refused."""

from collections.abc import Callable
from typing import Protocol
from xml.parsers import expat

from actors.corpus.extract.answers import unreadable


class Events(Protocol):
    """Gets the elements and texts of a document. Names are local: without a namespace."""

    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def data(self, text: str) -> None: ...


def read_xml(data: bytes, what: str, events: Events) -> None:
    """Gives every event. `what`: the name in messages. Raises NoText when this is not XML, or declares entities of its
    own."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse(what)
    parser.StartElementHandler = lambda name, attributes: events.start(
        _local(name), {_local(key): value for key, value in attributes.items()}
    )
    parser.EndElementHandler = lambda name: events.end(_local(name))
    parser.CharacterDataHandler = events.data
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise unreadable(f"{what} is not well-formed XML: {error}") from error


def _local(name: str) -> str:
    return name.rsplit(" ", 1)[-1]


def _refuse(what: str) -> Callable[..., None]:
    def refuse(name: str, system: str | None, public: str | None, has_own: int) -> None:
        if has_own:
            raise unreadable(f"{what} declares entities or elements of its own, which are not expanded")

    return refuse


class Leaves:
    """Collects the texts of all elements with one of these names, and the attributes of all elements seen."""

    def __init__(self, *names: str) -> None:
        self.texts: list[tuple[str, str]] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._names = frozenset(names)
        self._open: list[tuple[str, list[str]]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements.append((name, attributes))
        if name in self._names:
            self._open.append((name, []))

    def end(self, name: str) -> None:
        if self._open and self._open[-1][0] == name:
            self.texts.append((name, "".join(self._open.pop()[1])))

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1][1].append(text)

    def of(self, name: str) -> list[str]:
        """The texts of the elements with this name."""
        return [text for each, text in self.texts if each == name]
