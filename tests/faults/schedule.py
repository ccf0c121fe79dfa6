"""Who is killed when, from a seed."""

from enum import Enum
from random import Random

from msgspec import Struct
from msgspec.structs import replace


class Target(Enum):
    """Whom a schedule may kill. The driver takes queue, reader, writer and conductors with it; a node its replicas. Who
    looks after the replicas (Serve's controller) may die as well."""

    QUEUE = "queue"
    CONDUCTOR = "conductor"
    READER = "reader"
    WRITER = "writer"
    GENERATOR = "generator"
    JUDGE = "judge"
    REWARD = "reward"
    CONTROLLER = "controller"
    DRIVER = "driver"
    NODE = "node"


OFTEN = (Target.QUEUE, Target.CONDUCTOR, Target.WRITER, Target.GENERATOR, Target.JUDGE, Target.REWARD)
RARE = (Target.READER, Target.CONTROLLER)
READING = 0.6
"""Up to this share of the orders, the reader still waits for room in the queue."""


class Kill(Struct, frozen=True):
    """`after`: share of the orders that have ended by then; `which` picks one of several, in [0, 1)."""

    after: float
    target: Target
    which: float


def schedule(seed: int) -> list[Kill]:
    """Five kills in the order of their moments: of three often needed parts, a rarer one, and the driver or a node."""
    random = Random(seed)
    targets = [*random.sample(OFTEN, 3), RARE[seed % 3] if seed % 3 < len(RARE) else random.choice(OFTEN)]
    targets.append(Target.DRIVER if seed % 2 == 0 else Target.NODE)
    random.shuffle(targets)
    moments = sorted(random.uniform(0.02, 0.85) for _ in targets)
    kills = [Kill(after, target, random.random()) for after, target in zip(moments, targets, strict=True)]
    return sorted(map(_while_it_lives, kills), key=lambda kill: kill.after)


def _while_it_lives(kill: Kill) -> Kill:
    return replace(kill, after=min(kill.after, READING)) if kill.target is Target.READER else kill
