"""What training moved, and what a restart recovers.

Law: what a restart recovers is measured on problems that no arm was trained on. What training moved is measured on the
solutions that were credited for training: it says where the loss went, not what generalises.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from studies.stepwise.credits import Credited
from studies.stepwise.curves import RESAMPLES
from studies.stepwise.lab import Lab, Solution
from studies.stepwise.net import Net
from studies.stepwise.rows import Row, Words, padded, step_spans


@dataclass(frozen=True)
class Moved:
    """By how much the log-likelihood of a step rose (nats a step) from the SFT policy to an arm's."""

    pits: float
    """First pits of wrong solutions: should fall."""
    before: float
    """The good steps before them."""
    teacher: float
    """Steps of sound right solutions of the policy's own."""


@dataclass(frozen=True)
class Critical:
    """Where advantage lies: mean |A| of the largest step of a wrong solution, and of all its other steps."""

    largest: float
    others: float
    terse: float
    """Share of first pits whose working is left out."""
    terse_all: float
    """The same of all steps up to the first pit."""
    kinds: dict[str, int]
    """What first pits are by the world's facts."""


@torch.no_grad()
def step_likelihoods(net: Net, words: Words, solutions: Sequence[Solution], *, size: int = 64) -> list[list[float]]:
    """Log-likelihood of each step of each solution."""
    found: list[list[float]] = []
    for begin in range(0, len(solutions), size):
        part = solutions[begin : begin + size]
        rows = [Row(words.asked(one.problem.text), one.ids) for one in part]
        logs = net(padded(rows, words.pad)[0])
        for row, values in zip(rows, logs, strict=True):
            at = len(row.prompt) - 1
            spans = step_spans(row.completion, words.newline)
            found.append([float(values[at + start : at + end].sum()) for start, end in spans])
    return found


def moved(before: Net, after: Net, words: Words, labels: Sequence[Credited], right: Sequence[Solution]) -> Moved:
    """How an arm changed the steps of these solutions."""
    wrong = [one for one in labels if one.label.first_pit is not None]
    texts = [one.solution for one in wrong]
    pairs = zip(step_likelihoods(before, words, texts), step_likelihoods(after, words, texts), strict=True)
    pits, good = list[float](), list[float]()
    for one, (old, new) in zip(wrong, pairs, strict=True):
        pit = (one.label.first_pit or 1) - 1
        pits.append(new[pit] - old[pit])
        good += [b - a for a, b in zip(old[:pit], new[:pit], strict=True)]
    own = zip(step_likelihoods(before, words, right), step_likelihoods(after, words, right), strict=True)
    kept = [b - a for old, new in own for a, b in zip(old, new, strict=True)]
    return Moved(_mean(pits), _mean(good), _mean(kept))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


@dataclass(frozen=True)
class Recovery:
    """Two ways to spend tokens on wrong solutions. Recovered: a right solution was found within `draws`."""

    solutions: int
    draws: int
    restart_recovered: int
    restart_tokens: int
    scratch_recovered: int
    scratch_tokens: int
    credit_tokens: int
    """What finding the prefixes cost, were it paid for the restarts alone."""
    gain_low: float
    gain_high: float
    """95% of bootstrap resamples of the solutions."""

    @property
    def gain(self) -> float:
        """Recovered for each token, restart over scratch (the credit's tokens left out)."""
        totals = (self.restart_recovered, self.restart_tokens, self.scratch_recovered, self.scratch_tokens)
        return _gain(np.array(totals))

    @property
    def gain_with_credit(self) -> float:
        """The same with the credit's tokens paid by the restarts."""
        restart = self.restart_recovered / max(1, self.restart_tokens + self.credit_tokens)
        return restart / max(1e-9, self.scratch_recovered / max(1, self.scratch_tokens))


def recovery(
    lab: Lab, policy: Net, labels: Sequence[Credited], *, draws: int, credit_tokens: int, seed: int
) -> Recovery:
    """Draws again from the last good prefix and from the problem, until right or `draws` are spent."""
    restart = _tried(lab, policy, [(one.solution, _good_prefix(one)) for one in labels], draws=draws, seed=seed)
    scratch = _tried(lab, policy, [(one.solution, "") for one in labels], draws=draws, seed=seed + 1)
    both = np.concatenate([restart, scratch], axis=1)
    dice = np.random.default_rng(seed)
    resampled = [_gain(both[dice.integers(len(both), size=len(both))].sum(axis=0)) for _ in range(RESAMPLES)]
    low, high = (float(end) for end in np.quantile(resampled, [0.025, 0.975]))
    recovered, tokens, again, tokens_again = (int(total) for total in both.sum(axis=0))
    return Recovery(len(labels), draws, recovered, tokens, again, tokens_again, credit_tokens, low, high)


def _gain(totals: np.ndarray) -> float:
    """`totals`: recovered and tokens of the restarts, then of drawing from scratch."""
    recovered, tokens, again, tokens_again = (float(total) for total in totals)
    return (recovered / max(1, tokens)) / max(1e-9, again / max(1, tokens_again))


def _good_prefix(one: Credited) -> str:
    return one.target.prefix((one.label.first_pit or one.label.steps) - 1)


def _tried(lab: Lab, policy: Net, wanted: list[tuple[Solution, str]], *, draws: int, seed: int) -> np.ndarray:
    """For each solution whether it came right, and the tokens that took. [solutions, 2]"""
    words, left, found = lab.words, list(range(len(wanted))), np.zeros((len(wanted), 2), dtype=int)
    for draw in range(draws):
        starts = [(wanted[at][0].problem, words.ids(wanted[at][1])) for at in left]
        prompts = [words.asked(problem.text) + ids for problem, ids in starts]
        ended = lab.sampler.completions(policy, prompts, seed=seed * 100 + draw) if prompts else []
        for at, (problem, begun), ids in zip(left, starts, ended, strict=True):
            found[at] += (int(lab.read(problem, begun + ids).right), len(ids))
        left = [at for at in left if not found[at, 0]]
    return found
