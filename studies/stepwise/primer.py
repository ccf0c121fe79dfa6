"""The base of the study: the shipped solver after a short lesson in problems told forward, short ones alone.

Law: it follows from the shipped weights and the settings. Why not the shipped one as it is: on what it was taught, more
solutions of the study's teacher make it worse, and then nothing can be said of what is worth how many of them.
"""

import copy
import random

from studies.arithmetic.teacher import PATIENT
from studies.arithmetic.train import Course, fresh
from studies.arithmetic.world import SHORT
from studies.stepwise.fit import Tuning, descend
from studies.stepwise.net import Net
from studies.stepwise.rows import Words


def primed(shipped: Net, words: Words, tuning: Tuning) -> Net:
    """A copy of the shipped net after the lesson."""
    net = copy.deepcopy(shipped)
    descend(net, fresh(Course(SHORT, PATIENT, tuning), words, random.Random("primer")), tuning)
    return net
