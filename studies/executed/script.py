"""The script of the writer: which faults there are, how often, and how it takes a hint. All of it is assumed, committed
before the first run, and varied in what a claim about repair would rest on.

Law: pure. A state follows from the problem, what is shown, and the draw.
"""

from collections.abc import Mapping
from hashlib import sha256
from random import Random

from msgspec import Struct

from studies.executed.problems import Half, Problem, State, States

Rates = Mapping[tuple[State, State], int]
"""States of answer and partner, to how many of a hundred first drafts have them; the others are right."""

OF_FUNCTIONS: Rates = {
    (State.SYNTAX, State.RIGHT): 6,
    (State.NAME, State.RIGHT): 6,
    (State.CRASH, State.RIGHT): 6,
    (State.ENDLESS, State.RIGHT): 3,
    (State.OTHER, State.RIGHT): 9,
    (State.RIGHT, State.OTHER): 7,
    (State.RIGHT, State.WEAK): 6,
    (State.OTHER, State.OTHER): 7,
}
"""The last ones misread the question in function and tests alike: they pass the gate, and are wrong."""
OF_QUERIES: Rates = {
    (State.SYNTAX, State.RIGHT): 6,
    (State.NAME, State.RIGHT): 9,
    (State.CRASH, State.RIGHT): 4,
    (State.ENDLESS, State.RIGHT): 3,
    (State.EMPTY, State.RIGHT): 6,
    (State.OTHER, State.RIGHT): 11,
    (State.RIGHT, State.OTHER): 11,
}
MISREAD = 0.08
"""The part of the questions that the second reader of a query takes in the other meaning, always the same ones. Such a
reader rejects right samples, and lets pass those that misread alike."""
HARD, EASY = 1.4, 0.6
"""By how much faults are more and less frequent in the half of the problems that are hard, and in the other one: so
what failed once fails more often again, and fresh orders meet other problems."""
HARD_TO_MEND = 0.7
"""By how much a fault of a hard problem is mended less often."""
USUAL_TEMPERATURE = 0.7
COOLED = 0.5
"""Of the faults at the usual temperature, how many are left at 0; straight between."""


class Response(Struct, frozen=True):
    """How a writer takes the message of an execution: chances."""

    mends: float
    """A half that is at fault comes right, when it is written again; else it comes as it was."""
    bends: float
    """A half that was right is made to fit what was not."""
    spots: float
    """Told to write all again, it works at the half that is at fault; else at the other one."""


RESPONSES: Mapping[str, Response] = {
    "helps": Response(mends=0.8, bends=0.1, spots=0.9),
    "nothing": Response(mends=0.5, bends=0.1, spots=0.5),
    "misleads": Response(mends=0.25, bends=0.4, spots=0.25),
}
"""Where hints do nothing, an edit mends as often as a first draft is right, and whoever rewrites all picks a half by a
coin."""


def is_hard(problem: Problem) -> bool:
    """The same for every writer and draw."""
    return sha256(problem.name.encode()).digest()[0] % 2 == 1


def drawn(rates: Rates, problem: Problem, temperature: float, random: Random) -> States:
    """A draft from nothing."""
    heat = COOLED + (1 - COOLED) * min(temperature / USUAL_TEMPERATURE, 1.0)
    fault = sum(rates.values()) / 100 * heat * (HARD if is_hard(problem) else EASY)
    answer = partner = State.RIGHT
    if random.random() < fault:
        ((answer, partner),) = random.choices(list(rates), list(rates.values()))
    return {Half.ANSWER: answer, Half.PARTNER: partner}


def edited(half: Half, problem: Problem, shown: States, response: Response, random: Random) -> States:
    """One half written again, the other as it was."""
    wanted, chance = problem.wanted(half, shown), random.random()
    if shown[half] is not wanted:
        mends = response.mends * (HARD_TO_MEND if is_hard(problem) else 1.0)
        return {**shown, half: wanted if chance < mends else shown[half]}
    return {**shown, half: problem.tempting(half, shown) if chance < response.bends else shown[half]}


def rewritten(problem: Problem, shown: States, response: Response, random: Random) -> States:
    """All written again, after a look at all of it: one half is worked at, the other one copied to the letter, which is
    the best that such a writer can do."""
    at_fault = Half.ANSWER if shown[Half.ANSWER] is not State.RIGHT else Half.PARTNER
    if shown[at_fault] is State.RIGHT:  # somebody else's fault
        at_fault = Half.ANSWER
    half = at_fault if random.random() < response.spots else at_fault.other
    return edited(half, problem, shown, response, random)


def read_by_second(question: State, asked: str) -> State:
    """In which meaning the second reader takes a question, the same whenever it is asked it."""
    if Random(f"second/{asked}").random() >= MISREAD:
        return question
    return State.OTHER if question is State.RIGHT else State.RIGHT
