"""Where errors become words.

Law: the user's mistake is one line and exit code 2; a pool, the Hub or an object store that is away is one line and
exit code 3; ours is a traceback and exit code 1. Each names a page of the docs: the one in its own words, or else that
of `pages`.
"""

import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from shlex import quote

import typer

from schemas.errors import (
    HubAwayError,
    OutputError,
    PoolAwayError,
    StoreAwayError,
    UserError,
    described,
    ungrouped,
)

FAILED = 1
MISTAKEN = 2
AWAY = 3
"""A pool or gate answered nothing for `conductors.outage_s`, or the Hub or the object store cannot be reached:
nothing is lost, the same command goes on."""
INTERRUPTED = 130
"""As a shell counts a program that Ctrl-C ended."""

COMMAND: ContextVar[str | None] = ContextVar("the command that was given", default=None)
_NAMES_A_PAGE = re.compile(r"\bdocs/[\w/-]{1,80}\.md")


@contextmanager
def boundary(*logs: Path) -> Iterator[None]:
    """Runs a command's body. `logs`: where more about a failure of ours may be found; told where they exist."""
    try:
        with ungrouped():
            yield
    except UserError as mistake:
        say(with_page(f"error: {' '.join(str(mistake).split())}", mistake))
        raise typer.Exit(MISTAKEN) from mistake
    except (PoolAwayError, HubAwayError, StoreAwayError) as away:
        say(with_page(f"stopped: {away}", away))
        raise typer.Exit(AWAY) from away
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt as interrupt:
        say("interrupted")
        raise typer.Exit(INTERRUPTED) from interrupt
    except Exception as failure:
        _put(traceback.format_exc().rstrip("\n"))
        more = " and ".join(quote(str(log)) for log in logs if log.exists())
        say(with_page(f"failed: {described(failure)}" + (f"; see {more}" if more else ""), failure))
        raise typer.Exit(FAILED) from failure


def with_page(words: str, error: BaseException) -> str:
    """The words of an error with the page that says more about it, unless they name one."""
    from deployments.terminal.pages import page_of  # not above: `--help` needs no configuration

    return words if _NAMES_A_PAGE.search(words) else f"{words} (docs/{page_of(error, COMMAND.get())})"


def say(line: str) -> None:
    """One line to stderr, under the program's name; it may quote a file's name or a server."""
    _put(f"gleaner: {line}")


def _put(text: str) -> None:
    from deployments.terminal.screen import put  # not above: `--help` needs none of Rich

    with suppress(OSError, OutputError):  # nothing is left to say it on
        put(text, sys.stderr)
