"""The small network is the library's Llama, and its sampler draws what a slow loop over all tokens would."""

import random

import pytest
import torch

from studies.arithmetic import tokenizer as world_tokenizer
from studies.arithmetic.models import SCALES, untrained
from studies.stepwise.fit import Tuning, fitted
from studies.stepwise.net import Net, from_library, to_library
from studies.stepwise.preferences import PLAIN, Pair, Pull, preferred, totals
from studies.stepwise.rows import Row, Words, padded, step_spans
from studies.stepwise.sample import Sampler

PROMPTS = ((1, 300, 301), (1, 302, 303, 304, 305), (1, 310))


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(world_tokenizer.build())


@pytest.fixture
def net(words: Words) -> Net:
    return from_library(untrained(SCALES["solver-small"], words.tokenizer, seed=1))


def slowly(net: Net, prompt: tuple[int, ...], *, end: int, longest: int) -> tuple[int, ...]:
    """Greedy, without cache, padding or batch, by the library's model."""
    model, said = to_library(net).eval(), list(prompt)
    while len(said) < len(prompt) + longest and (len(said) == len(prompt) or said[-1] != end):
        with torch.no_grad():
            said.append(int(model(torch.tensor([said])).logits[0, -1].argmax()))
    return tuple(said[len(prompt) :])


def test_logits_are_the_librarys(net: Net) -> None:
    """So what is trained here runs in transformers and vLLM unchanged."""
    ids = torch.randint(4, 300, (3, 20), generator=torch.Generator().manual_seed(0))
    logs = torch.log_softmax(to_library(net)(ids).logits[:, :-1], dim=-1)
    assert torch.allclose(net(ids), logs.gather(-1, ids[:, 1:, None])[..., 0], atol=1e-4)


def test_a_batch_says_what_each_prefix_alone_would(net: Net, words: Words) -> None:
    """Prefixes of different lengths share a batch and a cache, and none feels the others."""
    sampler = Sampler(words.pad, words.end, temperature=0.0, longest=12)
    expected = [slowly(net, prompt, end=words.end, longest=12) for prompt in PROMPTS]
    assert sampler.completions(net, PROMPTS, seed=0) == expected


def test_draws_follow_from_the_seed_and_the_odds(net: Net, words: Words) -> None:
    """The same seed, the same completions; first tokens as often as the model says."""
    sampler = Sampler(words.pad, words.end, longest=1)
    many = sampler.completions(net, [PROMPTS[0]] * 4000, seed=3)
    assert many[:5] == sampler.completions(net, [PROMPTS[0]] * 4000, seed=3)[:5]
    odds = torch.softmax(to_library(net)(torch.tensor([PROMPTS[0]])).logits[0, -1].detach(), dim=-1)
    likeliest = int(odds.argmax())
    share = sum(ids == (likeliest,) for ids in many) / len(many)
    assert abs(share - float(odds[likeliest])) < 0.03


def test_only_completions_are_learnt(words: Words) -> None:
    """The prompt's tokens carry no weight, a completion's its own."""
    rows = [Row((1, 2, 3), (4, 5)), Row((1,), (2, 3, 4), (0.5, 0.0, -1.0))]
    _, weights = padded(rows, words.pad)
    assert weights.tolist() == [[0, 0, 1, 1], [0.5, 0, -1, 0]]


def test_steps_are_spans_of_tokens(words: Words) -> None:
    """They join to the whole; the end mark belongs to the last."""
    ids = (*words.ids("Ada = 7\nBen = 7 + 1 = 8\n#### 8"), words.end)
    spans = step_spans(ids, words.newline)
    assert [words.text(ids[start:end]) for start, end in spans] == ["Ada = 7\n", "Ben = 7 + 1 = 8\n", "#### 8"]
    assert spans[-1][1] == len(ids)


def test_training_makes_what_is_shown_likelier(net: Net, words: Words) -> None:
    """Likelihood raises its rows; a preference raises the chosen side over the rejected one."""
    row = Row((1, 300), (301, 302))
    before = totals(net, [row], words.pad).item()
    fitted(net, [row], Tuning(steps=5, rate=1e-3, rows=2), pad=words.pad, rng=random.Random(0))
    assert totals(net, [row], words.pad).item() > before
    pair = Pair((1, 305), (306,), (307,))
    after = preferred(net, [pair], Tuning(steps=5, rate=1e-3, rows=2), PLAIN, pad=words.pad, rng=random.Random(0))
    old, new = totals(net, pair.rows, words.pad), totals(after, pair.rows, words.pad)
    assert (new[0] - new[1]).item() > (old[0] - old[1]).item()


def test_a_preference_with_likelihood_keeps_the_chosen_side_likely(net: Net, words: Words) -> None:
    """Without it a preference may lower both sides; with it the chosen one rises."""
    pair, tuning = Pair((1, 305), (306, 308), (307, 308)), Tuning(steps=8, rate=1e-3, rows=2)
    before = totals(net, pair.rows, words.pad)[0].item()
    plain, pulled = (
        preferred(net, [pair], tuning, pull, pad=words.pad, rng=random.Random(0))
        for pull in (PLAIN, Pull(likelihood=1.0))
    )
    after = [totals(one, pair.rows, words.pad)[0].item() for one in (plain, pulled)]
    assert after[1] > max(after[0], before)
