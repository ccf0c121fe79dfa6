"""What is measured: settings, arms, and their order. Law: the arms of a repeat run one after the other, and each repeat
begins with another arm, so that no arm has the quiet minutes."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from benchmarks.peers.service import Pace

REPEATS = 3
SEED = 70
"""A repeat's corpus and server have this seed and its number; no other benchmark's figures have these."""
GLEANER, TUNED, BARRIER, CURATORKIT, RAY_DATA = "gleaner", "gleaner-tuned", "barrier", "curatorkit", "ray-data"
ARMS = (GLEANER, TUNED, BARRIER, CURATORKIT, RAY_DATA)


class Setting(Struct, frozen=True):
    """`by_token`: a call takes 100 ms and 2 ms for each token of its completion on average, in place of 300 ms
    whatever it writes."""

    passages: int = 200
    sigma: float = 0.6
    slots: int = 64
    by_token: bool = False

    @property
    def name(self) -> str:
        return f"{self.passages}-{self.sigma}-{self.slots}{'-by-token' if self.by_token else ''}"

    def pace(self, faster: float = 1.0) -> Pace:
        call, token = (100.0, 2.0) if self.by_token else (300.0, 0.0)
        return Pace(self.slots, call, token, self.sigma, faster)


class Part(Struct, frozen=True):
    """One run of one system. `killed`: it is killed half way and started again."""

    setting: Setting
    arm: str
    repeat: int
    killed: bool = False

    @property
    def seed(self) -> int:
        return SEED + self.repeat

    @property
    def name(self) -> str:
        return f"{self.setting.name}/{self.arm}/{'kill' if self.killed else 'run'}-{self.repeat}"


FIRST = Setting()
SETTINGS = (
    FIRST,
    Setting(by_token=True),
    Setting(sigma=1.2),
    Setting(slots=512),
    Setting(sigma=1.2, slots=512),
    Setting(passages=2000),
    Setting(passages=2000, sigma=1.2),
    Setting(passages=2000, slots=512),
    Setting(passages=2000, sigma=1.2, slots=512),
)
KILLED = ((FIRST, REPEATS), (Setting(passages=2000), 1))


def parts() -> Iterator[Part]:
    """Every part, in order; the kills last, since they stop at half of what a whole run asked."""
    for setting in SETTINGS:
        yield from _in_turn(setting, REPEATS)
    for setting, repeats in KILLED:
        yield from _in_turn(setting, repeats, killed=True)


def _in_turn(setting: Setting, repeats: int, *, killed: bool = False) -> Iterator[Part]:
    for repeat in range(1, repeats + 1):
        first = (repeat - 1) % len(ARMS)
        yield from (Part(setting, arm, repeat, killed) for arm in _from(ARMS, first))


def _from(arms: Sequence[str], first: int) -> Sequence[str]:
    return (*arms[first:], *arms[:first])
