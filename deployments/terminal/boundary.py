"""Where errors become words.

Law: the user's mistake is one line and exit code 2; a pool that is away is one line and exit code 3; ours is a
traceback and exit code 1.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from deployments.terminal.words import printable
from schemas.errors import PoolAwayError, UserError

FAILED = 1
MISTAKEN = 2
AWAY = 3
"""A pool or gate answered nothing for `conductors.outage_s`: nothing is lost, the same command goes on."""
INTERRUPTED = 130
"""As a shell counts a program that Ctrl-C ended."""


@contextmanager
def boundary(*logs: Path) -> Iterator[None]:
    """Runs a command's body. `logs`: where more about a failure of ours may be found; told where they exist."""
    try:
        yield
    except UserError as mistake:
        say(f"error: {' '.join(str(mistake).split())}")
        raise typer.Exit(MISTAKEN) from mistake
    except PoolAwayError as away:
        say(f"stopped: {away}")
        raise typer.Exit(AWAY) from away
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt as interrupt:
        say("interrupted")
        raise typer.Exit(INTERRUPTED) from interrupt
    except Exception as failure:
        typer.echo(printable(traceback.format_exc()), err=True, nl=False)
        more = " and ".join(str(log) for log in logs if log.exists())
        say(f"failed: {type(failure).__name__}: {_first_line(failure)}" + (f"; see {more}" if more else ""))
        raise typer.Exit(FAILED) from failure


def say(line: str) -> None:
    """One line to stderr, under the program's name; it may quote a file's name or a server."""
    typer.echo(f"gleaner: {printable(line)}", err=True)


def _first_line(failure: Exception) -> str:
    return next((line for line in str(failure).splitlines() if line.strip()), "no message")
