"""How many verdicts of a small chat model as the judge are cut off at their token limit, by try.

    python -m studies.real_text.verdicts .models/smollm2

Drafts: first attempts of `instruct` on the passages of `wellformed`, drawn by the seed; those that are well formed, 24
of them. Each is judged against its passage (`form: llm`, 512 tokens), and asked again as a run does, three tries in
all. Counted: tries that were cut off, answers that were no verdict otherwise, and drafts that got a verdict in the end.
Nothing is said of whether a verdict is right. Not yet run to its end: there is no result beside this file.
"""

import argparse
import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.asker import Asker, Way
from actors.gates.faithfulness import LlmFaithfulness
from actors.tasks.grounded_answer import GroundedAnswerTask
from deployments.local.gates import started
from schemas.config import GroundedAnswer, LlmJudge
from schemas.errors import ErrorKind, JudgeError
from schemas.orders import Lease, Order
from schemas.samples import Draft, texts_of
from schemas.verdicts import GateRequest
from studies.real_text.results_file import write_json
from studies.real_text.wellformed import POOL, SAMPLING, prose, small_engine

TRIES = 3
JUDGED = 24
MAX_TOKENS = 512
RESULTS = Path(__file__).parent / "verdicts.json"


class Tried(Struct, frozen=True):
    """The verdicts of one number among an order's tries."""

    number: int
    asked: int
    cut_off: int
    no_verdict: int
    """Whole, and of another form."""


class Verdicts(Struct, frozen=True):
    """What was measured."""

    model: str
    seed: int
    judged: int
    tries: tuple[Tried, ...]
    without: int
    """Drafts that have no verdict after all tries."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.model, arguments.seed))
    write_json(arguments.output, found)
    for each in found.tries:
        print(f"try {each.number}: {each.asked} asked, {each.cut_off} cut off, {each.no_verdict} no verdict otherwise")
    print(f"{found.without} of {found.judged} drafts without a verdict")


async def measure(model: Path, seed: int) -> Verdicts:
    """Drafts first, then their verdicts, on one engine."""
    config = small_engine("vllm", model)
    async with AsyncExitStack() as stack:
        engine = await started(stack, config)
        task = GroundedAnswerTask(GroundedAnswer(prompts="instruct", sampling=SAMPLING))
        way = Way(lambda pool, request: engine.generate(request), POOL, POOL, seed, lambda: 0.0)
        asked = await asyncio.gather(*(_draft(task, way, lease) for lease in _leases(seed)))
        requests = [each for each in asked if each is not None][:JUDGED]
        judge = LlmFaithfulness(LlmJudge(engine=config, max_tokens=MAX_TOKENS), engine)
        ends = await asyncio.gather(*(judged(judge, request) for request in requests))
    return counted(model.name, seed, ends)


def counted(model: str, seed: int, ends: list[list[str]]) -> Verdicts:
    """`ends`: what each try of each draft came to: "verdict", "cut_off" or "no_verdict"."""
    tries: list[Tried] = []
    for number in range(1, TRIES + 1):
        came = Counter(each[number - 1] for each in ends if len(each) >= number)
        tries.append(Tried(number, came.total(), came["cut_off"], came["no_verdict"]))
    return Verdicts(model, seed, len(ends), tuple(tries), sum(each[-1] != "verdict" for each in ends))


async def judged(judge: LlmFaithfulness, request: GateRequest) -> list[str]:
    """What each try came to, until one is a verdict."""
    ends: list[str] = []
    while len(ends) < TRIES:
        try:
            await judge.check(replace(request, tries=len(ends) + 1))
        except JudgeError as error:
            if error.kind is not ErrorKind.NONSENSE:
                raise
            ends.append("cut_off" if "cut off" in error.detail else "no_verdict")
        else:
            return [*ends, "verdict"]
    return ends


def _leases(seed: int) -> list[Lease]:
    return [Lease(Order.fresh(passage.id, "grounded_answer", 0), passage, 1, expires_at=0.0) for passage in prose(seed)]


async def _draft(task: GroundedAnswerTask, way: Way, lease: Lease) -> GateRequest | None:
    (made,) = [made async for made in task.attempt(lease, Asker(lease, way))]
    if not isinstance(made.draft, Draft):
        return None
    return GateRequest(f"{lease.order.id}:1", lease.passage, made.draft, claim=texts_of(made.draft))


if __name__ == "__main__":
    main()
