"""Who is killed when, from a seed."""

from enum import Enum
from random import Random

from msgspec import Struct


class Target(Enum):
    """Whom a schedule may kill. The driver takes queue, reader, writer and conductors with it; a node its replicas."""

    QUEUE = "queue"
    CONDUCTOR = "conductor"
    READER = "reader"
    WRITER = "writer"
    GENERATOR = "generator"
    JUDGE = "judge"
    DRIVER = "driver"
    NODE = "node"


OFTEN = (Target.QUEUE, Target.CONDUCTOR, Target.WRITER, Target.GENERATOR, Target.JUDGE)


class Kill(Struct, frozen=True):
    """`after`: share of the orders that have ended by then; `which` picks one of several, in [0, 1)."""

    after: float
    target: Target
    which: float


def schedule(seed: int) -> list[Kill]:
    """Five kills in the order of their moments: of three often needed parts, a rarer one, and the driver or a node."""
    random = Random(seed)
    targets = [*random.sample(OFTEN, 3), Target.READER if seed % 3 == 0 else random.choice(OFTEN)]
    targets.append(Target.DRIVER if seed % 2 == 0 else Target.NODE)
    random.shuffle(targets)
    moments = sorted(random.uniform(0.02, 0.85) for _ in targets)
    return [Kill(after, target, random.random()) for after, target in zip(moments, targets, strict=True)]
