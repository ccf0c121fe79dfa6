"""How many different facts a run finds, and what that takes, where passages carry between 1 and 10: a fixed number of
orders against `samples_per_passage: auto`. The model is the simulated one (`benchmarks/simulated`), which repeats
itself: each call draws any fact of the passage. The whole loop in one process, no Ray, no weights.

    python -m benchmarks.until_dry [--passages 40] [--seeds 2 3] [--arm NAME ...]

Prints the table of docs/passages.md and writes `benchmarks/until_dry.json`. Counts do not depend on how busy the
machine is.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from actors.counts.tally import Tally
from actors.ledger.sqlite import MemoryLedger
from benchmarks.cost import ARMS, configuration
from benchmarks.simulated.corpus import FactSheet, fact_sheet
from benchmarks.simulated.engine import PaidCall
from benchmarks.simulated.text import closest, sentences
from deployments.build.evidence import passages_of
from deployments.local.loop import conduct_in_process
from schemas.config import GroundedAnswer
from schemas.ledger import AcceptedEnd, Planned
from schemas.progress import Carried

MOST_FACTS = 10
RESULTS = Path(__file__).with_suffix(".json")
JUDGES = ("judge", "reward")
Rule = int | dict[str, int]


class Way(Struct, frozen=True):
    """One value of `samples_per_passage`, and how many samples a call writes."""

    name: str
    rule: Rule
    written: int = 1


WAYS = (
    Way("2", 2),
    Way("4", 4),
    Way("8", 8),
    Way("auto, patience 1", {"patience": 1}),
    Way("auto", {}),
    Way("auto, patience 3", {"patience": 3}),
    Way("8, `samples_per_call: 3`", 8, 3),
    Way("auto, `samples_per_call: 3`", {}, 3),
)


class Found(Struct, frozen=True):
    """What a way came to, all seeds together. `carried`: facts of all passages; `facts`: different ones among the
    accepted samples; `whole`: passages of which every fact was found; `capped`: those that still gave at their
    last order."""

    name: str
    passages: int = 0
    carried: int = 0
    orders: int = 0
    accepted: int = 0
    facts: int = 0
    whole: int = 0
    calls: int = 0
    writing: int = 0
    tokens: int = 0
    capped: int = 0

    def __add__(self, other: "Found") -> "Found":
        return Found(self.name, *(a + b for a, b in zip(self._numbers(), other._numbers(), strict=True)))

    def _numbers(self) -> list[int]:
        return [getattr(self, name) for name in self.__struct_fields__ if name != "name"]

    def row(self) -> str:
        """The way's line of the table."""
        cells = (
            self.name,
            f"{self.facts:,} of {self.carried:,} = {self.facts / self.carried:.1%}",
            f"{self.whole / self.passages:.0%}",
            f"{self.orders / self.passages:.1f}",
            f"{self.accepted / self.orders:.0%}",
            f"{self.calls:,}",
            f"{self.calls / self.facts:.1f}",
            f"{self.tokens / self.facts:,.0f}",
        )
        return f"| {' | '.join(cells)} |"


def sheet_of(seed: int, index: int) -> FactSheet:
    """A sheet of 1 to `MOST_FACTS` sentences, each a fact; the same number of passages has each number."""
    lines = [*sentences(fact_sheet(seed, 2 * index).text), *sentences(fact_sheet(seed, 2 * index + 1).text)]
    return FactSheet(f"sheet-{index:05d}", " ".join(lines[: 1 + index % MOST_FACTS]))


def run(way: Way, *, passages: int, seed: int) -> Found:
    """One run to its end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sheets = (sheet_of(seed, index) for index in range(passages))
        (folder / "corpus.jsonl").write_bytes(b"".join(msgspec.json.encode(sheet) + b"\n" for sheet in sheets))
        config = configuration(ARMS[0], folder, seed=seed)
        assert isinstance(config.task, GroundedAnswer)
        rule: Rule = {"at_most": 16, "patience": 2, **way.rule} if isinstance(way.rule, dict) else way.rule
        task = replace(config.task, samples_per_passage=rule, samples_per_call=way.written)
        config = replace(config, task=task, recovery=replace(config.recovery, max_attempts=4))
        ledger = MemoryLedger()
        asyncio.run(conduct_in_process(config, list(passages_of(config.corpus)), ledger))
        lines = (folder / "calls").read_bytes().splitlines()
        return _found(way, ledger, [msgspec.json.decode(line, type=PaidCall) for line in lines])


def _found(way: Way, ledger: MemoryLedger, paid: list[PaidCall]) -> Found:
    texts: dict[str, str] = {}
    facts: dict[str, set[str]] = {}
    accepted, tally = 0, Tally()
    for record in ledger.kept:
        tally.apply(record)
        if isinstance(record, Planned):
            texts |= {order.id: record.passage.text for order in record.orders}
            facts.setdefault(record.passage.text, set())
        if isinstance(record, AcceptedEnd):
            accepted += 1
            made = record.attempt.candidate
            assert made is not None and made.draft is not None, "what was accepted has a draft"
            text = texts[record.order_id]
            facts[text].add(closest(text, made.draft.question)[0])
    kinds: Mapping[str, int] = Counter(call.kind for call in paid)
    carried = tally.summary().carried
    return Found(
        way.name,
        passages=len(facts),
        carried=sum(len(sentences(text)) for text in facts),
        orders=len(texts),
        accepted=accepted,
        facts=sum(map(len, facts.values())),
        whole=sum(len(found) == len(sentences(text)) for text, found in facts.items()),
        calls=len(paid),
        writing=sum(calls for kind, calls in kinds.items() if kind not in JUDGES),
        tokens=sum(call.prompt + call.completion for call in paid),
        capped=sum(carried.capped.values()) if isinstance(carried, Carried) else 0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--arm", nargs="+", default=[way.name for way in WAYS])
    arguments = parser.parse_args()
    print(
        "| `samples_per_passage` | facts found | passages whole | orders | accepted | calls | a fact | tokens a fact |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    results: list[Found] = []
    for way in (way for way in WAYS if way.name in arguments.arm):
        first, *others = [run(way, passages=arguments.passages, seed=seed) for seed in arguments.seeds]
        results.append(sum(others, first))
        print(results[-1].row(), flush=True)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


if __name__ == "__main__":
    main()
