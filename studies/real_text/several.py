"""What asking a real chat model for several samples at once does to each of them.

    python -m studies.real_text.models .models
    python -m studies.real_text.several .models/smollm2

Plan. Passages: as in `wellformed`, 20 of them drawn by a seed that was not used before (61). A first run with seed 11
was ended after its first arm, whose figures were seen; that seed had been used by `repairs`, so all arms are run anew.
Six orders of each passage; arms: one, two, three and six samples of a completion (`samples_per_call`), `instruct` with
its examples, labelled lines, T 0.5, top-p 0.95, 120 tokens for each sample, vLLM. Counted for each arm, of its 120
orders: drafts that the task reads; of these, drafts that are no near-duplicate (by words, 0.9) of an earlier one of
their passage; of these, drafts whose answer a sentence of the passage carries (every number of the answer, and half of
its content words: `actors.gates.carrying`); prompt and completion tokens. Carried is a sign of faithfulness that needs
no judge, and no proof. Supported if three at once give at least as many distinct carried drafts as one by one, less 5
points of the orders. The default stays 1 unless it is supported.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from msgspec import Struct

from actors.calls.asker import Asker, Way
from actors.gates.carrying import carries
from actors.gates.diversity import similarity
from actors.tasks.grounded_answer import GroundedAnswerTask
from actors.text.words import sentences
from deployments.local.gates import started
from schemas.config import GroundedAnswer
from schemas.corpus import Passage
from schemas.orders import Lease, Order
from schemas.samples import Draft, Malformed, texts_of
from schemas.verdicts import Quote
from studies.real_text.results_file import write_json
from studies.real_text.wellformed import POOL, SAMPLING, prose, small_engine

RESULTS = Path(__file__).parent / "several.json"
SEED, PASSAGES, ORDERS = 61, 20, 6
COUNTS = (1, 2, 3, 6)
ALIKE = 0.9
LESS = 0.05


class CountArm(Struct, frozen=True):
    """What asking for `count` samples of a completion came to."""

    count: int
    orders: int
    well_formed: int
    distinct: int
    carried: int
    prompt_tokens: int
    completion_tokens: int
    calls: int
    malformed: dict[str, int]
    examples: tuple[str, ...]


class Several(Struct, frozen=True):
    """What was measured, and whether three at once are as good as one by one."""

    model: str
    seed: int
    arms: tuple[CountArm, ...]
    supported: bool


class Completed(Struct, frozen=True):
    """One call: what it gave each order, and its tokens."""

    drafts: tuple[Draft | Malformed, ...]
    text: str
    prompt_tokens: int
    completion_tokens: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    asyncio.run(write(arguments.model, arguments.output))


async def write(model: Path, output: Path) -> None:
    """The results, once more after each arm: a run that is ended early keeps what it measured."""
    arms: list[CountArm] = []
    async for arm in measure(model):
        arms.append(arm)
        several = Several(model.name, SEED, tuple(arms), supported(arms))
        await asyncio.to_thread(write_json, output, several)
        print(
            f"{arm.count}: of {arm.orders} orders {arm.well_formed} well formed, {arm.distinct} distinct, "
            f"{arm.carried} carried; {arm.calls} calls, {arm.prompt_tokens:,} + {arm.completion_tokens:,} tokens; "
            f"{arm.malformed}",
            flush=True,
        )
    print(f"three at once are as good: {'supported' if supported(arms) else 'not supported'}")


def supported(arms: Sequence[CountArm]) -> bool:
    """By the plan's rule."""
    carried = {arm.count: arm.carried for arm in arms}
    return {1, 3} <= carried.keys() and carried[3] >= carried[1] - LESS * PASSAGES * ORDERS


async def measure(model: Path) -> AsyncIterator[CountArm]:
    """All arms, one after the other, on one engine."""
    passages = prose(SEED)[:PASSAGES]
    async with AsyncExitStack() as stack:
        engine = small_engine("vllm", model)
        generator = await started(stack, engine)
        way = Way(lambda pool, request: generator.generate(request), POOL, POOL, SEED, lambda: 0.0)
        for count in COUNTS:
            yield await _arm(count, passages, way)


async def _arm(count: int, passages: Sequence[Passage], way: Way) -> CountArm:
    config = GroundedAnswer(prompts="instruct", samples_per_passage=ORDERS, samples_per_call=count, sampling=SAMPLING)
    task = GroundedAnswerTask(config)
    leases = [_lease(passage, first, count) for passage in passages for first in range(0, ORDERS, count)]
    calls = await asyncio.gather(*(_completed(task, way, lease) for lease in leases))
    malformed: Counter[str] = Counter()
    kept: dict[str, list[Draft]] = {passage.text: [] for passage in passages}
    well_formed = carried = 0
    for lease, call in zip(leases, calls, strict=True):
        for draft in call.drafts:
            if isinstance(draft, Malformed):
                malformed[draft.reason.value] += 1
                continue
            well_formed += 1
            before = kept[lease.passage.text]
            if all(similarity(texts_of(draft), texts_of(other)) < ALIKE for other in before):
                before.append(draft)
                carried += is_carried(draft, lease.passage.text)
    return CountArm(
        count=count,
        orders=len(passages) * ORDERS,
        well_formed=well_formed,
        distinct=sum(map(len, kept.values())),
        carried=carried,
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
        calls=len(calls),
        malformed=dict(sorted(malformed.items())),
        examples=tuple(call.text for call in calls[:3]),
    )


def is_carried(draft: Draft, passage: str) -> bool:
    """Whether one sentence of the passage carries the answer."""
    at = 0
    for sentence in sentences(passage):
        start = passage.index(sentence, at)
        at = start + len(sentence)
        if carries(Quote(sentence, start, at), draft.answer, texts_of(draft), passage):
            return True
    return False


def _lease(passage: Passage, first: int, count: int) -> Lease:
    order, *beside = (Order.fresh(passage.id, "grounded_answer", slot) for slot in range(first, first + count))
    return Lease(order, passage, attempt=1, expires_at=0.0, beside=tuple(beside))


async def _completed(task: GroundedAnswerTask, way: Way, lease: Lease) -> Completed:
    asker = Asker(lease, way)
    made = {each.order_id: each.draft async for each in task.attempt(lease, asker)}
    return Completed(
        tuple(made[order.id] for order in lease.orders),
        asker.calls[-1].text,
        sum(call.cost.prompt_tokens for call in asker.calls),
        sum(call.cost.completion_tokens for call in asker.calls),
    )


if __name__ == "__main__":
    main()
