"""Our own tasks keep to what every task must, and a task that does not is told so."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from actors.calls import loop_lag
from actors.protocols import AskModel, Task
from actors.tasks import conformance
from actors.tasks.code import CodeTask
from actors.tasks.code_problem import CodeProblemTask
from actors.tasks.conformance import CHECKS, TaskSubject, examine, finding
from actors.tasks.grounded_answer import GroundedAnswerTask
from actors.tasks.math import MathTask
from actors.tasks.one_call import OneCall, sampled, with_words
from actors.tasks.prompted import PromptedTask
from actors.tasks.prompts import fenced, one_line
from actors.tasks.sql import SqlTask
from actors.text.completions import control_in, without_control
from examples.summaries.task import Summary
from schemas.config_tasks import Code, CustomTask, GroundedAnswer, Math, SamplingDefaults, Sql
from schemas.conformance import CheckOutcome
from schemas.errors import HopError
from schemas.ids import PoolName
from schemas.orders import Lease
from schemas.samples import Draft, FinishReason, Made, Malformed, MalformedReason, Message, Prompt, Sampling, Texts
from tests.doubles.prompted import QUESTIONS
from tests.doubles.steps import CODE, STEPS
from tests.oracle.threes import Threes

QUERY = "Question: How many are there?\nQuery: SELECT count(*) FROM town"
FUNCTION = "```python\ndef half(n):\n    return n / 2\n```"
TESTED = f"Question: Write half(n).\n{FUNCTION}\n```python\nfrom solution import half\n```"
REPLIES = {SqlTask: QUERY, CodeTask: TESTED, CodeProblemTask: FUNCTION}
OURS: dict[str, Task] = {
    "grounded answers": GroundedAnswerTask(GroundedAnswer()),
    "grounded answers in JSON": GroundedAnswerTask(GroundedAnswer(output="json")),
    "grounded answers, three of a completion": GroundedAnswerTask(GroundedAnswer(samples_per_call=3)),
    "the same in JSON": GroundedAnswerTask(GroundedAnswer(samples_per_call=3, output="json", prompts="instruct")),
    "questions and queries": SqlTask(Sql()),
    "functions with tests": CodeTask(Code(), cases=3),
    "functions for problems": CodeProblemTask(Code()),
    "math": MathTask(Math(), longest_answer=200),
    "one that makes three at once": Threes(CustomTask(task="tests.oracle.threes:Threes")),
    "prompted": PromptedTask(QUESTIONS),
    "prompted, in JSON": PromptedTask(replace(QUESTIONS, read="json")),
    "prompted, in steps": PromptedTask(STEPS),
    "prompted, of code": PromptedTask(CODE),
    "the example": Summary(CustomTask(task="examples.summaries.task:Summary")),
}


HELD_AT_MOST_S = 1.0


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", OURS)
async def test_our_tasks_keep_to_it(name: str, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No private door: what is asked of a user's task is asked of ours. But the loop may be held for longer here, where
    tests share slow cores: what is not linear takes many seconds of the odd texts."""
    for module in (loop_lag, conformance):
        monkeypatch.setattr(module, "MOST_LAG_S", HELD_AT_MOST_S)
    task = OURS[name]
    reply = task.specimen() if isinstance(task, PromptedTask) else REPLIES.get(type(task), "")
    found = await finding(check, TaskSubject(task, reply))
    assert found.outcome is CheckOutcome.PASSED, found.detail


class Echo(OneCall):
    """Keeps to everything but what a test takes away; its draft is what was said."""

    def prompt(self, lease: Lease) -> Prompt:
        previous = lease.repair and lease.repair.previous
        other = f" Not: {one_line(previous.fields['said'])}" if previous else ""
        content = f"{fenced(lease.passage.text)} Say it.{other}"
        return Prompt((Message("user", content),), sampled(SamplingDefaults(), lease))

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        said = without_control(text)
        if not said or control_in(said) or finish is FinishReason.LENGTH:
            return Malformed(MalformedReason.EMPTY, "no")
        return Draft({"said": said})

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        return (Message("user", passage), Message("assistant", draft.fields["said"]))

    def written(self, draft: Draft) -> str:
        return draft.fields["said"]


class GivesNothing(Echo):
    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        await ask(self.prompt(lease))
        return
        yield


class GivesTwo(Echo):
    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        async for made in super().attempt(lease, ask):
            yield made
            yield made


class ServesTheFirst(Echo):
    together = 3


class AsksNobody(Echo):
    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        yield Made(lease.order.id, Draft({"said": lease.passage.text.strip() or "x"}))


class AsksForEver(Echo):
    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        while True:
            await ask(self.prompt(lease))
        yield


