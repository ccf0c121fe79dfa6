"""Python in a process that has it loaded already: a copy of the worker becomes the program. Law: what the source does
ends in this process; how it ended is its exit status, as with `python main.py`."""

import atexit
import builtins
import os
import sys
import threading
import traceback
from types import CodeType, ModuleType
from typing import NoReturn

_OURS = os.path.dirname(__file__)
MAIN = "main.py"
_DEPTH = 1000
"""What Python allows a program by itself."""


def run(folder: str, source: str) -> NoReturn:
    """Runs the source as MAIN, then ends this process."""
    main = prepared(folder, "__main__", MAIN)
    try:
        execute(compiled(folder, source, MAIN), main)
        code = 0
    except BaseException as error:  # noqa: BLE001  the program's own, whatever it is
        code = code_of(error)
    leave(code)


def prepared(folder: str, name: str, file: str) -> ModuleType:
    """An empty module in place of the worker's `__main__`, and a path on which the worker's own modules are not."""
    module = ModuleType(name)
    module.__dict__.update(__file__=os.path.join(folder, file), __builtins__=builtins)
    sys.modules.pop("deployments", None)  # without it none of the worker's modules can be imported
    sys.modules[name] = module
    sys.argv[:] = [file]
    sys.path.insert(0, folder)
    frame, ours = sys._getframe(), 0
    while frame.f_back is not None:
        frame, ours = frame.f_back, ours + 1
    sys.setrecursionlimit(_DEPTH + ours)
    return module


def compiled(folder: str, source: str, file: str) -> CodeType:
    """The source, kept as a file so that tracebacks show its lines. Raises what `compile` raises."""
    path = os.path.join(folder, file)
    with open(path, "w", encoding="utf-8", errors="surrogatepass") as kept:
        kept.write(source)
    return compile(source, path, "exec", dont_inherit=True)


def execute(code: CodeType, module: ModuleType) -> None:
    """Runs it as the module. Raises whatever it raises."""
    exec(code, module.__dict__)


def code_of(error: BaseException) -> int:
    """The exit status for an exception that nobody caught; what Python would print goes to stderr."""
    if isinstance(error, SystemExit):
        match error.code:
            case None:
                return 0
            case int():
                return error.code & 0xFF
            case said:
                os.write(2, f"{said}\n".encode(errors="replace"))
                return 1
    behind = error.__traceback__
    while behind is not None and behind.tb_frame.f_code.co_filename.startswith(_OURS):
        behind = behind.tb_next
    traceback.print_exception(type(error), error, behind)
    return 1


def leave(code: int) -> NoReturn:
    """The end of an interpreter: threads are waited for, exit functions called, output flushed."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  the program has replaced or closed them
        code = code or 120  # as Python itself
    os._exit(code)
