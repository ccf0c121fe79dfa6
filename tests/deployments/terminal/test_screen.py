"""The sink: whatever a view forgot, nothing that a stranger wrote is obeyed, and no stream ends in a traceback."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.text import Text
from typer.testing import CliRunner

from deployments.cli import app
from deployments.terminal.board import board
from deployments.terminal.parts import facts
from deployments.terminal.rates import flow
from deployments.terminal.screen import Screen
from deployments.terminal.words import one_line
from schemas.ids import PoolName
from schemas.ledger import AcceptedEnd, Planned, Record
from tests.actors.dataset.folders import keep
from tests.deployments.terminal.progresses import play
from tests.doubles.ledgers import Scale, plausible_run
from tests.security.evil import CODES
from tests.security.test_names import driven

MARKUP = "[link=http://evil]here[/link][blink]x[/]"
UNSEEN = "\u200b\u200d\u200e\u200f\u061c\ufeff\u00ad\u2028\u2029\U000e0041\x9b\x1b\r"
SLOW = pytest.mark.slow
"""A process each."""
GLEANER = (sys.executable, "-m", "deployments.cli")


def shown(*objects: Any, **settings: Any) -> str:
    page = io.StringIO()
    Screen(file=page, width=100, force_terminal=False, color_system=None, **settings).print(*objects)
    return page.getvalue()


@pytest.mark.parametrize("evil", [*CODES, *UNSEEN])
def test_a_view_that_forgot_to_clean_its_text_drives_nothing(evil: str) -> None:
    """A new column is added in a hurry: its text comes from a ledger, and is shown as it is."""
    text = f"a{evil}b"
    for view in (text, Text(text, style="bold"), facts((text, text)), facts((text, Text(text)))):
        assert shown(view).replace("\n", "").isprintable()


def test_markup_of_a_stranger_is_text() -> None:
    """A pool named after a link: Rich would make one that can be clicked."""
    page = io.StringIO()
    Screen(file=page, width=100, force_terminal=True, _environ={"TERM": "xterm"}).print(facts((MARKUP, MARKUP)))
    assert "\x1b]8" not in page.getvalue() and page.getvalue().count("evil") == 2


def renamed(record: Record, evil: str) -> Record:
    """As a forged ledger has it: the pool's name is the stranger's."""
    if not isinstance(record, AcceptedEnd) or record.attempt.candidate is None:
        return record
    candidate = replace(record.attempt.candidate, pool=PoolName(evil))
    return replace(record, attempt=replace(record.attempt, candidate=candidate))


@pytest.mark.parametrize("command", ["status", "verify", "policy", "explain", "report"])
def test_names_in_a_ledger_and_of_a_folder_drive_nothing(command: str, tmp_path: Path) -> None:
    """A folder from a stranger whose pools, and whose own name, hold codes and markup."""
    evil = "".join(CODES).replace("\x00", "") + MARKUP
    folder = tmp_path / evil.replace("/", "")
    folder.mkdir()
    records = [renamed(record, evil) for record in plausible_run(3, Scale(passages=8))]
    keep(folder, records)
    order = next(record.order_id for record in records if isinstance(record, AcceptedEnd))
    for end in ([], ["--json"]):
        told = CliRunner().invoke(app, [command, str(folder), *([order] if command == "explain" else []), *end])
        assert told.output.strip()
        assert driven(told.output) == []


def test_json_is_the_same_value_with_nothing_to_obey(tmp_path: Path) -> None:
    """`gleaner explain --json` of a poisoned text, looked at on a terminal; a program reads what the ledger holds."""
    records = list(plausible_run(3, Scale(passages=8)))
    planned = next(record for record in records if isinstance(record, Planned))
    evil = replace(planned, passage=replace(planned.passage, text=f"é {UNSEEN} 😀"))
    keep(tmp_path, [evil if record is planned else record for record in records])
    told = CliRunner().invoke(app, ["explain", str(tmp_path), planned.orders[0].id, "--json"])
    assert json.loads(told.stdout)["passage"]["text"] == f"é {UNSEEN} 😀"
    assert "é" in told.stdout and not any(letter in told.stdout for letter in UNSEEN)


@pytest.mark.parametrize("encoding", ["ascii", *(pytest.param(n, marks=SLOW) for n in ("latin-1", "cp1252", "utf-8"))])
@pytest.mark.parametrize("command", [("status",), ("status", "--json"), ("verify",)])
def test_a_stream_of_few_letters_is_no_error(encoding: str, command: tuple[str, ...], tmp_path: Path) -> None:
    """An old terminal, a cron job without a locale: signs in place of letters, no traceback."""
    folder = tmp_path / "läufe-日本"
    folder.mkdir()
    keep(folder, list(plausible_run(3, Scale(passages=8))))
    told = gleaner(command[0], str(folder), *command[1:], PYTHONIOENCODING=encoding)
    assert b"Traceback" not in told.stderr
    assert told.stdout.decode(encoding)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_under_the_output_is_one_line(tmp_path: Path) -> None:
    """`gleaner status DIR > /full/disk/file`: said once, on standard error, by name."""
    keep(tmp_path, list(plausible_run(3, Scale(passages=8))))
    for end in ([], ["--json"]):
        with open("/dev/full", "wb") as full:
            told = gleaner("status", str(tmp_path), *end, stdout=full)
        (line,) = told.stderr.decode().splitlines()
        assert "No space left" in line and "stdout" in line
        assert told.returncode == 2


def gleaner(*arguments: str, stdout: Any = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*GLEANER, *arguments], stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=60,
        env={**os.environ, "TERM": "xterm", **environment},
    )  # fmt: skip


def test_a_narrow_screen_cuts_no_number_and_no_letter() -> None:
    """40 columns and a long pool's name: what does not fit goes to the next line."""
    last = play()[-1]
    status = replace(last.replicas[0], role="日本語のとても長い名前" * 4)
    view = board(replace(last, replicas=(status,)), flow(play()), name="q" * 60, elapsed_s=9.0, height=60)
    page = io.StringIO()
    Screen(file=page, width=40, color_system=None, force_terminal=False).print(view)
    assert all(cell_len(line) <= 40 for line in page.getvalue().splitlines())
    assert "…" not in page.getvalue()


def test_a_line_is_cut_between_letters() -> None:
    """A wide letter takes two cells, an accent none."""
    assert one_line("日本語" * 9, width=10) == "日本語日…"
    assert one_line("e\u0301" * 20, width=4) == "e\u0301" * 3 + "…"
    assert cell_len(one_line("日本語" * 9, width=10)) <= 10
