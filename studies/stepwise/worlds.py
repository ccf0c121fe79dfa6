"""The worlds of the second plan (`plan-2.yaml`): which lesson makes the base, who teaches, how solutions are drawn.

Law: a world is what the plan says of it; which of the candidates is the third world was chosen by `world_pilot.py`.
"""

from dataclasses import dataclass, replace

from studies.arithmetic.teacher import CLEAN, Teacher
from studies.arithmetic.world import ORDERLY, Level, Told

SHORT = Level(steps=(2, 3), distractors=(0, 2), told=Told.FORWARD)
"""What the first form of the study taught its base: short chains alone."""


@dataclass(frozen=True)
class StudyWorld:
    """A base and a teacher. `lesson`, `steps`: what the solver is taught, 64 problems a step, before any arm;
    `temperature`: of solutions and rollouts."""

    name: str
    lesson: Level
    steps: int
    teacher: Teacher
    temperature: float = 0.7


IMPROVES = StudyWorld("improves", SHORT, 200, Teacher(terse=0.3, terse_product=0.1, spurious=0.05), temperature=1.0)
"""The world of commit 6368314: the teacher improves the base."""
HARMS = StudyWorld("harms", ORDERLY, 1500, Teacher(terse=0.6, terse_product=0.6, spurious=0.05))
"""The world of commit e4fc7e0: the teacher harms the base."""
CANDIDATES = (
    StudyWorld("short-200", SHORT, 200, CLEAN),
    StudyWorld("orderly-50", ORDERLY, 50, CLEAN),
    StudyWorld("orderly-100", ORDERLY, 100, CLEAN),
    StudyWorld("orderly-200", ORDERLY, 200, CLEAN),
)
"""Of the third world, in the order in which they are preferred."""
THIRD = replace(CANDIDATES[0], name="clean")
"""The third world: the first candidate passed (`pilot-2.jsonl`)."""
