"""Why first drafts of a small chat model as JSON are cut off: the room of their fields, the token limit, or the model.

    python -m studies.real_text.models .models
    python -m studies.real_text.json_drafts .models/smollm2

Plan, written before its first run (with 40 passages and a difference of 8 at first, which were lowered before the run).
Passages: as in `wellformed`, of the pages as they are now, 30 drawn by a seed that was not used before (41). Arms, all
of them `instruct` as JSON on vLLM, one first attempt each, T 0.5, top-p 0.95: `bounded`, as a run asks (three
characters a token, 120 tokens); `open`, without bounds; `long`, without bounds and with 320 tokens; `short`, as a run
asks, but with an answer of one short sentence. If `open` is much better than `bounded`, the room is too tight; if
`long` is much better than `open`, the limit is; if neither, the model runs on. Much: at least 6 of 30. On 26 passages
of another seed (12) `bounded` had 14 well-formed drafts and `open` 15 before this plan. `short` is taken over if it is
much better than `bounded`. The goal stays 90%.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from actors.calls.asker import Way
from actors.tasks.grounded_answer import GroundedAnswerTask
from actors.tasks.prompt_sets import INSTRUCT
from deployments.local.gates import started
from schemas.config import GroundedAnswer
from schemas.orders import Lease
from schemas.samples import Draft, FinishReason, Malformed, Prompt
from studies.real_text.results_file import write_json
from studies.real_text.wellformed import POOL, SAMPLING, Arm, arm_of, first_draft, prose, small_engine

RESULTS = Path(__file__).parent / "json_drafts.json"
SEED = 41
PASSAGES = 30
LONG = 320
JsonForm = Literal["bounded", "open", "short", "long"]
FORMS: tuple[JsonForm, ...] = get_args(JsonForm)
SHORT = f"{INSTRUCT.plain.removesuffix('.')}, in one short sentence."


class JsonArm(Struct, frozen=True):
    """One way to ask for JSON."""

    form: JsonForm
    drafts: Arm


class JsonDrafts(Struct, frozen=True):
    """What was measured."""

    model: str
    seed: int
    arms: tuple[JsonArm, ...]


class OpenTask(GroundedAnswerTask):
    """Its fields have no bounds, and none was cut off by one."""

    def prompt(self, lease: Lease) -> Prompt:
        asked = super().prompt(lease)
        assert asked.json_schema is not None
        schema = json.loads(asked.json_schema)
        for field in schema["properties"].values():
            del field["maxLength"]
        return replace(asked, json_schema=json.dumps(schema))

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        return LINES.read(lease, text, finish)


LINES = GroundedAnswerTask(GroundedAnswer(prompts="instruct", sampling=SAMPLING))
"""It reads JSON that it did not ask for, without bounds."""


def task_of(form: JsonForm) -> GroundedAnswerTask:
    """The task that asks in this form."""
    config = GroundedAnswer(prompts="instruct", output="json", sampling=SAMPLING)
    match form:
        case "bounded":
            return GroundedAnswerTask(config)
        case "open":
            return OpenTask(config)
        case "long":
            return OpenTask(replace(config, sampling=replace(SAMPLING, max_tokens=LONG)))
        case "short":
            return GroundedAnswerTask(replace(config, ask=SHORT))


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
    arms: list[JsonArm] = []
    async for arm in measure(model, seed, passages):
        arms.append(arm)
        found = JsonDrafts(model.name, seed, tuple(arms))
        await asyncio.to_thread(write_json, output, found)
        share, whys = arm.drafts.well_formed, arm.drafts.malformed.items()
        told = ", ".join(f"{count} {name}" for name, count in whys)
        print(f"{arm.form}: {share.successes}/{share.trials}, {arm.drafts.tokens} tokens; {told}", flush=True)


async def measure(model: Path, seed: int, passages: int) -> AsyncIterator[JsonArm]:
    """All arms, one after the other, on one engine."""
    drawn = prose(seed)[:passages]
    async with AsyncExitStack() as stack:
        engine = await started(stack, small_engine("vllm", model))
        way = Way(lambda _, request: engine.generate(request), POOL, POOL, seed, lambda: 0.0)
        for form in FORMS:
            task = task_of(form)
            drafts = await asyncio.gather(*(first_draft(task, way, passage) for passage in drawn))
            yield JsonArm(form, arm_of("instruct", drafts))


if __name__ == "__main__":
    main()
