"""The page beside a run: `python -m deployments.page FOLDER`. It writes its address to standard output, and ends when
its standard input does, which the run holds open."""

import sys
from pathlib import Path

from deployments.page.serve import ListenAt, serve
from deployments.terminal.screen import put


def main() -> None:
    """Serves the folder that the command names, also before there is one."""
    serve(Path(sys.argv[1]), None, ListenAt(), put, lifeline=sys.stdin.fileno())


if __name__ == "__main__":
    main()