class HearsNoWords(Echo):
    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        said = await ask(self.prompt(lease))
        yield Made(lease.order.id, self.read(lease, said.text, said.finish))


class LosesTheError(Echo):
    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        try:
            text = (await ask(self.prompt(lease))).text
        except HopError:
            text = ""
        yield Made(lease.order.id, self.read(lease, text, FinishReason.STOP))


class MakesAnErrorOfItsOwn(Echo):
    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        try:
            text = (await ask(self.prompt(lease))).text
        except HopError as error:
            raise ValueError("no answer") from error
        yield Made(lease.order.id, self.read(lease, text, FinishReason.STOP))


class AsksInAGroup(Echo):
    async def attempt(self, lease: Lease, ask: AskModel) -> AsyncIterator[Made]:
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(ask(with_words(self.prompt(lease), lease)))
        completion = asked.result()
        yield Made(lease.order.id, self.read(lease, completion.text, completion.finish))


class Counts(Echo):
    asked = 0

    def prompt(self, lease: Lease) -> Prompt:
        self.asked += 1
        return Prompt((Message("user", f"{self.asked}"),), sampled(SamplingDefaults(), lease))


class ReadsTheClock(Echo):
    def prompt(self, lease: Lease) -> Prompt:
        return Prompt((Message("user", f"until {lease.expires_at}"),), sampled(SamplingDefaults(), lease))


class AsksRaw(Echo):
    def prompt(self, lease: Lease) -> Prompt:
        return Prompt((Message("user", lease.passage.text),), sampled(SamplingDefaults(), lease))


class RepeatsRaw(Echo):
    def prompt(self, lease: Lease) -> Prompt:
        previous = lease.repair and lease.repair.previous
        return Prompt((Message("user", f"Not {previous}"),), sampled(SamplingDefaults(), lease))


class NeedsADraft(Echo):
    def prompt(self, lease: Lease) -> Prompt:
        if lease.repair is not None:
            assert lease.repair.previous is not None
        return super().prompt(lease)


class Hot(Echo):
    def prompt(self, lease: Lease) -> Prompt:
        return replace(super().prompt(lease), sampling=Sampling(temperature=1.0))


class Cheats(Echo):
    def prompt(self, lease: Lease) -> Prompt:
        return Prompt((Message("user", f"{lease.passage.reference}"),), sampled(SamplingDefaults(), lease))


class Template(Echo):
    def prompt(self, lease: Lease) -> Prompt:
        asked = ("Say " + lease.passage.text).format()
        return Prompt((Message("user", asked),), sampled(SamplingDefaults(), lease))


class ReadsJson(Echo):
    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        return Draft({"said": json.loads(text)["answer"]})


class ReadsNumbers(Echo):
    def read(self, lease: Lease, text: str, finish: FinishReason) -> Any:
        return Draft({"said": len(text)})  # type: ignore[dict-item]


class KeepsAll(Echo):
    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        return Draft({"said": text})


class KeepsControl(Echo):
    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        return Draft({"said": text}) if text.strip() else Malformed(MalformedReason.EMPTY, "no")


class FallsOverCutOnes(Echo):
    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        if finish is FinishReason.LENGTH:
            raise ValueError("cut off")
        return super().read(lease, text, finish)


class ReadsNothing(Echo):
    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        return Malformed(MalformedReason.NO_LABEL, "no XML")


class TeachesTheUser(Echo):
    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        return (Message("assistant", draft.fields["said"]), Message("user", passage))


class TeachesByChance(Echo):
    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        return (Message("user", str(random.random())), Message("assistant", draft.fields["said"]))


class ShowsAText(Echo):
    def shown(self, draft: Draft) -> Any:
        return draft.fields["said"]


class ClaimsNothing(Echo):
    def claim(self, draft: Draft) -> Texts:
        return ()


class WritesALabel(Echo):
    def written(self, draft: Draft) -> str:
        return f"Said: {draft.fields['said']}"


class Sleeps(Echo):
    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        if len(text) > 1000:
            time.sleep(0.26)
        return super().read(lease, text, finish)


FAILED, NOTED = CheckOutcome.FAILED, CheckOutcome.NOTED


