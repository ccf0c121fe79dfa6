"""The path-star graph: one step is hard and all the others follow (Bachmann & Nagarajan 2024; Setlur et al. 2024, 6).

Law: graphs are drawn from the seed; training graphs are few and fixed, test graphs are new. A prompt lists the edges in
any order, then centre and goal; the answer is the path. Only the first node is hard: the path then runs by itself, so
likelihood can fall without ever learning it.
"""

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from studies.almanac.initial import look_back
from studies.stepwise.fit import Tuning, fitted
from studies.stepwise.net import Net, from_library
from studies.stepwise.preferences import PLAIN, Pair, preferred
from studies.stepwise.rows import Row
from studies.stepwise.sample import Sampler

NODES, ROADS, LONG = 20, 3, 4
"""Node names; arms of the star; nodes of a path, the centre included."""
PAD, END, ASK = NODES, NODES + 1, NODES + 2


@dataclass(frozen=True)
class Star:
    """A graph as ids."""

    prompt: tuple[int, ...]
    path: tuple[int, ...]
    firsts: tuple[int, ...]
    """The first node of every arm."""

    @property
    def row(self) -> Row:
        """As it is taught."""
        return Row(self.prompt, (*self.path, END))


@dataclass(frozen=True)
class PathSettings:
    """Sizes. `early`: likelihood steps of the checkpoint that negatives come from; `late`: of SFT's end."""

    graphs: int
    tests: int
    early: int
    late: int
    preferences: Tuning


@dataclass(frozen=True)
class PathStar:
    """Share of whole paths right. Guessing the first node gives 1 / arms."""

    seed: int
    graphs: int
    chance: float
    early: float
    sft: float
    sft_train: float
    after_negatives: float
    positives_alone: float
    """As many further steps of likelihood from the early checkpoint instead."""


def star(dice: random.Random) -> Star:
    """A graph whose names are drawn anew."""
    names = dice.sample(range(NODES), 1 + ROADS * (LONG - 1))
    centre, rest = names[0], names[1:]
    roads = [(centre, *rest[at : at + LONG - 1]) for at in range(0, len(rest), LONG - 1)]
    edges = [pair for road in roads for pair in pairwise(road)]
    dice.shuffle(edges)
    road = dice.choice(roads)
    prompt = (*(node for edge in edges for node in edge), ASK, centre, road[-1], ASK)
    return Star(prompt, road[1:], tuple(one[1] for one in roads))


def untrained(seed: int) -> Net:
    """A net for node names."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=NODES + 12,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        pad_token_id=PAD,
        eos_token_id=END,
        bos_token_id=None,
    )
    model = LlamaForCausalLM(config)
    look_back(model, theta=10_000.0)
    return from_library(model)


def score(net: Net, stars: Sequence[Star]) -> float:
    """Share of the graphs whose likeliest path is right."""
    said = Sampler(PAD, END, temperature=0.0, longest=LONG).completions(net, [one.prompt for one in stars], seed=0)
    return sum(ids == (*one.path, END) for ids, one in zip(said, stars, strict=True)) / len(stars)


def first_step_pairs(net: Net, stars: Sequence[Star], *, seed: int) -> list[Pair]:
    """At the critical step: the right first node against the wrong one that the checkpoint itself drew."""
    said = Sampler(PAD, END, longest=1).completions(net, [one.prompt for one in stars], seed=seed)
    return [
        Pair(one.prompt, one.path[:1], ids) for one, ids in zip(stars, said, strict=True) if ids and ids != one.path[:1]
    ]


def experiment(settings: PathSettings, seed: int) -> PathStar:
    """SFT to the end; the early checkpoint with per-step negatives; the early checkpoint with more likelihood."""
    dice = random.Random(f"path-star {seed}")
    train = [star(dice) for _ in range(settings.graphs)]
    tests = [star(dice) for _ in range(settings.tests)]
    rows = [one.row for one in train]
    early = fitted(untrained(seed), rows, Tuning(settings.early, 2e-3, rows=64), pad=PAD, rng=dice)
    late = fitted(untrained(seed), rows, Tuning(settings.late, 2e-3, rows=64), pad=PAD, rng=dice)
    pairs = [pair for draw in range(3) for pair in first_step_pairs(early, train, seed=seed + draw)]
    further = preferred(early, pairs, settings.preferences, PLAIN, pad=PAD, rng=dice)
    longer = Tuning(settings.preferences.steps, 2e-3, rows=2 * settings.preferences.rows)
    alone = fitted(copy.deepcopy(early), rows, longer, pad=PAD, rng=dice)
    nets = (early, late, further, alone)
    scores = [score(net, tests) for net in nets]
    return PathStar(
        seed, settings.graphs, 1 / ROADS, scores[0], scores[1], score(late, train[: settings.tests]), *scores[2:]
    )
