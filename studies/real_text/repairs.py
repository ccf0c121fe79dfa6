"""What a small chat model makes of a rejected draft, before and after its repairs were told in turns.

    python -m studies.real_text.models .models
    python -m studies.real_text.repairs .models/smollm2

Plan, written before its first run. Passages: as in `wellformed`, of the pages as they are now, 36 drawn by a seed that
was not used before (31), without the page that the demo reads. Their first drafts by `instruct` (lines, T 0.5, top-p
0.95, 120 tokens) that are well formed count as rejected, whatever they say. Each is repaired once by each repair that
brings its draft, as a run does (an edit at half the temperature), in two arms: `label`, where the draft stands in the
last turn behind a label (the words of `instruct-large`, behind the examples), and `turns`, where it is an earlier turn
of the model's own. An edit in a third arm, `question`: the question is asked for by its words, the rejected answer is
not shown. Counted: repairs that are well formed; those with the label in what the model wrote; those that are
well formed and changed what they were to change (the answer for an edit, the question for another one). Expected: an
edit is well formed in at least 90% in turns, and copies no label; more questions change in turns; `question` changes
more answers, and fewer of them are well formed. Nothing is said of whether a repair is true. These and other wordings
were tried before, on 24 and 26 passages of seeds 11 and 12.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.asker import Asker, Way
from actors.tasks.grounded_answer import GroundedAnswerTask
from actors.tasks.prompt_sets import INSTRUCT, INSTRUCT_LARGE
from actors.tasks.prompts import one_line
from deployments.local.gates import started
from schemas.config import GroundedAnswer
from schemas.corpus import Passage
from schemas.orders import Lease, Order
from schemas.recovery import Repair, RepairKind, Repairs
from schemas.samples import Draft, Message, Prompt
from studies.real_text.results_file import write_json
from studies.real_text.wellformed import POOL, SAMPLING, prose, small_engine

RESULTS = Path(__file__).parent / "repairs.json"
SEED = 31
PASSAGES = 36
IN_THE_DEMO = "security.md"
GOAL = 0.9
LABELS = {Repairs.EDIT_UNSUPPORTED: "wrong answer:", Repairs.REGENERATE_QUESTION: INSTRUCT_LARGE.avoid.lower()}
TEMPERATURES = {Repairs.EDIT_UNSUPPORTED: SAMPLING.temperature / 2, Repairs.REGENERATE_QUESTION: SAMPLING.temperature}


class Repaired(Struct, frozen=True):
    """What one repair came to. `draft`: None where it is malformed."""

    rejected: Draft
    draft: Draft | None
    text: str


class RepairArm(Struct, frozen=True):
    """One repair in one form, of `repairs` drafts. `changed`: well formed, and no longer what was to be changed."""

    repair: RepairKind
    form: str
    repairs: int
    well_formed: int
    label_copied: int
    changed: int
    examples: tuple[str, ...]


class RepairResults(Struct, frozen=True):
    """What was measured. `rejected`: well-formed first drafts."""

    model: str
    seed: int
    passages: int
    rejected: int
    arms: tuple[RepairArm, ...]


class Labelled(GroundedAnswerTask):
    """`instruct` as it was: the examples, and the last turn of `instruct-large`."""

    def __init__(self, config: GroundedAnswer) -> None:
        super().__init__(config)
        self._told = GroundedAnswerTask(GroundedAnswer(prompts="instruct-large", sampling=config.sampling))

    def prompt(self, lease: Lease) -> Prompt:
        first = super().prompt(replace(lease, repair=None))
        asked = super().prompt(lease)
        return replace(asked, messages=(*first.messages[:-1], self._told.prompt(lease).messages[-1]))


class QuestionAlone(GroundedAnswerTask):
    """An edit that is not shown the rejected answer."""

    def prompt(self, lease: Lease) -> Prompt:
        first = super().prompt(replace(lease, repair=None))
        asked = super().prompt(lease)
        assert lease.repair is not None and lease.repair.previous is not None
        question = one_line(lease.repair.previous.question)
        last = Message("user", f"{INSTRUCT.ask_strictly(lease.passage.text)} The question is: {question}")
        return replace(asked, messages=(*first.messages[:-1], last))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--passages", type=int, default=PASSAGES)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    asyncio.run(write(arguments.model, arguments.seed, arguments.passages, arguments.output))


async def write(model: Path, seed: int, passages: int, output: Path) -> None:
    """The results, once more after each arm: a run that is ended early keeps what it measured."""
    async for results in measure(model, seed, passages):
        await asyncio.to_thread(write_json, output, results)
        arm = results.arms[-1]
        print(
            f"{arm.repair}, {arm.form}: {arm.well_formed} of {arm.repairs} well formed, {arm.label_copied} with the "
            f"label, {arm.changed} changed",
            flush=True,
        )


async def measure(model: Path, seed: int, number: int) -> AsyncIterator[RepairResults]:
    """First drafts, then each repair of each in each form, on one engine; what there is after each arm."""
    config = GroundedAnswer(prompts="instruct", sampling=SAMPLING)
    fresh = GroundedAnswerTask(config)
    arms_of = {
        Repairs.EDIT_UNSUPPORTED: {"label": Labelled(config), "turns": fresh, "question": QuestionAlone(config)},
        Repairs.REGENERATE_QUESTION: {"label": Labelled(config), "turns": fresh},
    }
    passages = [each for each in prose(seed) if IN_THE_DEMO not in each.provenance.uri][:number]
    async with AsyncExitStack() as stack:
        engine = await started(stack, small_engine("vllm", model))
        way = Way(lambda _, request: engine.generate(request), POOL, POOL, seed, lambda: 0.0)
        firsts = await asyncio.gather(*(attempt(fresh, way, passage) for passage in passages))
        rejected = [(each, first[0]) for each, first in zip(passages, firsts, strict=True) if first[0] is not None]
        arms: list[RepairArm] = []
        for kind, forms in arms_of.items():
            for form, task in forms.items():
                made = await asyncio.gather(
                    *(attempt(task, way, each, Repair(kind, TEMPERATURES[kind], draft)) for each, draft in rejected)
                )
                repaired = [Repaired(was, *came) for (_, was), came in zip(rejected, made, strict=True)]
                arms.append(arm_of(kind, form, repaired))
                yield RepairResults(model.name, seed, len(passages), len(rejected), tuple(arms))


async def attempt(
    task: GroundedAnswerTask, way: Way, passage: Passage, repair: Repair | None = None
) -> tuple[Draft | None, str]:
    """The draft of an order's first or second attempt, and the text of its last completion."""
    order = Order.fresh(passage.id, "grounded_answer", 0)
    lease = Lease(order, passage, 1 if repair is None else 2, expires_at=0.0, repair=repair)
    asker = Asker(lease, way)
    (made,) = [made async for made in task.attempt(lease, asker)]
    return made.draft if isinstance(made.draft, Draft) else None, asker.calls[-1].text


def arm_of(kind: RepairKind, form: str, repaired: Sequence[Repaired]) -> RepairArm:
    """What one form of a repair came to."""
    drafts = [(each.rejected, each.draft) for each in repaired if each.draft is not None]
    return RepairArm(
        repair=kind,
        form=form,
        repairs=len(repaired),
        well_formed=len(drafts),
        label_copied=sum(LABELS[kind] in each.text.lower() for each in repaired),
        changed=sum(told(kind, was) != told(kind, draft) for was, draft in drafts),
        examples=tuple(each.text for each in repaired[:4]),
    )


def told(kind: RepairKind, draft: Draft) -> str:
    """What the repair is to change, but for case, spaces and the marks at its ends."""
    said = draft.answer if kind == Repairs.EDIT_UNSUPPORTED else draft.question
    return " ".join(said.lower().split()).strip("\"'.?")


if __name__ == "__main__":
    main()
