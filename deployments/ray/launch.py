"""One process that carries a run, and what it is called on a cluster that others use too.

Laws: whatever a launch deploys carries the folder's id and the launch's own token, so none is ever asked in place of
another's: not a dead launch's, not an older configuration's, not that of a folder with the same path on another host.
What dead launches of the folder left is found by its id, and whether one is dead is for Ray to say: its queue's actor,
which ends with the launch, has a name with the token.
"""

import re
from collections.abc import Collection
from pathlib import Path
from secrets import token_hex

from msgspec import Struct

from actors.ledger.sqlite import LedgerReader

TOKEN_BYTES = 5
"""Of a launch's token: told from other launches of its folder, and from those of its copies."""
_LONGEST = 24


class Launch(Struct, frozen=True):
    """The folder's name (for people), its id, and the token of this launch."""

    stem: str
    folder: str
    token: str

    @property
    def name(self) -> str:
        """What the name of all that it deploys begins with."""
        return f"{self.stem}-{self.folder}-{self.token}"


def new_token() -> str:
    """For a launch; random."""
    return token_hex(TOKEN_BYTES)


def launch_of(output: Path, token: str) -> Launch:
    """The launch of a folder whose ledger was opened to write. Raises OutputError when it holds none."""
    stem = "".join(letter if letter.isalnum() else "-" for letter in output.name.lower()) or "run"
    with LedgerReader(output) as ledger:
        return Launch(stem[:_LONGEST], ledger.folder, token)


def queue_name(token: str) -> str:
    """Name of the actor that lives as long as the launch does."""
    return f"launch-{token}"


def leftovers(folder: str, applications: Collection[str]) -> dict[str, str]:
    """Of these applications those of the folder, each with the token of the launch that deployed it."""
    ours = re.compile(rf"(?:.*-)?{re.escape(folder)}-([0-9a-f]{{{2 * TOKEN_BYTES}}})-.+", re.DOTALL)
    found = {name: ours.fullmatch(name) for name in applications}
    return {name: match[1] for name, match in found.items() if match is not None}
