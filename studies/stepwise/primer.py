"""The base of the study: the shipped solver after a lesson in problems told forward, by a patient teacher.

Law: it follows from the shipped weights and the settings. Why not the shipped one as it is: it guesses who comes next
in long chains, and a few hundred problems of any teacher do not mend that. This base has the skills; what the study's
teacher gives is his way of writing.
"""

import copy
import random

from studies.arithmetic.teacher import PATIENT
from studies.arithmetic.train import Course, fresh
from studies.arithmetic.world import ORDERLY, Level
from studies.stepwise.fit import Tuning, descend
from studies.stepwise.net import Net
from studies.stepwise.rows import Words


def primed(shipped: Net, words: Words, tuning: Tuning, *, lesson: Level = ORDERLY, seed: str = "primer") -> Net:
    """A copy of the shipped net after the lesson. `seed`: of its problems."""
    net = copy.deepcopy(shipped)
    descend(net, fresh(Course(lesson, PATIENT, tuning), words, random.Random(seed)), tuning)
    return net
