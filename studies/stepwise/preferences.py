"""Direct preference optimization, written out for a small net (Rafailov et al. 2023; pairs as in Setlur et al. 2024),
with the likelihood of the chosen side beside it where that is asked for (Pang et al. 2024, arXiv 2404.19733).

Law: both sides of a pair share their prompt; the reference's log-likelihoods are computed once, before training.
"""

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from studies.stepwise.fit import Loss, Tuning, batches, descend
from studies.stepwise.net import Net
from studies.stepwise.rows import Row, padded


@dataclass(frozen=True)
class Pull:
    """What a preference weighs. `beta`: how far the net may leave the reference; `likelihood`: of the chosen side's
    mean negative log-likelihood a token, beside the preference."""

    beta: float = 0.1
    likelihood: float = 0.0


PLAIN = Pull()
"""As published."""


@dataclass(frozen=True)
class Pair:
    """A good and a bad way to go on after the same prompt, which may hold the first steps of a solution."""

    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Of both sides."""
        return len(self.chosen) + len(self.rejected)

    @property
    def rows(self) -> tuple[Row, Row]:
        """Both sides."""
        return Row(self.prompt, self.chosen), Row(self.prompt, self.rejected)


def totals(net: Net, rows: Sequence[Row], pad: int) -> torch.Tensor:
    """Log-likelihood of each row's completion. [rows]"""
    ids, weights = padded(rows, pad)
    device = next(net.parameters()).device
    return (net(ids.to(device)) * weights.to(device)).sum(dim=1)


@torch.no_grad()
def referred(net: Net, pairs: Sequence[Pair], pad: int, *, size: int = 64) -> list[float]:
    """For each pair, by how much the reference prefers the chosen side."""
    found: list[float] = []
    for start in range(0, len(pairs), size):
        part = pairs[start : start + size]
        both = totals(net, [row for pair in part for row in pair.rows], pad).view(-1, 2)
        found += (both[:, 0] - both[:, 1]).tolist()
    return found


def preference(pairs: Sequence[Pair], reference: Sequence[float], pad: int, pull: Pull) -> Loss:
    """-log sigmoid(beta * (how much more the net prefers the chosen side than the reference does)), and likelihood."""
    rows = [row for pair in pairs for row in pair.rows]
    before = torch.tensor(reference)
    tokens = sum(len(pair.chosen) for pair in pairs)

    def loss(net: Net) -> torch.Tensor:
        both = totals(net, rows, pad).view(-1, 2)
        margin = both[:, 0] - both[:, 1] - before.to(both.device)
        return -functional.logsigmoid(pull.beta * margin).mean() - pull.likelihood * both[:, 0].sum() / tokens

    return loss


def preferred(policy: Net, pairs: Sequence[Pair], tuning: Tuning, pull: Pull, *, pad: int, rng: random.Random) -> Net:
    """A copy of the policy after training on the pairs; the policy itself is the reference."""
    net = copy.deepcopy(policy)
    known = dict(enumerate(referred(policy, pairs, pad)))
    drawn = batches(range(len(pairs)), tuning, lambda place: pairs[place].tokens, rng)
    losses = (preference([pairs[i] for i in part], [known[i] for i in part], pad, pull) for part in drawn)
    descend(net, losses, tuning)
    return net
