"""What each step of a solution is worth by the world's own facts, without a model.

Law: `kinds` gives one kind for each line before the final answer. A solution is *right* if its final answer is; it is
*spurious* if it is right and a step of it is not sound.
"""

import re
from enum import Enum

from actors.text.final_answer import final_answer
from studies.arithmetic.world import Problem

_LINE = re.compile(r"(?P<name>[A-Z][a-z]+)(?P<working> has .+)? = (?P<value>\d+)")


class Kind(Enum):
    """What a step is."""

    SOUND = "sound"
    IRRELEVANT = "irrelevant"
    """Right, and of no use: of someone who does not matter, or said before."""
    WRONG = "wrong"
    """Says what is not so."""
    NONSENSE = "nonsense"
    """Not a step at all."""


def right(problem: Problem, solution: str) -> bool:
    """Whether the final answer is marked and right."""
    found = final_answer(solution)
    return found is not None and found.marked and found.text == str(problem.answer)


def kinds(problem: Problem, solution: str) -> list[Kind]:
    """The kind of each line but the final answer's."""
    said: set[str] = set()
    found: list[Kind] = []
    for line in solution.splitlines():
        if line.startswith("####"):
            break
        kind = _kind(problem, line, said)
        if kind is Kind.SOUND:
            said.add(line.split()[0])
        found.append(kind)
    return found


def spurious(problem: Problem, solution: str) -> bool:
    """Right in the end, though a step was useless or wrong."""
    return right(problem, solution) and any(kind is not Kind.SOUND for kind in kinds(problem, solution))


def _kind(problem: Problem, line: str, said: set[str]) -> Kind:
    step = _LINE.fullmatch(line)
    if step is None or step["name"] not in problem.values:
        return Kind.NONSENSE
    fact = problem.fact(step["name"])
    if int(step["value"]) != problem.values[fact.name]:
        return Kind.WRONG
    worked = None if fact.of is None else fact.said(str(problem.values[fact.of]))
    if step["working"] is not None and worked != step["name"] + step["working"]:
        return Kind.WRONG
    return Kind.IRRELEVANT if fact.name not in problem.chain or fact.name in said else Kind.SOUND
