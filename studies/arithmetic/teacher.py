"""Worked solutions as a teacher writes them, and habits of his that a small student cannot afford.

Law: a teacher's final answer is always right. A step is a line like `Ben has 5 more than 7 = 12`;
the last line is `#### 12`.
Two habits are stand-ins for what Setlur et al. 2024 (arXiv 2406.14532) describe in real corpora: a strong teacher is
*terse* (he leaves the working of a step out, which a weaker student then has to do in his head), and some of his
steps are *spurious* (useless, or wrong and taken back) and the final answer right all the same.
"""

import random
from dataclasses import dataclass

from studies.arithmetic.world import MOST, Fact, Problem, Relation

EASY_FOR_A_TEACHER = frozenset({Relation.MORE, Relation.FEWER})


@dataclass(frozen=True)
class Teacher:
    """Habits. `terse`: share of sums and differences whose working is left out; `terse_product`: of the others;
    `spurious`: chance at each line that a spurious one stands before it."""

    terse: float = 0.0
    terse_product: float = 0.0
    spurious: float = 0.0

    def solution(self, problem: Problem, rng: random.Random) -> str:
        """A worked solution with the right final answer."""
        lines: list[str] = []
        known: list[str] = []
        for name in problem.chain:
            if rng.random() < self.spurious:
                lines += self._spurious(problem, name, known, rng)
            lines.append(self._line(problem, name, rng))
            known.append(name)
        return "\n".join((*lines, f"#### {problem.answer}"))

    def _line(self, problem: Problem, name: str, rng: random.Random) -> str:
        fact = problem.fact(name)
        share = self.terse if fact.relation in EASY_FOR_A_TEACHER else self.terse_product
        return line(problem, fact, problem.values[name], terse=rng.random() < share)

    def _spurious(self, problem: Problem, name: str, known: list[str], rng: random.Random) -> list[str]:
        """Someone who does not matter, or the coming line with a wrong result (the right line then follows)."""
        beside = [fact for fact in problem.facts if fact.name not in problem.chain and fact.of in known]
        fact = problem.fact(name)
        if beside and (fact.relation is None or rng.random() < 0.5):
            chosen = rng.choice(beside)
            return [line(problem, chosen, problem.values[chosen.name], terse=rng.random() < self.terse)]
        if fact.relation is None:
            return []
        wrong = rng.choice([v for v in range(1, MOST + 1) if 0 < abs(v - problem.values[name]) <= 6])
        return [line(problem, fact, wrong, terse=rng.random() < self.terse)]


def line(problem: Problem, fact: Fact, value: int, *, terse: bool) -> str:
    """One step, with its working or without. `value`: what it says the person has."""
    if fact.relation is None or terse:
        return f"{fact.name} = {value}"
    return f"{fact.said(str(problem.values[fact.of or '']))} = {value}"


CLEAN = Teacher()
PATIENT = Teacher(terse=0.1, terse_product=0.1)
"""Who taught the skills that a model begins with."""
STRONG = Teacher(terse=0.6, terse_product=0.6, spurious=0.05)
"""The teacher of the study."""
