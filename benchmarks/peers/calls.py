"""The server's log: one line for each call. Law: what is told of any system's calls, tokens, slots and truth is told
from here, never from what the system says of itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct


class Call(Struct, frozen=True, omit_defaults=True):
    """One call, as the server saw it. Times in seconds of the server's clock; `started`: when it got its slot, None if
    it never did. `answered`: false when the client went away. `units`: what it wrote or judged. `passage`: digest of
    the passage in its prompt. `wrote`: the answers that it wrote about it."""

    kind: str
    key: str
    arrived: float
    started: float | None
    ended: float
    answered: bool
    prompt: int
    completion: int
    units: tuple[str, ...]
    passage: str = ""
    wrote: tuple[str, ...] = ()


class Load(Struct, frozen=True):
    """What a run asked of the server. `window_s`: from the first call's arrival to the last one's end. `busy`: the
    share of all slots that was taken in it. `kinds`: answered calls by kind. `lost`: calls whose client went away."""

    window_s: float
    busy: float
    calls: int
    kinds: dict[str, int]
    prompt_tokens: int
    completion_tokens: int
    lost: int

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


def read_log(path: Path) -> list[Call]:
    """Every call, in the order in which they ended. A torn last line is left out: its server was ended."""
    return list(_whole(path.read_bytes().split(b"\n")))


def _whole(lines: Sequence[bytes]) -> Iterator[Call]:
    decoder = msgspec.json.Decoder(Call)
    for line in lines[:-1]:
        yield decoder.decode(line)


def load_of(calls: Sequence[Call], slots: int) -> Load:
    """Raises ValueError for no calls."""
    if not calls:
        raise ValueError("the server was never asked")
    answered = [call for call in calls if call.answered]
    window = max(call.ended for call in calls) - min(call.arrived for call in calls)
    taken = sum(call.ended - call.started for call in calls if call.started is not None)
    kinds: dict[str, int] = {}
    for call in answered:
        kinds[call.kind] = kinds.get(call.kind, 0) + 1
    return Load(
        window_s=window,
        busy=taken / (slots * window) if window else 0.0,
        calls=len(answered),
        kinds=kinds,
        prompt_tokens=sum(call.prompt for call in answered),
        completion_tokens=sum(call.completion for call in answered),
        lost=len(calls) - len(answered),
    )


def paid_again(calls: Sequence[Call], before: int) -> int:
    """Answered calls after the first `before` answered ones that write or judge anything that had been paid for by
    these."""
    answered = [call for call in calls if call.answered]
    paid = {unit for call in answered[:before] for unit in call.units}
    return sum(not paid.isdisjoint(call.units) for call in answered[before:])
