"""Gradient steps on weighted likelihood: what teaches the base, SFT, RFT and advantage-weighted arms.

Law: everything random follows from the generators passed in; the learning rate warms up, stays, and falls to zero.
"""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from studies.stepwise.net import Net
from studies.stepwise.rows import Row, padded

DECAY_SHARE = 0.5
"""The last share of the steps, in which the learning rate falls to zero."""
WARMUP_SHARE = 0.05

Loss = Callable[[Net], torch.Tensor]


@dataclass(frozen=True)
class Tuning:
    """How long and how fast. `rate`: of AdamW; `muon`: of Muon on the layers' matrices, 0 for AdamW alone. `tokens`: of
    completions (a pair's both sides) that a step sees, in place of `rows`; None: so many rows."""

    steps: int
    rate: float
    rows: int = 32
    muon: float = 0.0
    tokens: int | None = None


@dataclass(frozen=True)
class Passes:
    """Training by passes over what there is to learn; `least`: steps, however little there is."""

    passes: float
    least: int
    rate: float
    rows: int = 32

    def tuning(self, count: int) -> Tuning:
        """For so many rows or pairs."""
        return Tuning(max(self.least, math.ceil(self.passes * count / self.rows)), self.rate, self.rows)


def optimizers(net: Net, tuning: Tuning) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices where it is asked for, AdamW for the rest."""
    inner = [p for n, p in net.named_parameters() if p.ndim == 2 and ".layers." in n]
    others = [p for n, p in net.named_parameters() if not (p.ndim == 2 and ".layers." in n)]
    settings = {"lr": tuning.rate, "betas": (0.9, 0.98), "weight_decay": 0.0}
    if not tuning.muon:
        return [torch.optim.AdamW(inner + others, **settings)]
    return [torch.optim.Muon(inner, lr=tuning.muon, weight_decay=0.0), torch.optim.AdamW(others, **settings)]


def descend(net: Net, losses: Iterator[Loss], tuning: Tuning, *, say: str = "", limit_s: float = float("inf")) -> int:
    """Takes `tuning.steps` steps, or fewer to end within `limit_s`; returns how many. `say`: progress is printed."""
    tools = optimizers(net, tuning)
    bases = [tool.param_groups[0]["lr"] for tool in tools]
    started, smoothed, step = time.monotonic(), 0.0, 0
    while (progress := max(step / tuning.steps, (time.monotonic() - started) / limit_s)) < 1:
        factor = min((step + 1) / (WARMUP_SHARE * tuning.steps), 1.0, (1 - progress) / DECAY_SHARE)
        with torch.autocast(next(net.parameters()).device.type, dtype=torch.bfloat16):
            loss = next(losses)(net)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        for tool, base in zip(tools, bases, strict=True):
            tool.param_groups[0]["lr"] = base * factor
            tool.step()
            tool.zero_grad(set_to_none=True)
        smoothed = loss.item() if step == 0 else 0.97 * smoothed + 0.03 * loss.item()
        if say and step % 100 == 0:
            print(f"{say}: step {step} loss {smoothed:.4f} {time.monotonic() - started:.0f} s", flush=True)
        step += 1
    return step


def likelihood(rows: Sequence[Row], pad: int) -> Loss:
    """Mean negative log-likelihood of the completions, each token by its weight (which may be below zero)."""
    ids, weights = padded(rows, pad)

    def loss(net: Net) -> torch.Tensor:
        device = next(net.parameters()).device
        by = weights.to(device)
        return -(net(ids.to(device)) * by).sum() / by.abs().sum().clamp(min=1.0)

    return loss


T = TypeVar("T")


def passes(items: Sequence[T], size: int, rng: random.Random) -> Iterator[list[T]]:
    """Batches of `size` items without end, each pass over all items in a new order."""
    waiting: list[T] = []
    while True:
        while len(waiting) < size:
            waiting += rng.sample(items, len(items))
        yield waiting[:size]
        waiting = waiting[size:]


def filled(items: Sequence[T], tokens: int, size: Callable[[T], int], rng: random.Random) -> Iterator[list[T]]:
    """Batches of about so many tokens without end, each pass over all items in a new order: whatever an arm learns
    from, a step sees as much of it. `size`: tokens of an item; a batch ends with the item that reaches the count, and
    what it is over is taken from the next."""
    batch: list[T] = []
    owed, held = 0, 0
    while True:
        for one in rng.sample(items, len(items)):
            batch.append(one)
            held += size(one)
            if held >= tokens - owed:
                owed += held - tokens
                yield batch
                batch, held = [], 0


def batches(items: Sequence[T], tuning: Tuning, tokens_of: Callable[[T], int], rng: random.Random) -> Iterator[list[T]]:
    """As the tuning says: by rows, or by tokens."""
    if tuning.tokens is None:
        return passes(items, tuning.rows, rng)
    return filled(items, tuning.tokens, tokens_of, rng)


def fitted(net: Net, rows: Sequence[Row], tuning: Tuning, *, pad: int, rng: random.Random) -> Net:
    """The net after likelihood training on the rows (changed in place)."""
    drawn = batches(rows, tuning, lambda row: len(row.completion), rng)
    descend(net, (likelihood(batch, pad) for batch in drawn), tuning)
    return net
