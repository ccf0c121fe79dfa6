"""Calls and tokens for each distinct accepted sample, on a simulated model that is right or wrong by its own hidden
truth (`benchmarks/simulated`): the whole loop in one process, no Ray, no weights.

    python -m benchmarks.cost [--passages 200] [--seeds 2 3] [--arm NAME ...]

Counts do not depend on how busy the machine is. What asking for several at once does to the quality of each is not
simulated: measure that on a real model.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from actors.ledger.sqlite import MemoryLedger
from benchmarks.simulated.corpus import fact_sheet
from benchmarks.simulated.engine import PaidCall
from benchmarks.simulated.text import is_faithful
from deployments.build.evidence import passages_of
from deployments.local.loop import conduct_in_process
from schemas.config import Chunking, Corpus, GroundedAnswer, Pool, Recovery, RunConfig
from schemas.config_engines import CustomEngine
from schemas.config_gates import Judging, LlmJudge
from schemas.config_tasks import SamplingDefaults
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, Planned
from schemas.verdicts import FAITHFULNESS, REWARD

SLOTS = 3


class Arm(Struct, frozen=True):
    """One way to run. `written`: samples of one completion; `judged`: drafts in one call of a gate; `gates`: in the
    order in which they are asked."""

    name: str
    short_circuit: bool = False
    written: int = 1
    judged: int = 1
    gates: tuple[str, str] = (FAITHFULNESS, REWARD)
    ask: str | None = None
    bar: Literal["raised", "same"] = "raised"


CHEAPER_FIRST = (REWARD, FAITHFULNESS)
ARMS = (
    Arm("one by one"),
    Arm("+ gates in turn (`short_circuit`)", short_circuit=True),
    Arm("+ `samples_per_call: 3`", short_circuit=True, written=3),
    Arm("+ `drafts_per_call: 3`", short_circuit=True, written=3, judged=3),
    Arm("+ the cheaper gate first", short_circuit=True, written=3, judged=3, gates=CHEAPER_FIRST),
    Arm("+ `recovery.bar: same`", short_circuit=True, written=3, judged=3, gates=CHEAPER_FIRST, bar="same"),
    Arm(
        "+ strict words from the start (`task.ask`)",
        short_circuit=True,
        written=3,
        judged=3,
        gates=CHEAPER_FIRST,
        bar="same",
        ask="Write one question about this passage and its answer. Use only what the passage states.",
    ),
    Arm("the second line, `recovery.bar: same`", short_circuit=True, bar="same"),
)


class Bill(Struct, frozen=True):
    """What an arm's runs came to, all seeds together. `kinds`: calls by kind."""

    orders: int
    accepted: int
    distinct: int
    true: int
    kinds: Mapping[str, int]
    tokens: int

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(
            self.orders + other.orders,
            self.accepted + other.accepted,
            self.distinct + other.distinct,
            self.true + other.true,
            Counter(self.kinds) + Counter(other.kinds),
            self.tokens + other.tokens,
        )


def configuration(arm: Arm, folder: Path, *, seed: int) -> RunConfig:
    """A run of the arm over the folder's corpus."""
    engine = CustomEngine(
        factory="benchmarks.simulated.engine:engine", options={"journal": str(folder / "calls"), "seed": seed}
    )
    judge = LlmJudge(engine=engine, threshold=0.7, drafts_per_call=arm.judged)
    return RunConfig(
        name="cost",
        seed=seed,
        corpus=Corpus(paths=(str(folder / "corpus.jsonl"),), chunking=Chunking(max_tokens=512)),
        task=GroundedAnswer(
            samples_per_passage=SLOTS,
            samples_per_call=arm.written,
            ask=arm.ask,
            output="json",
            sampling=SamplingDefaults(temperature=0.7, max_tokens=300),
        ),
        pools={"generator": Pool(engine=engine)},
        gates=dict.fromkeys(arm.gates, judge),
        judging=Judging(short_circuit=arm.short_circuit),
        recovery=Recovery(policy="rules", max_attempts=5, bar=arm.bar),
    )


def run(arm: Arm, *, passages: int, seed: int) -> Bill:
    """One run to its end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sheets = (fact_sheet(seed, index) for index in range(passages))
        (folder / "corpus.jsonl").write_bytes(b"".join(msgspec.json.encode(sheet) + b"\n" for sheet in sheets))
        config = configuration(arm, folder, seed=seed)
        ledger = MemoryLedger()
        asyncio.run(conduct_in_process(config, list(passages_of(config.corpus)), ledger))
        return _bill(ledger, (folder / "calls").read_bytes().splitlines())


def _bill(ledger: MemoryLedger, journal: Iterable[bytes]) -> Bill:
    texts: dict[OrderId, str] = {}
    samples: list[tuple[str, str, str]] = []
    for record in ledger.kept:
        if isinstance(record, Planned):
            texts |= {order.id: record.passage.text for order in record.orders}
        if isinstance(record, AcceptedEnd):
            made = record.attempt.candidate
            assert made is not None and made.draft is not None, "what was accepted has a draft"
            samples.append((texts[record.order_id], made.draft.question, made.draft.answer))
    paid = [msgspec.json.decode(line, type=PaidCall) for line in journal]
    return Bill(
        orders=len(texts),
        accepted=len(samples),
        distinct=len({(passage, question) for passage, question, _ in samples}),
        true=sum(is_faithful(passage, answer) for passage, _, answer in samples),
        kinds=Counter(call.kind for call in paid),
        tokens=sum(call.prompt + call.completion for call in paid),
    )


def row(arm: Arm, bill: Bill) -> str:
    """The arm's line of the table."""
    writing = sum(calls for kind, calls in bill.kinds.items() if kind not in ("judge", "reward"))
    calls = [each / bill.distinct for each in (sum(bill.kinds.values()), writing, bill.kinds["judge"])]
    said = " | ".join(f"{each:.2f}" for each in (*calls, bill.kinds["reward"] / bill.distinct))
    return (
        f"| {arm.name} | {said} | {bill.tokens / bill.distinct:,.0f} | {bill.true / bill.accepted:.2%} | "
        f"{bill.accepted / bill.orders:.1%} | {bill.distinct:,} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--arm", nargs="+", default=[arm.name for arm in ARMS])
    arguments = parser.parse_args()
    print("| way | calls | writing | judge | reward | tokens | true | yield | distinct samples |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for arm in (arm for arm in ARMS if arm.name in arguments.arm):
        first, *others = [run(arm, passages=arguments.passages, seed=seed) for seed in arguments.seeds]
        print(row(arm, sum(others, first)), flush=True)


if __name__ == "__main__":
    main()
