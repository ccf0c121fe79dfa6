"""Where errors become words.

Law: the user's mistake is one line and exit code 2; a pool, the Hub or an object store that is away is one line and
exit code 3; ours is a traceback and exit code 1.
"""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def boundary(*logs: Path) -> Iterator[None]:
    """Runs a command's body. `logs`: where more about a failure of ours may be found; told where they exist."""
    try:
        with ungrouped():
            yield
    except UserError as mistake:
        say(f"error: {' '.join(str(mistake).split())}")
        raise typer.Exit(MISTAKEN) from mistake
    except (PoolAwayError, HubAwayError, StoreAwayError) as away:
        say(f"stopped: {away}")
        raise typer.Exit(AWAY) from away
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt as interrupt:
        say("interrupted")
        raise typer.Exit(INTERRUPTED) from interrupt
    except Exception as failure:
        _put(traceback.format_exc().rstrip("\n"))
        more = " and ".join(quote(str(log)) for log in logs if log.exists())
        say(f"failed: {described(failure)}" + (f"; see {more}" if more else ""))
        raise typer.Exit(FAILED) from failure


def say(line: str) -> None:
    """One line to stderr, under the program's name; it may quote a file's name or a server."""
    _put(f"gleaner: {line}")


def _put(text: str) -> None:
    from deployments.terminal.screen import put  # not above: `--help` needs none of Rich

    with suppress(OSError, OutputError):  # nothing is left to say it on
        put(text, sys.stderr)
