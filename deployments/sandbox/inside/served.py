"""Checks and a solution in two processes that share nothing but a socket. Law: the solution decides what its functions
return and nothing else; it sees arguments, never what is expected, and what it returns is plain data by the time that a
check compares it.

The checks say `from solution import f` and call `f`; `import *` is refused. Arguments and results are copies: None,
numbers, text, bytes, lists, tuples, sets and dicts. A subclass of these comes as its base; anything else (an object, a
function, a generator) stays where it is and the checks hold a `Remote`, which can be called and whose attributes can be
read, and which cannot be compared, hashed or taken as true, because its answers would be the solution's.
"""

import ast
import builtins
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BufferedReader
from types import ModuleType
from typing import Any, NoReturn

from deployments.sandbox.inside import python

LONGEST_LINE = 1 << 20
BROKEN = 3
"""Exit status of checks that could not be compiled, or that ask for what cannot be served."""
_SIMPLE: tuple[type[Any], ...] = (int, float, complex, str, bytes)
_DIGITS = 100_000
_MODULE = 0
"""The number of the solution's module; objects get the next ones."""
_NO_ANSWER = (OSError, EOFError, ValueError, TypeError, SyntaxError, MemoryError, RecursionError)
_ENDS_A_LOOP = (StopIteration, StopAsyncIteration)
_NOT_FINITE = {"inf": float("inf"), "nan": float("nan")}


class SolutionEnded(Exception):
    """The solution's process ended, or said something that is no answer."""


class SolutionRaised(Exception):
    """The solution raised an exception that is no built-in one."""


class Remote:
    """An object of the solution's, seen from the checks."""

    __slots__ = ("_ask", "_number")

    def __init__(self, ask: Callable[..., Any], number: int) -> None:
        self._ask = ask
        self._number = number

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask("get", self._number, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("call", self._number, (args, kwargs))

    def __bool__(self) -> bool:
        raise TypeError("what the solution returned is no plain value")

    def __eq__(self, other: object) -> bool:
        raise TypeError("what the solution returned is no plain value")

    __ne__ = __eq__
    __hash__ = None  # type: ignore[assignment]


def check(folder: str, source: str, channel: int) -> NoReturn:
    """Runs the checks, then ends this process: 0 only if they came to their end."""
    asker = _Asker(channel)
    main = python.prepared(folder, "__main__", "checks.py")
    solution = ModuleType("solution")
    solution.__dict__["__getattr__"] = Remote(asker, _MODULE).__getattr__
    sys.modules["solution"] = solution
    sys.set_int_max_str_digits(_DIGITS)
    try:
        code = python.compiled(folder, source, "checks.py")
        star = star_import(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        python.code_of(error)
        python.leave(BROKEN)
    if star is not None:
        said = f"checks.py, line {star}: `from solution import *` is not served: import the names that are called\n"
        os.write(2, said.encode())
        python.leave(BROKEN)
    try:
        python.execute(code, main)
        ended = 0
    except BaseException as error:  # noqa: BLE001  a check's, whatever it is
        ended = python.code_of(error)
    python.leave(ended)


def star_import(source: str) -> int | None:
    """The line that imports all names of the solution, which is in another process: nobody knows them here."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "solution" and node.names[0].name == "*":
            return node.lineno
    return None


class _Asker:
    """The checks' side of the socket."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._answers = os.fdopen(channel, "rb", closefd=False)

    def __call__(self, what: str, number: int, given: Any) -> Any:
        asked = (what, number, plain(given))
        try:
            _send(self._channel, asked)
            said = _received(self._answers)
        except _NO_ANSWER as error:
            raise SolutionEnded(f"the solution gave no answer: {error}") from None
        match said:
            case ("value", value):
                return value
            case ("object", int() as other):
                return Remote(self, other)
            case ("raised", str() as name, str() as text):
                raise _exception(name, text)
            case _:
                raise SolutionEnded("the solution gave no answer")


def _exception(name: str, text: str) -> Exception:
    """A built-in error by its name. Never what ends an interpreter or a loop: with SystemExit(0) the checks would end
    well, and with StopIteration `all(map(...))` would be true before the first comparison."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, _ENDS_A_LOOP):
        with suppress(TypeError):
            return kind(text)
    return SolutionRaised(f"{name}: {text}")


def serve(folder: str, source: str, channel: int) -> NoReturn:
    """Runs the solution, then answers the checks until they end."""
    module = python.prepared(folder, "solution", "solution.py")
    sys.set_int_max_str_digits(_DIGITS)
    objects: list[Any] = [module]
    try:
        python.execute(python.compiled(folder, source, "solution.py"), module)
        for what, number, given in _requests(channel):
            _send(channel, _answered(objects, what, number, given))
        code = 0
    except BaseException as error:  # noqa: BLE001  the solution's own, whatever it is
        code = python.code_of(error)
    python.leave(code)


def _requests(channel: int) -> Iterator[tuple[str, int, Any]]:
    with os.fdopen(channel, "rb", closefd=False) as requests:
        while True:
            try:
                yield _received(requests)
            except EOFError:
                return


def _answered(objects: list[Any], what: str, number: int, given: Any) -> tuple[Any, ...]:
    try:
        if what == "get":
            result = getattr(objects[number], given)
        else:
            args, kwargs = given
            result = objects[number](*args, **kwargs)
        try:
            return ("value", plain(result))
        except TypeError:
            objects.append(result)
            return ("object", len(objects) - 1)
    except Exception as error:  # noqa: BLE001  it is the answer
        return ("raised", type(error).__name__, str(error)[:1000])


def plain(value: Any) -> Any:
    """A copy that is made of built-in types alone; a frozen set comes as a set. Raises TypeError for anything else, and
    for a frozen set where only what can be hashed may be."""
    match value:
        case None | bool():
            return value
        case int() | float() | complex() | str() | bytes():
            return next(kind(value) for kind in _SIMPLE if isinstance(value, kind))
        case list() | tuple() | set() | frozenset():
            copies = [plain(each) for each in value]
            return next((kind for kind in (list, tuple) if isinstance(value, kind)), set)(copies)
        case dict():
            return {plain(key): plain(each) for key, each in value.items()}
        case _:
            raise TypeError(f"{type(value).__name__} is no plain value")


def _send(channel: int, said: tuple[Any, ...]) -> None:
    line = repr(said).encode(errors="surrogatepass") + b"\n"
    if len(line) > LONGEST_LINE:
        line = repr(("raised", "ValueError", f"more than {LONGEST_LINE} bytes")).encode() + b"\n"
    while line:
        line = line[os.write(channel, line) :]


def _received(lines: BufferedReader) -> Any:
    """The next line's value. Raises EOFError, or what says that it is none."""
    line = lines.readline(LONGEST_LINE + 1)
    if not line:
        raise EOFError("it has ended")
    if not line.endswith(b"\n"):
        raise ValueError("it is too long")
    read = ast.parse(line.decode(errors="surrogatepass").strip(), mode="eval")
    return ast.literal_eval(_Named().visit(read))


class _Named(ast.NodeTransformer):
    """Infinity and not-a-number, whose text is a name."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(_NOT_FINITE[node.id]) if node.id in _NOT_FINITE else node
