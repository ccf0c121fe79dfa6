"""Result files of these studies, and how their figures read on a page."""

from pathlib import Path

import msgspec
from msgspec import Struct

from studies.provenance.bootstrap import Estimate


def write_json(file: Path, results: Struct) -> None:
    """Writes results as JSON in lines, so that a change shows."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def interval(found: Estimate) -> str:
    """A figure with its interval in a page's words."""
    return "none" if found.low == -1 else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def whole_lines(file: Path) -> list[bytes]:
    """Of a file that a run goes on with. A last line that was cut off by a kill goes away, and is asked for again."""
    if not file.is_file():
        return []
    data = file.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        file.write_bytes(whole)
    return whole.splitlines()
