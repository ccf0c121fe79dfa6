"""Gleaner beside its peers, on a simulated server that knows the truth: docs/peers.md says what is compared and how.

    make bench-peers                                       every part, in order (hours)
    python -m benchmarks.peers --only '200-0.6-64/*'       the parts whose names fit
    python -m benchmarks.peers --list                      the parts and which are measured
    python -m benchmarks.peers --table                     the tables of the page

A part is one run of one system: a line of the results is written when it has ended, and none is ever written twice. A
run that was interrupted is measured anew by the same command.
"""

import argparse
import shutil
import signal
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import msgspec
from msgspec.structs import replace

from benchmarks.peers.part import Measured, Way, Whole, measure
from benchmarks.peers.plan import Part, Setting, parts
from benchmarks.peers.table import line, tables

RESULTS = "results.jsonl"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/peers"), help="of results and of each part's run")
    parser.add_argument("--peers", type=Path, default=Path(".peers/bin/python"), help="the Python that has the peers")
    parser.add_argument("--only", action="append", help="a pattern of names of parts; may be given again")
    parser.add_argument("--faster", type=float, default=1.0, help="the server's time scale, for tests alone")
    parser.add_argument("--passages", type=int, help="in place of each setting's, for tests alone")
    parser.add_argument("--threads", type=int, help="of CuratorKIT, in place of one a slot; give a folder of its own")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    results = given.folder / RESULTS
    there = {each.part: each for each in read(results)}
    if given.table:
        print(tables(list(there.values())))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no part's processes are left behind
    chosen = [part for part in _sized(given.passages) if _fits(part, given.only)]
    if not chosen:
        print(f"--only {' '.join(given.only)}: no part has such a name; --list names them", file=sys.stderr)
        return 2
    for part in chosen:
        if given.list:
            print(f"{'measured' if part.name in there else 'to do   '}  {part.name}")
        elif part.name in there:
            print(f"{part.name}: there already, left as it is", flush=True)
        elif part.killed and _whole_name(part) not in there:
            print(f"{part.name}: needs {_whole_name(part)} first", file=sys.stderr, flush=True)
        else:
            came = _measured(part, given, there.get(_whole_name(part)) if part.killed else None)
            there[part.name] = replace(came, threads=given.threads)
            _append(results, there[part.name])
            print(line(there[part.name]), flush=True)
    return 0


def read(path: Path) -> Iterator[Measured]:
    """Every line of the results."""
    if path.exists():
        yield from (msgspec.json.decode(each, type=Measured) for each in path.read_bytes().splitlines())


def _measured(part: Part, given: argparse.Namespace, whole: Measured | None) -> Measured:
    folder = (given.folder / part.name).absolute()
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was interrupted
    folder.mkdir(parents=True)
    before = None
    if whole is not None:
        if whole.load is None:
            return Measured(part.name, whole.at, given.faster, why=f"the whole run has no figures: {whole.why}")
        before = Whole((given.folder / whole.part).absolute(), whole.load.calls)
    return measure(part, folder, Way(given.peers.absolute(), given.faster, given.threads), before)


def _append(results: Path, measured: Measured) -> None:
    with results.open("ab") as file:
        file.write(msgspec.json.encode(measured) + b"\n")


def _sized(passages: int | None) -> Iterator[Part]:
    """The parts, each once; with another number of passages if one is given."""
    seen: set[str] = set()
    for part in parts():
        sized = part if passages is None else _of_size(part, passages)
        if sized.name not in seen:
            seen.add(sized.name)
            yield sized


def _of_size(part: Part, passages: int) -> Part:
    setting = part.setting
    return Part(Setting(passages, setting.sigma, setting.slots, setting.by_token), part.arm, part.repeat, part.killed)


def _fits(part: Part, patterns: list[str] | None) -> bool:
    return patterns is None or any(fnmatch(part.name, pattern) for pattern in patterns)


def _whole_name(part: Part) -> str:
    return Part(part.setting, part.arm, part.repeat).name


if __name__ == "__main__":
    sys.exit(main())
