"""How many calls to send to a server at once when no number is configured. Pure: facts and `now` (seconds) in, a limit
out.

Laws. The limit lies between 1 and `most`. It grows only while the calls at hand fill it. A refusal (429) takes its own
place away, and each round of refusals 3% more. If the server tells its load, that decides. If not, the time of its
calls does: calls under way, divided by how much longer they take than when nobody waits, are the server's slots
(Little's law). Calls count by their length, so that long completions are no queue. If calls take longer, and fewer of
them under way are no help, then the server is slower and not full.

The limit is judged after each round of as many answers as calls are under way. Steps double while the server has room,
and are small after it had none: 512 slots are found in some ten rounds from any limit. A limit that was found by a
queue is lowered for a round now and then, since only then it shows how long a call takes when nobody waits.
(Slow start and multiplicative decrease: Jacobson, 1988; slots from times: TCP Vegas, Brakmo, 1995; the look at an
empty queue: BBR, Cardwell, 2016.)
"""

import math
from enum import Enum

from msgspec import Struct

from actors.calls.call_times import SURPRISE, USUAL_SPREAD, FreeTime, Lengths, Point, noise

FIRST = 16
"""The first limit towards a server."""
LEAST_LIMIT = 8.0
"""No queue makes the limit smaller: so few calls say too little. Refusals do."""
LEAST_ANSWERS, MOST_ANSWERS = 16, 512
"""Answers of a round; a limit above the second has a round of as many."""
FULL = 0.9
"""Below this share of the limit, the calls at hand do not fill it, and nothing is learnt."""
STEP = 4.0
"""The first step after a full server. It is the same for each of several clients, so that they become equal."""
QUEUE, LONG_QUEUE, AIM = 1.0, 2.0, 1.5
"""Times the root of the calls under way: up to so many calls in the server's queue the limit grows, from so many on it
shrinks, and so many are aimed at. A round's noise grows with the same root, and of several clients the smaller one
grows longer."""
MUCH, DOUBLED = 1.1, 1.5
"""Throughput is compared when calls under way differ by the first factor, for some moves by the second."""
PAYS, HELPS_NOT = 0.3, 0.5
"""Growth pays if throughput rises at least by this power of it. A cut helps not if throughput falls by this power."""
MOST_STRETCH = 4.0
"""Larger batches are not believed if a call takes so many times what the quickest round took: there are other
clients."""
FORGET_S = 120.0
"""The quickest round is forgotten by half in this time."""
BACK_OFF, DEEP = 0.97, 0.8
"""Of the limit, after a round with refusals. If they took it below the second part, it may grow again at once: perhaps
the server was only held up."""
WAIT_S, LONGEST_WAIT_S, LONGEST_HELD_WAIT_S = 1.0, 8.0, 60.0
"""Pauses of growth after refusals: the first, the longest, and the longest if the server asks for silence each time."""
LOOK, LOOK_EVERY, LOOK_SELDOM = 0.75, 24, 8
"""A look lowers the limit to this share, after so many times a call's quickest time and so many times the last look."""
FREE, WAITED_FOR, CHANGED = 0.2, 0.35, 2.0
"""Powers of throughput in a look. Up to FREE the lower limit costs nothing and stays. Up to WAITED_FOR calls were
waiting before. A higher power than CHANGED says that the server has changed meanwhile."""
BOLD = 0.6
"""From this power on nobody was waiting, and the limit is raised by as much as it was lowered, to see if that pays."""
WAITING, WAITING_AIM, LEAST_WAITING = 0.1, 0.05, 2.0
"""Shares of the running calls: so many may wait in a server that tells its load, and so many are aimed at."""
KV_FULL = 0.95
"""A server whose KV cache is this full is sent no more calls at once."""
TOLD_S = 5.0
"""What a server tells of its load is believed for so long."""


class ServerLoad(Struct, frozen=True):
    """A server's own word: calls that it computes, calls that wait, the share of its KV cache in use."""

    running: float
    waiting: float
    kv_used: float = 0.0


class LimitMove(Enum):
    """What was done to the limit before the round."""

    NONE = "none"
    GREW = "grew"
    BOLD = "bold"
    """It grew by half, to see whether that pays."""
    CUT = "cut"
    RESTORED = "restored"
    """It was cut, which seemed to be no help, and was given its earlier value."""
    LOOKED = "looked"
    """It was lowered to see calls without a queue."""


ROUNDS = {LimitMove.LOOKED: 3, LimitMove.BOLD: 2}


class Round(Struct):
    """What was seen since `at`. `busy_s`: seconds of all calls under way; `done`: answers, each by its length."""

    at: float
    under_way: int
    answers: int = 0
    done: float = 0.0
    busy_s: float = 0.0

    def point(self, under_way: int, now: float, limit: float, spread: float) -> Point | None:
        """The round as one point; calls under way count in part. None if nothing can be said."""
        weight = max(-0.5, (1 - spread**2) / 2)
        done = self.done + weight * (under_way - self.under_way) * self.done / self.answers
        if done <= 0 or self.busy_s <= 0 or now <= self.at:
            return None
        return Point(self.busy_s / (now - self.at), self.busy_s / done, self.answers, limit)


