"""Calls and tokens for each distinct accepted sample, on a simulated model that is right or wrong by its own hidden
truth (`benchmarks/simulated`): the whole loop in one process, no Ray, no weights.

    python -m benchmarks.cost [--passages 200] [--seeds 2 3 4 5 6] [--arm NAME ...]

Counts do not depend on how busy the machine is. Each figure is of all seeds together, behind it the smallest and the
largest of a seed. What asking for several at once does to the quality of each is not simulated: measure that on a real
model. A run with a cascade has one probe for 50 orders, and a past: other passages, on which probes have calibrated its
band. What that past cost is told apart.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from actors.ledger.sqlite import MemoryLedger
from benchmarks.simulated.corpus import fact_sheet
from benchmarks.simulated.engine import CLASSIFIED, PaidCall
from benchmarks.simulated.text import is_faithful
from deployments.build.evidence import passages_of
from deployments.local.loop import conduct_in_process
from schemas.config import Chunking, Corpus, GroundedAnswer, Pool, Recovery, RunConfig
from schemas.config_cascade import Cascade
from schemas.config_engines import CustomEngine
from schemas.config_gates import Classifier, GateConfig, Judging, LlmJudge
from schemas.config_probes import NamedInjector, Probing
from schemas.config_tasks import SamplingDefaults
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, Planned, Record
from schemas.verdicts import FAITHFULNESS, REWARD

SLOTS = 3


PROBED = 0.02
"""Probes for each order of a run with a cascade."""


class Arm(Struct, frozen=True):
    """One way to run. `written`: samples of one completion; `judged`: drafts in one call of a gate; `gates`: in the
    order in which they are asked; `classifier`: how good the cheap gate is that a cascade has before the judge
    (`benchmarks.simulated.model.Quality`), None without a cascade."""

    name: str
    short_circuit: bool = False
    written: int = 1
    judged: int = 1
    gates: tuple[str, str] = (FAITHFULNESS, REWARD)
    ask: str | None = None
    bar: Literal["raised", "same"] = "raised"
    classifier: float | None = None


CHEAPER_FIRST = (REWARD, FAITHFULNESS)
STRICT = "Write one question about this passage and its answer. Use only what the passage states."
PLAIN = Arm("one by one")
IN_TURN = replace(PLAIN, name="+ gates in turn (`short_circuit`)", short_circuit=True)
WRITTEN = replace(IN_TURN, name="+ `samples_per_call: 3`", written=3)
JUDGED = replace(WRITTEN, name="+ `drafts_per_call: 3`", judged=3)
CHEAPER = replace(JUDGED, name="+ the cheaper gate first", gates=CHEAPER_FIRST)
SAME_BAR = replace(CHEAPER, name="+ `recovery.bar: same`", bar="same")
STRICTLY = replace(SAME_BAR, name="+ strict words from the start (`task.ask`)", ask=STRICT)
ARMS = (
    PLAIN,
    IN_TURN,
    WRITTEN,
    JUDGED,
    CHEAPER,
    SAME_BAR,
    replace(SAME_BAR, name="+ a cascade", classifier=2.5),
    replace(SAME_BAR, name="the same, a poorer classifier", classifier=1.5),
    STRICTLY,
    replace(STRICTLY, name="strict words + a cascade", classifier=2.5),
    replace(IN_TURN, name="the second line, `recovery.bar: same`", bar="same"),
)


class Bill(Struct, frozen=True):
    """What runs came to. `kinds`: calls by kind; `tokens`: of the chat model; `classified`: of the classifier; `past`:
    tokens of the chat model before the run, until the band was calibrated."""

    orders: int
    accepted: int
    distinct: int
    true: int
    kinds: Mapping[str, int]
    tokens: int
    classified: int = 0
    past: int = 0

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(
            self.orders + other.orders,
            self.accepted + other.accepted,
            self.distinct + other.distinct,
            self.true + other.true,
            Counter(self.kinds) + Counter(other.kinds),
            self.tokens + other.tokens,
            self.classified + other.classified,
            self.past + other.past,
        )

    @property
    def calls(self) -> int:
        """Of the chat model."""
        return sum(self.kinds.values()) - self.kinds.get(CLASSIFIED, 0)


def configuration(arm: Arm, folder: Path, *, seed: int, probed: float = PROBED) -> RunConfig:
    """A run of the arm over the folder's corpus. `probed`: probes for each order, if it has a cascade."""
    options: dict[str, str | int | float | bool] = {"journal": str(folder / "calls"), "seed": seed}
    if arm.classifier is not None:
        options["classifier"] = arm.classifier
    engine = CustomEngine(factory="benchmarks.simulated.engine:engine", options=options)
    judge = LlmJudge(engine=engine, threshold=0.7, drafts_per_call=arm.judged)
    gates: dict[str, GateConfig] = dict.fromkeys(arm.gates, judge)
    if arm.classifier is not None:
        gates["small"] = Classifier(engine=engine, kind="faithfulness")
        gates["careful"] = replace(judge, kind="faithfulness")
        gates[FAITHFULNESS] = Cascade(cheap="small", judge="careful")
    injector = NamedInjector(factory="benchmarks.simulated.injector:injector")
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
        gates=gates,
        judging=Judging(short_circuit=arm.short_circuit),
        recovery=Recovery(policy="rules", max_attempts=5, bar=arm.bar),
        probes=Probing() if arm.classifier is None else Probing(rate=probed, injector=injector, repair=False),
    )


