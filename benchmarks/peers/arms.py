"""The systems: the command of each, where its rows lie, and how they are read. What each is given and why stands in
docs/peers.md."""

import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Template

from msgspec import Struct

from benchmarks.peers.plan import BARRIER, CURATORKIT, GLEANER, RAY_DATA, TUNED, Part
from benchmarks.peers.rows import Row, of_gleaner, of_lines

HERE = Path(__file__).parent
MOST_THREADS = 128
"""Of CuratorKIT: it makes about 200 calls/s at most, of which 60 are under way at 300 ms; more threads only cost."""
MOST_IN_FLIGHT = 8192
FOR_A_SLOT = 4
"""Samples in flight of the tuned Gleaner for each slot: what is in a gate, in the ledger or on its way fills none."""


class Ask(Struct, frozen=True):
    """What a command is made of. `peers`: the Python of the peers' environment. `threads`: of CuratorKIT, in place of
    one for each slot."""

    part: Part
    folder: Path
    corpus: Path
    port: int
    peers: Path
    threads: int | None = None


class Arm(Struct, frozen=True):
    """`package`: what must be installed for it in the peers' environment; None for ours. `first`: whether a row is on
    disk."""

    command: Callable[[Ask], list[str]]
    rows: Callable[[Path], list[Row]]
    first: Callable[[Path], bool]
    package: str | None = None


def configuration(name: str, ask: Ask, calls_for_a_slot: int = 1) -> str:
    """The YAML of a run, from the file of that name here; each role has so many calls under way for each slot."""
    slots = ask.part.setting.slots
    in_flight = min(MOST_IN_FLIGHT, FOR_A_SLOT * slots)
    values = {"corpus": json.dumps(str(ask.corpus)), "port": ask.port, "in_flight": in_flight}
    return Template((HERE / name).read_text(encoding="utf-8")).substitute(
        values, name=ask.part.arm, calls=calls_for_a_slot * slots
    )


def _of_configuration(template: str, module: Sequence[str], calls_for_a_slot: int = 1) -> Callable[[Ask], list[str]]:
    def command(ask: Ask) -> list[str]:
        config = ask.folder / "run.yaml"
        config.write_text(configuration(template, ask, calls_for_a_slot), encoding="utf-8")
        return [sys.executable, *module, str(config), "--output", str(ask.folder / "out")]

    return command


def _curatorkit(ask: Ask) -> list[str]:
    calls = ask.threads or min(MOST_THREADS, ask.part.setting.slots)
    command = [*_peer(ask, "curatorkit_run.py"), "--calls", str(calls)]
    return [*command, "--checkpoint", str(calls)] if ask.part.killed else command


def _ray_data(ask: Ask) -> list[str]:
    setting = ask.part.setting
    workers = 2 if setting.slots <= 64 else 4
    calls = setting.slots // workers
    blocks = max(workers, math.ceil(setting.passages / calls))
    command = [*_peer(ask, "ray_data_run.py"), f"--workers={workers}", f"--calls={calls}", f"--blocks={blocks}"]
    return [*command, f"--checkpoint={ask.folder / 'checkpoint'}"] if ask.part.killed else command


def _peer(ask: Ask, script: str) -> list[str]:
    out = str(ask.folder / "out")
    return [str(ask.peers), str(HERE / script), "--corpus", str(ask.corpus), "--port", str(ask.port), "--output", out]


def _any(pattern: str) -> Callable[[Path], bool]:
    return lambda folder: any(path.stat().st_size for path in folder.glob(pattern))


_RUN = ("-c", "import sys; from deployments.cli import main; sys.exit(main())", "run")
ARMS: dict[str, Arm] = {
    GLEANER: Arm(_of_configuration("plain.yaml", _RUN), of_gleaner, _any("dataset/*.parquet")),
    TUNED: Arm(_of_configuration("tuned.yaml", _RUN), of_gleaner, _any("dataset/*.parquet")),
    BARRIER: Arm(
        _of_configuration("tuned.yaml", ("-m", "benchmarks.peers.barrier"), calls_for_a_slot=2),
        lambda folder: of_lines(folder.glob("rows.jsonl"), "passage", "question", "answer"),
        _any("rows.jsonl"),
    ),
    CURATORKIT: Arm(
        _curatorkit,
        lambda folder: of_lines(folder.glob("sft_alpaca.jsonl"), "input", "instruction", "output"),
        _any("sft_alpaca.jsonl"),
        package="curatorkit",
    ),
    RAY_DATA: Arm(
        _ray_data,
        lambda folder: of_lines(folder.glob("*.json*"), "passage", "question", "answer"),
        _any("*.json*"),
        package="ray",
    ),
}