@pytest.mark.parametrize(
    ("task", "check", "outcome", "says"),
    [
        (GivesNothing, "it makes a draft of a plain completion", FAILED, "an attempt gave nothing"),
        (ServesTheFirst, "it makes one thing of every order of a lease", FAILED, "of 2 orders and a completion"),
        (GivesTwo, "it makes a draft of a plain completion", FAILED, "an attempt gave Made, Made"),
        (ReadsNumbers, "it makes a draft of a plain completion", FAILED, "texts by their names: {'said': "),
        (ReadsNothing, "it makes a draft of a plain completion", NOTED, "no plain completion is a draft (no XML)"),
        (ReadsJson, "it reads odd completions", FAILED, "it raised JSONDecodeError"),
        (KeepsAll, "it reads odd completions", FAILED, "is empty it makes a draft whose 'said' is empty"),
        (AsksNobody, "it asks of odd passages", FAILED, "it asked nothing"),
        (AsksForEver, "it asks of odd passages", FAILED, "it asked more than 100 times in one attempt"),
        (Template, "it asks of odd passages", FAILED, "of a passage that is a template's: it raised"),
        (FallsOverCutOnes, "a completion that was cut off is no whole draft", FAILED, "ValueError: cut off"),
        (LosesTheError, "a completion that was cut off is no whole draft", NOTED, "takes half a completion"),
        (Counts, "made again it asks the same", FAILED, "it must follow from its lease"),
        (ReadsTheClock, "made again it asks the same", FAILED, "it must follow from its lease"),
        (NeedsADraft, "it asks for every repair", FAILED, "of the repair resample without a draft: it raised Assert"),
        (Hot, "it asks for every repair", NOTED, "no call has the temperature"),
        (HearsNoWords, "it asks for every repair", NOTED, "no call is told the words of a repair"),
        (LosesTheError, "a failed call is passed on", NOTED, "makes 1 of it all the same"),
        (MakesAnErrorOfItsOwn, "a failed call is passed on", FAILED, "it makes ValueError, not HopError"),
        (AsksRaw, "control text is broken up in prompts", NOTED, "of a passage stands raw in a prompt (<|im_end|>"),
        (RepeatsRaw, "control text is broken up in prompts", NOTED, "of an earlier draft, by the repair resample,"),
        (KeepsControl, "control text is in no draft", NOTED, "its draft holds control text"),
        (Cheats, "the reference answer is in no prompt", FAILED, "no generator may see it"),
        (TeachesTheUser, "messages end with the assistant's turn", FAILED, "do not end with a turn of the assistant's"),
        (TeachesByChance, "messages end with the assistant's turn", FAILED, "something else when it is asked again"),
        (ShowsAText, "claim, shown and key are texts", FAILED, "shown gives no tuple of (name, text) pairs"),
        (ClaimsNothing, "claim, shown and key are texts", NOTED, "claim gives no text"),
        (WritesALabel, "what is written is read back", NOTED, "teaches another form"),
        pytest.param(
            Sleeps,
            "it leaves the event loop free",
            FAILED,
            "it held the event loop for 0.",
            marks=pytest.mark.slow,
        ),
    ],
)
async def test_what_is_found(task: type[Echo], check: str, outcome: CheckOutcome, says: str) -> None:
    """Each check finds the task that breaks it, and says how."""
    found = await finding(check, TaskSubject(task()))
    assert found.outcome is outcome, found.detail
    assert says in found.detail


@pytest.mark.parametrize(
    ("pools", "said"), [(None, ""), (["generator", "strong"], ""), (["generator"], "asks the pool 'strong'")]
)
async def test_a_pool_that_the_run_does_not_have_is_found_before_it_runs(
    pools: list[PoolName] | None, said: str
) -> None:
    """The task's second step asks `strong`."""
    task = PromptedTask(STEPS)
    found = await finding("it makes a draft of a plain completion", TaskSubject(task, task.specimen(), pools))
    assert found.outcome is (FAILED if said else CheckOutcome.PASSED)
    assert said in found.detail


@pytest.mark.slow
@pytest.mark.parametrize("task", [Echo, AsksInAGroup])
async def test_a_good_one_is_told_nothing(task: type[Echo]) -> None:
    """What the broken ones above are made of keeps to everything, and every check is made, in order."""
    found = await examine(TaskSubject(task()))
    assert [each.check for each in found] == list(CHECKS)
    assert {each.outcome for each in found} == {CheckOutcome.PASSED}, found


async def test_nothing_is_raised_whatever_the_task_does() -> None:
    """A task that is none at all gets its findings too."""
    found = await examine(TaskSubject(object()))  # type: ignore[arg-type]
    assert found[0].outcome is FAILED
    assert "has no attribute 'attempt'" in found[0].detail


async def test_a_reply_of_ones_own() -> None:
    """A task of another form is given a completion that it reads; one that it does not read is its author's mistake."""
    form = '{"answer": "Velmora was founded in 1623."}'
    found = await finding("it makes a draft of a plain completion", TaskSubject(ReadsJson(), form))
    assert found.outcome is CheckOutcome.PASSED
    found = await finding("it makes a draft of a plain completion", TaskSubject(ReadsNothing(), form))
    assert (found.outcome, found.detail) == (FAILED, "the given reply is malformed: no XML")