def run(arm: Arm, *, passages: int, seed: int) -> Bill:
    """One run to its end; before it, with a cascade, as many other passages with a probe for each order."""
    with tempfile.TemporaryDirectory() as name:
        folder, ledger, past = Path(name), MemoryLedger(), 0
        if arm.classifier is not None:
            ledger.kept, past = _past(arm, folder, range(passages, 2 * passages), seed=seed)
        began = len(ledger.kept)
        config = configuration(arm, folder, seed=seed)
        _write(folder, seed, range(passages))
        asyncio.run(conduct_in_process(config, list(passages_of(config.corpus)), ledger))
        bill = _bill(ledger.kept[began:], (folder / "calls").read_bytes().splitlines())
        return replace(bill, past=past)


def _past(arm: Arm, folder: Path, sheets: Iterable[int], *, seed: int) -> tuple[list[Record], int]:
    """The records of the part of the run that calibrates the band, and the tokens of the chat model that it took."""
    ledger = MemoryLedger()
    config = configuration(arm, folder, seed=seed, probed=1.0)
    _write(folder, seed, sheets)
    asyncio.run(conduct_in_process(config, list(passages_of(config.corpus)), ledger))
    calls = folder / "calls"
    bill = _bill(ledger.kept, calls.read_bytes().splitlines())
    calls.unlink()
    return ledger.kept, bill.tokens


def _write(folder: Path, seed: int, sheets: Iterable[int]) -> None:
    lines = (msgspec.json.encode(fact_sheet(seed, index)) + b"\n" for index in sheets)
    (folder / "corpus.jsonl").write_bytes(b"".join(lines))


def _bill(records: Iterable[Record], journal: Iterable[bytes]) -> Bill:
    texts: dict[OrderId, str] = {}
    samples: list[tuple[str, str, str]] = []
    for record in records:
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
        tokens=sum(call.prompt + call.completion for call in paid if call.kind != CLASSIFIED),
        classified=sum(call.prompt for call in paid if call.kind == CLASSIFIED),
    )


GATES = ("judge", "reward", CLASSIFIED)
COLUMNS: tuple[tuple[str, Callable[[Bill], float], str], ...] = (
    ("calls", lambda bill: bill.calls / bill.distinct, ".2f"),
    (
        "writing",
        lambda bill: sum(calls for kind, calls in bill.kinds.items() if kind not in GATES) / bill.distinct,
        ".2f",
    ),
    ("judge", lambda bill: bill.kinds.get("judge", 0) / bill.distinct, ".2f"),
    ("reward", lambda bill: bill.kinds.get("reward", 0) / bill.distinct, ".2f"),
    ("tokens", lambda bill: bill.tokens / bill.distinct, ",.0f"),
    ("classifier calls", lambda bill: bill.kinds.get(CLASSIFIED, 0) / bill.distinct, ".2f"),
    ("its tokens", lambda bill: bill.classified / bill.distinct, ",.0f"),
    ("true", lambda bill: bill.true / bill.accepted, ".2%"),
    ("yield", lambda bill: bill.accepted / bill.orders, ".1%"),
)
"""The table's columns: name, figure and its form."""


def row(arm: Arm, bills: Sequence[Bill]) -> str:
    """The arm's line of the table: each figure of all seeds together, then the smallest and the largest of one."""
    whole = sum(bills[1:], bills[0])
    cells = [_cell(figure(whole), [figure(bill) for bill in bills], form) for _, figure, form in COLUMNS]
    return f"| {arm.name} | {' | '.join(cells)} | {whole.distinct:,} | {whole.past / len(bills):,.0f} |"


def _cell(whole: float, each: Sequence[float], form: str) -> str:
    if min(each) == max(each):
        return format(whole, form)
    return f"{whole:{form}} ({min(each):{form}}–{max(each):{form}})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 4, 5, 6])
    parser.add_argument("--arm", nargs="+", default=[arm.name for arm in ARMS])
    arguments = parser.parse_args()
    names = ("way", *(name for name, _, _ in COLUMNS), "distinct samples", "tokens of the past")
    print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}")
    for arm in (arm for arm in ARMS if arm.name in arguments.arm):
        bills = [run(arm, passages=arguments.passages, seed=seed) for seed in arguments.seeds]
        print(row(arm, bills), flush=True)


if __name__ == "__main__":
    main()