class TunedLimit:
    """The limit towards one server. Report every call: `sent`, then `answered`, `refused` or `ended`."""

    def __init__(self, most: int, first: int = FIRST) -> None:
        self._most = float(most)
        self._limit = self._step = float(min(most, first))
        self._under_way = 0
        self._counted_at = 0.0
        self._lengths = Lengths()
        self._first: list[float] = []
        self._free: FreeTime | None = None
        self._quickest_s = math.inf
        self._round = Round(0.0, 0)
        self._settling = 0
        self._move, self._before = LimitMove.NONE, Point(1, 1, 1, 1)
        self._queues = False
        """Whether it was a queue that the limit met last."""
        self._looked_at = self._look_s = 0.0
        self._earlier: FreeTime | None = None
        self._refused = False
        self._fell_from = 1.0
        self._longest_wait_s, self._wait_s, self._grows_from = LONGEST_WAIT_S, WAIT_S, -math.inf
        self._told_at = -math.inf

    @property
    def limit(self) -> int:
        """Calls that may be under way."""
        return int(self._limit)

    def sent(self, now: float) -> None:
        """A call was sent."""
        self._count(now, 1)

    def ended(self, now: float) -> None:
        """A call ended in a way that tells nothing."""
        self._count(now, -1)

    def refused(self, now: float, *, held: bool) -> None:
        """The server had no place for a call. `held`: it asks for silence besides, which is not kept here."""
        self._count(now, -1)
        if not self._refused:
            self._fell_from = self._limit
        self._limit = max(1.0, min(self._limit, float(self._under_way)))
        self._longest_wait_s = LONGEST_HELD_WAIT_S if held else LONGEST_WAIT_S
        self._refused, self._queues, self._move = True, False, LimitMove.NONE
        self._small_steps()

    def answered(self, now: float, seconds: float, tokens: int) -> None:
        """A call was answered after so many seconds, with so many generated tokens."""
        self._count(now, -1)
        length = self._lengths.add(tokens, seconds)
        if self._free is None:
            self._learn_first(seconds, now)
        elif self._under_way > self._limit + 1:
            self._settling = self._under_way // 2 if self._move in (LimitMove.CUT, LimitMove.LOOKED) else 0
            self._round = Round(now, self._under_way)
        elif self._settling:
            self._settling -= 1
            self._round = Round(now, self._under_way)
        else:
            self._round.answers += 1
            self._round.done += length
            if self._round.answers >= self._wanted():
                self._end_round(self._free, now)

    def told(self, load: ServerLoad, now: float) -> None:
        """What the server says of its load; about once a second."""
        self._told_at = now
        may_grow = now >= self._grows_from and not self._refused
        self._move = LimitMove.NONE
        if load.waiting > max(LEAST_WAITING, WAITING * load.running):
            if self._under_way <= self._limit + 1:  # an earlier cut has come to pass
                share = (1 + WAITING_AIM) * max(1.0, load.running) / (load.running + load.waiting)
                self._limit = max(1.0, self._limit * min(1.0, share))
            self._small_steps()
        elif self._under_way >= FULL * self.limit and load.kv_used < KV_FULL and may_grow:
            if load.waiting:
                self._small_steps()
            self._grow()

    def _wanted(self) -> float:
        """Answers of this round: more where calls differ more, and fewer while steps are large."""
        times = ROUNDS.get(self._move, 2 if self._step <= STEP else 1)
        if self._move is LimitMove.NONE or self._move is LimitMove.GREW:
            times *= min(3.0, (self._lengths.spread / USUAL_SPREAD) ** 2)
        return max(LEAST_ANSWERS, min(max(MOST_ANSWERS, self._under_way), times * self._under_way))

    def _count(self, now: float, change: int) -> None:
        self._round.busy_s += self._under_way * (now - self._counted_at)
        self._counted_at = now
        self._under_way += change

    def _learn_first(self, seconds: float, now: float) -> None:
        """The first answers of a server have waited for nobody, whatever the limit."""
        self._first.append(seconds)
        if len(self._first) == LEAST_ANSWERS:
            self._free = FreeTime(sum(self._first) / LEAST_ANSWERS, LEAST_ANSWERS)
            self._round = Round(now, self._under_way)

    def _end_round(self, free: FreeTime, now: float) -> None:
        over, self._round = self._round, Round(now, self._under_way)
        seen = over.point(self._under_way, now, self._limit, self._lengths.spread)
        if seen is None:
            return
        forgotten_s = self._quickest_s * 2 ** ((now - over.at) / FORGET_S)
        self._quickest_s = min(seen.call_s, forgotten_s)
        refused, self._refused = self._refused, False
        move, self._move = self._move, LimitMove.NONE
        if refused:
            self._back_off(now)
        elif now - self._told_at <= TOLD_S:
            return
        elif seen.calls < FULL * self.limit:
            self._small_steps()
        else:
            self._judge(free, seen, move, now)

    def _back_off(self, now: float) -> None:
        if self._limit > DEEP * self._fell_from:
            self._grows_from = now + self._wait_s
            self._wait_s = min(self._longest_wait_s, 2 * self._wait_s)
        self._limit = max(1.0, self._limit * BACK_OFF)

    def _judge(self, free: FreeTime, seen: Point, move: LimitMove, now: float) -> None:
        """Moves the limit by the times of calls."""
        slots = min(seen.calls, seen.calls * free.call_s / seen.call_s)
        queue, root = seen.calls - slots, math.sqrt(seen.calls)
        unsure = seen.calls * noise(seen.answers, free.answers) * self._lengths.spread
        if self._tested(free, seen, move, now):
            return
        if queue > max(LONG_QUEUE * root, SURPRISE * unsure):
            self._queues = True
            if move is not LimitMove.CUT:  # of several cuts, the first is compared with
                self._before = seen
            self._move = LimitMove.CUT
            self._go_to(max(LEAST_LIMIT, slots + AIM * math.sqrt(slots)))
        elif self._queues and self._look_is_due(now):
            self._look(seen, now)
        elif not self._queues or queue < max(QUEUE * root, SURPRISE / 2 * unsure):
            if not self._queues:
                self._free = free.merged(seen, self._lengths.spread)
            if now >= self._grows_from:
                self._before, self._move = seen, LimitMove.GREW
                self._grow()
        else:
            self._small_steps()

    def _tested(self, free: FreeTime, seen: Point, move: LimitMove, now: float) -> bool:
        """Compares the round with the one before the limit was moved; gives whether that has decided."""
        before = self._before
        power = seen.power(before) if max(seen.calls, before.calls) > MUCH * min(seen.calls, before.calls) else None
        match move:
            case LimitMove.LOOKED if power is None or power < CHANGED:
                self._end_look(free, seen, power, now)
            case LimitMove.CUT if free.answers <= LEAST_ANSWERS:  # the first answers were few, and the quickest
                self._free = FreeTime(seen.call_s, seen.answers)
                self._queues, self._step = False, self._limit
            case LimitMove.CUT if power is not None and power >= HELPS_NOT and before.calls > DOUBLED * seen.calls:
                self._earlier, self._free = free, FreeTime(seen.call_s, seen.answers)
                self._before, self._move = seen, LimitMove.RESTORED
                self._go_to(before.limit)
            case LimitMove.RESTORED if power is not None and power < HELPS_NOT:
                self._free = self._earlier
                self._go_to(before.limit)
            case LimitMove.BOLD if power is not None:
                self._end_bold(free, seen, power)
            case LimitMove.GREW if power is not None and seen.calls > DOUBLED * before.calls and self._pays_not(seen):
                self._queues = True
                self._go_to(before.limit)
            case _:
                return False
        return True

    def _pays_not(self, seen: Point) -> bool:
        """Whether throughput did not grow with the calls, and that is no noise."""
        before = self._before
        unsure = self._lengths.spread * noise(seen.answers, before.answers) / math.log(seen.calls / before.calls)
        power = seen.power(before)
        return power < PAYS and power + SURPRISE * unsure < 1

    def _end_bold(self, free: FreeTime, seen: Point, power: float) -> None:
        before = self._before
        if power < PAYS or seen.call_s > MOST_STRETCH * self._quickest_s:
            self._go_to(before.limit)
        elif seen.call_s / free.call_s - 1 < 2 * self._lengths.spread * noise(seen.answers, free.answers):
            self._queues, self._step = False, self._limit  # nobody waits, even now: searches again
        else:
            self._go_to(min(seen.limit, before.limit * seen.per_s / before.per_s))

    def _look_is_due(self, now: float) -> bool:
        """By the clock, so that all clients on a machine look at once: a single one of many sees the others' queue."""
        period_s = 2.0 ** math.ceil(math.log2(max(LOOK_EVERY * self._quickest_s, LOOK_SELDOM * self._look_s)))
        return now // period_s > self._looked_at // period_s

    def _look(self, seen: Point, now: float) -> None:
        self._before, self._move, self._looked_at = seen, LimitMove.LOOKED, now
        self._limit = max(LEAST_LIMIT * LOOK, LOOK * seen.calls)

    def _end_look(self, free: FreeTime, seen: Point, power: float | None, now: float) -> None:
        before = self._before
        self._look_s = now - self._looked_at
        if power is None or power < WAITED_FOR:
            self._free = free.merged(seen, self._lengths.spread)
        elif power >= BOLD and before.call_s < MOST_STRETCH * self._quickest_s:
            self._free = free.merged(before, self._lengths.spread)
        if power is not None and power >= BOLD:
            self._move = LimitMove.BOLD
            self._limit = min(self._most, before.limit / LOOK)
        elif power is None or power >= FREE:
            self._limit = before.limit
        else:
            self._small_steps()
            self._look(seen, now)

    def _grow(self) -> None:
        self._limit = min(self._most, self._limit + self._step)
        self._step = min(2 * self._step, self._limit)

    def _go_to(self, limit: float) -> None:
        self._limit = min(self._most, limit)
        self._small_steps()

    def _small_steps(self) -> None:
        self._step = min(STEP, self._limit)
