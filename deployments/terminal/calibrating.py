"""`gleaner calibrate`: a threshold for a gate, from the probes of a run. No model, no Ray."""

from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from actors.ledger.folder import Ledgers
from actors.probes.threshold import Scores, ThresholdRequest, propose
from deployments.terminal.parts import DIM, columns, facts
from deployments.terminal.reading import as_builtins, put_json, run_folder
from deployments.terminal.screen import Screen
from deployments.terminal.words import plural
from schemas.calibration import AtThreshold, Calibration
from schemas.errors import UserError
from schemas.verdicts import GateName


def show_calibration(folder: Path, gate: GateName, wanted: ThresholdRequest, *, json: bool) -> None:
    """Proposes and shows. Raises UserError where too little is known."""
    if not 0 < wanted.precision < 1:
        raise UserError(f"--precision {wanted.precision:g}: must be between 0 and 1")
    if wanted.bad_share is not None and not 0 < wanted.bad_share < 1:
        raise UserError(f"--bad-share {wanted.bad_share:g}: must be between 0 and 1")
    scores = Scores(gate)
    with Ledgers(run_folder(folder)) as ledger:
        for _, record in ledger.records():
            scores.apply(record)
    found = propose(scores, wanted)
    if json:
        put_json(as_builtins(found))
    else:
        Screen().print(calibration_view(found))


def calibration_view(found: Calibration) -> RenderableType:
    """The proposed threshold beside the present one, and what it rests on."""
    share = found.bad_share
    how = (
        "given"
        if share.given
        else f"from {share.stream.successes:,} of {share.stream.trials:,} first attempts rejected"
    )
    known = facts(
        ("judge", found.version),
        ("probes", f"{plural(found.good, 'good one')}, {plural(found.bad, 'bad one')}"),
        ("bad share", f"{share.value:.2%}, at most {share.high:.2%} ({how})"),
    )
    table = columns("", "threshold", "precision", "at least", "good passed", "bad rejected", first_width=9)
    for name, at in (("now", found.now), ("proposed", found.proposed)):
        table.add_row(name, *_cells(at))
    meaning = (
        f"With {found.confidence:.0%} confidence at least {found.wanted:.2%} of what passes at first is good, "
        "if the stream's samples score as the probes do."
    )
    head = Text.assemble(("gleaner calibrate ", "bold"), (found.gate, "bold cyan"))
    return Padding(Group(head, Text(), known, Text(), table, Text(), Text(meaning, style=DIM)), (1, 1))


def _cells(at: AtThreshold) -> tuple[str, ...]:
    good, bad = at.good_passed.value or 0.0, at.bad_rejected.value or 0.0
    return (f"{at.threshold:g}", f"{at.precision:.2%}", f"{at.low:.2%}", f"{good:.2%}", f"{bad:.2%}")
