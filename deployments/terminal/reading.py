"""Commands that read a finished or running folder: status, explain, report. No model, no Ray.

Law: they change nothing but `report.html`, and work beside a run that is writing.
"""

import time
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import msgspec
from rich.console import Group
from rich.padding import Padding

from actors.counts.advice import advice_of
from actors.counts.bill import bill_of, prices_of
from actors.counts.tally import Tally
from actors.dataset.manifest import read_config
from actors.ledger.door import check_folder
from actors.ledger.folder import Ledgers
from actors.ledger.history import life_of
from actors.ledger.sqlite import LedgerReader
from deployments.monitoring.live import driver_of, read_live
from deployments.terminal.screen import Screen, put, put_document
from schemas.bill import Bill
from schemas.errors import UserError
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, ProbeIssued, ShardKind
from schemas.progress import Summary

SUGGESTED = 3
LISTED = 8
NEARBY = 20_000
"""Ids looked at for a suggestion: bounded, whatever the size of the run."""
EXAMPLES = 200
"""Ends looked at for a sample worth explaining."""


def summary_of(ledger: Ledgers | LedgerReader) -> Summary:
    """Everything counted from the first record to the last."""
    tally = Tally()
    for _, record in ledger.records():
        tally.apply(record)
    return tally.summary()


def example_of(ledgers: Ledgers) -> OrderId | None:
    """An order worth looking at: a recovered one, else any that ended."""
    found = (end for ledger in ledgers.each for _, end in ledger.ends(ShardKind.DATASET, 0, EXAMPLES))
    ends = [end for end in found if isinstance(end, AcceptedEnd)]
    if not ends:
        return next((order for order in ledgers.orders_like("", 1)), None)
    return next((end.order_id for end in ends if end.attempt.number > 1), ends[0].order_id)


def bill_in(folder: Path, summary: Summary) -> Bill | None:
    """What the folder's run cost, by the prices of its run.yaml. Raises OutputError when that cannot be read."""
    config = read_config(folder)
    return None if config is None else bill_of(summary, prices_of(config))


def show_status(folder: Path, *, json: bool) -> None:
    """How far a run is, by its ledger, and what it says of itself if it goes on."""
    with Ledgers(run_folder(folder)) as ledgers:
        summary = summary_of(ledgers)
        example = example_of(ledgers)
    live, bill = read_live(folder), bill_in(folder, summary)
    config = read_config(folder)
    now = time.time()
    if json:
        told = {} if live is None else {"live": {**as_builtins(live), "driver": driver_of(live, now=now).value}}
        advice = {"advice": [as_builtins(each) for each in advice_of(summary)]}
        billed = {} if bill is None else {"bill": {**as_builtins(bill), "cost": bill.cost}}
        put_json({**as_builtins(summary), **_shares(summary), **billed, **advice, **told})
        return
    from deployments.terminal.summary import live_view, summary_view

    wanted = None if config is None else config.stop.samples
    view = summary_view(summary, folder, bill=bill, wanted=wanted, example=example)
    Screen().print(view if live is None else Group(Padding(live_view(live, now=now), (1, 1, 0, 1)), view))


def show_life(folder: Path, prefix: str, *, prompts: bool, json: bool) -> None:
    """One order's life. Raises UserError for an id that is unknown or not unique."""
    with Ledgers(run_folder(folder)) as ledgers:
        order_id = find_order(ledgers, prefix, folder)
        life = life_of(order_id, ledgers.story(order_id))
    if json:
        put_json(as_builtins(life))
        return
    from deployments.terminal.life import Prompts, life_view

    Screen().print(life_view(life, prompts=Prompts() if prompts else None))


def write_report(folder: Path, *, now: float, json: bool) -> None:
    """The folder's report.html, made again."""
    from actors.ledger.files import write_atomically
    from actors.report.finish import build_report
    from actors.report.page import PAGE_NAME

    Ledgers(run_folder(folder)).close()
    page = folder / PAGE_NAME
    write_atomically(page, build_report(folder, now=now))
    if json:
        put_json({"report": str(page), "bytes": page.stat().st_size})
    else:
        put(str(page))


def find_order(ledgers: Ledgers, prefix: str, folder: Path) -> OrderId:
    """The one order whose id begins so, or the probe of that id. Raises UserError with the nearest ids otherwise."""
    wanted = prefix.strip().lower()
    found = ledgers.orders_like(wanted, LISTED + 1) if wanted else []
    if len(found) == 1 or wanted in found:
        return OrderId(found[0])
    if found:
        some = ", ".join(order_id[: len(wanted) + 6] for order_id in found[:LISTED])
        more = " and more" if len(found) > LISTED else ""
        raise UserError(f"{prefix}: begins the ids of several orders ({some}{more}); give more of it")
    if any(isinstance(record, ProbeIssued) for record in ledgers.story(OrderId(wanted))):
        return OrderId(wanted)
    near = list(_nearest(ledgers, wanted))
    hint = f"; near it: {', '.join(near)}" if near else ""
    raise UserError(f"{prefix}: no order in {folder} has an id that begins so{hint}")


def _nearest(ledgers: Ledgers, wanted: str) -> Iterator[str]:
    for length in range(len(wanted) - 1, 2, -1):
        shared = ledgers.orders_like(wanted[:length], SUGGESTED)
        if shared:
            yield from (order_id[:12] for order_id in shared)
            return
    known = {order_id[: max(4, len(wanted))]: order_id for order_id in ledgers.orders_like("", NEARBY)}
    yield from (known[close][:12] for close in get_close_matches(wanted, known, n=SUGGESTED, cutoff=0.7))


def run_folder(folder: Path) -> Path:
    """The folder, if it is one and holds nothing in our names that no run leaves. Raises UserError."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise UserError(f"{folder}: {what}; give the folder of `gleaner run --output`")
    check_folder(folder)
    return folder


def _shares(summary: Summary) -> dict[str, float]:
    return {"yield": summary.counts.yield_, "recovery_rate": summary.counts.recovery_rate}


def as_builtins(value: object) -> dict:
    """A struct as plain dicts and lists."""
    return msgspec.to_builtins(value)


def put_json(value: object) -> None:
    """One JSON document on stdout."""
    put_document(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
