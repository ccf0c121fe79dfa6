"""One process that carries a run, and its names on a cluster that others use too.

Laws: all deployments of a launch have the folder's id and the launch's own token in their names. So none is ever called
in place of another's: not a dead launch's, not an older configuration's, not one of a folder with the same path on
another host. The folder's id finds what its dead launches left. Ray says whether a launch is dead: its queue's actor
ends with it, and has the token in its name.
"""

import re
from collections.abc import Collection
from pathlib import Path
from secrets import token_hex

from msgspec import Struct

from actors.ledger.sqlite import LedgerReader

TOKEN_BYTES = 5
"""The size of a launch's token, which separates it from other launches of its folder and of the folder's copies."""
_LONGEST = 24


class Launch(Struct, frozen=True):
    """The folder's name (for people), its id, and the token of this launch."""

    stem: str
    folder: str
    token: str

    @property
    def name(self) -> str:
        """The beginning of the names of all that it deploys."""
        return f"{self.stem}-{self.folder}-{self.token}"


def new_token() -> str:
    """A random token for a launch."""
    return token_hex(TOKEN_BYTES)


def launch_of(output: Path, token: str) -> Launch:
    """The launch of a folder whose ledger was opened for writing. Raises OutputError when the folder holds no
    ledger."""
    stem = "".join(letter if letter.isalnum() else "-" for letter in output.name.lower()) or "run"
    with LedgerReader(output) as ledger:
        return Launch(stem[:_LONGEST], ledger.folder, token)


def queue_name(token: str) -> str:
    """The name of the actor that lives as long as the launch."""
    return f"launch-{token}"


def leftovers(folder: str, applications: Collection[str]) -> dict[str, str]:
    """The folder's applications among these, each with the token of the launch that deployed it."""
    ours = re.compile(rf"(?:.*-)?{re.escape(folder)}-([0-9a-f]{{{2 * TOKEN_BYTES}}})-.+", re.DOTALL)
    found = {name: ours.fullmatch(name) for name in applications}
    return {name: match[1] for name, match in found.items() if match is not None}
