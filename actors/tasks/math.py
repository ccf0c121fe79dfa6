"""Worked solutions of problems: how one is asked for, read, and shown to a student.

Law: the prompt of an attempt depends on the lease and the configuration alone; the reference answer is in none. A
solution is a draft only if it says which its final answer is: a last number by chance is no answer.
"""

from collections.abc import Sequence

from actors.tasks.one_call import OneCall, sampled
from actors.tasks.prompts import WORD_JOINER, neutralise
from actors.tasks.reading import unfinished_thoughts
from actors.tasks.remarks import without_remarks
from actors.text.completions import after_thoughts, control_in, without_control
from actors.text.final_answer import final_answer
from schemas.config import Math
from schemas.orders import Lease
from schemas.samples import (
    Draft,
    FinishReason,
    Malformed,
    MalformedReason,
    Message,
    Prompt,
    Texts,
    answered,
)

SYSTEM = (
    "Solve the problem step by step. Write each step on a line of its own. End with a line that holds '#### ' and the "
    "final answer alone."
)


class MathTask(OneCall):
    """The `Task` of problems with a checkable answer. `longest_answer`: characters that the verifier compares."""

    def __init__(self, config: Math, *, longest_answer: int) -> None:
        self._config = config
        self._longest_answer = longest_answer

    def prompt(self, lease: Lease) -> Prompt:
        """The problem. A repair draws anew; one with a prefix goes on from there: the assistant's turn has begun."""
        prefix = "" if lease.repair is None else lease.repair.prefix
        started = (Message("assistant", prefix),) if prefix else ()
        return Prompt(
            messages=(Message("system", SYSTEM), Message("user", neutralise(lease.passage.text)), *started),
            sampling=sampled(self._config.sampling, lease),
            stop=self._config.sampling.stop,
        )

    def read(self, lease: Lease, text: str, finish: FinishReason) -> Draft | Malformed:
        """The problem with its solution, or why the text is none. Never raises, whatever the text."""
        problem = lease.passage.text
        plain = text.replace("\r\n", "\n").replace("\r", "\n")
        said = after_thoughts(plain if WORD_JOINER in problem else plain.replace(WORD_JOINER, ""))
        if said is None:
            return unfinished_thoughts(finish)
        if finish is FinishReason.LENGTH:
            return Malformed(MalformedReason.CUT_OFF, "cut off at the token limit")
        prefix = "" if lease.repair is None else lease.repair.prefix
        solution = prefix + said.rstrip() if prefix else said
        solution = _without_offers(without_control(solution, source=problem), problem)
        control = control_in(solution, source=problem)
        if control is not None:
            what = "a broken character" if "\ud800" <= control <= "\udfff" else f"control text: {control!r}"
            return Malformed(MalformedReason.CONTROL_TEXT, f"the solution holds {what}")
        found = final_answer(solution)
        if found is None or not found.marked:
            return Malformed(MalformedReason.NO_ANSWER, "the solution does not say which its final answer is")
        if len(found.text) > self._longest_answer:
            long, most = f"{len(found.text):,}", f"{self._longest_answer:,}"
            detail = f"the final answer has {long} characters, at most {most} are compared"
            return Malformed(MalformedReason.TOO_LONG, detail)
        return answered(question=problem, answer=solution)

    def messages(self, passage: str, draft: Draft) -> Sequence[Message]:
        """What a student is trained on: the problem as it stands, then the solution."""
        return (Message("user", passage), Message("assistant", draft.answer))

    def key(self, draft: Draft) -> Texts | None:
        """None: the problem is the corpus's, and asked again on purpose."""
        return None

    def written(self, draft: Draft) -> str:
        """The solution."""
        return draft.answer


def _without_offers(solution: str, problem: str) -> str:
    """Without what is said to whoever asked, where a marked answer stands before it."""
    bare = without_remarks(solution, passage=problem, blocks=False)
    found = None if bare == solution else final_answer(bare)
    return bare if found is not None and found.marked else solution
