"""Continuous batching on a tiny model in float32: rows join and leave, and none of them notices."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from transformers import AutoModelForCausalLM

from deployments.engines.decoding import DecodingBatch, DecodingRow
from deployments.engines.drawing import Settings, nucleus, uniforms
from schemas.samples import Sampling
from tests.deployments.engines.conftest import TinyModels

SLOTS = 16
VOCABULARY = 40
"""Token ids below it stand in prompts."""
BEGINNING = tuple(5 + place % 31 for place in range(48))
"""What many prompts have in common."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """So small a model computes fastest on one thread, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def loaded(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def model(tiny: TinyModels) -> Any:
    """The tiny chat model."""
    return loaded(tiny.generator)


class Arrival(Struct, frozen=True):
    """A row that is ready to join after so many steps."""

    step: int
    prompt: tuple[int, ...]
    sampling: Sampling

    def row(self) -> DecodingRow:
        sampling = self.sampling
        return DecodingRow(
            list(self.prompt), sampling, uniforms(sampling.seed, sampling.max_tokens), keep_logprobs=True
        )


@st.composite
def arrivals(draw: st.DrawFn) -> list[Arrival]:
    """Up to 24 rows of all lengths, sampled in all ways, that come while others run."""
    sampling = st.builds(
        Sampling,
        temperature=st.sampled_from([0.0, 0.7, 1.4]),
        top_p=st.sampled_from([0.3, 0.9, 1.0]),
        max_tokens=st.integers(1, 24),
        seed=st.integers(0, 2**31 - 1),
    )
    rest = st.lists(st.integers(5, VOCABULARY), min_size=1, max_size=60).map(tuple)
    prompt = st.one_of(rest, rest.map(lambda tokens: BEGINNING + tokens))
    row = st.builds(Arrival, st.integers(0, 30), prompt, sampling)
    return sorted(draw(st.lists(row, min_size=1, max_size=24)), key=lambda arrival: arrival.step)


def decoded(model: Any, arriving: list[Arrival], slots: int) -> list[DecodingRow]:
    """All rows at their ends, in the order of `arriving`; at most `slots` run at once."""
    batch = DecodingBatch(model, pad_id=0)
    rows = [arrival.row() for arrival in arriving]
    waiting = list(zip(arriving, rows, strict=True))
    step = 0
    with torch.inference_mode():
        while waiting or batch.rows:
            free = slots - len(batch.rows)
            entering = [row for arrival, row in waiting[:free] if arrival.step <= step]
            waiting = waiting[len(entering) :]
            if entering:
                batch.admit(entering)
            full = [place for place, row in enumerate(batch.rows) if len(row.tokens) == row.sampling.max_tokens]
            batch.remove(full)
            if batch.rows:
                batch.step()
            step += 1
    return rows


@pytest.mark.slow
@settings(max_examples=20, deadline=None, derandomize=True)
@given(arriving=arrivals())
def test_company_changes_nothing(tiny: TinyModels, arriving: list[Arrival]) -> None:
    """A sample that is made again alone says the same as in a full batch that others joined and left."""
    model = loaded(tiny.generator)
    together = decoded(model, arriving, SLOTS)
    for arrival, row in zip(arriving, together, strict=True):
        (alone,) = decoded(model, [arrival], 1)
        assert row.tokens == alone.tokens
        assert len(row.tokens) == arrival.sampling.max_tokens
        assert row.logprobs == pytest.approx(alone.logprobs, abs=1e-3)


def test_a_prompt_is_read_once_for_all_its_completions(model: Any) -> None:
    """Eight draws of one passage: one pass reads the prompt, and the rows agree with rows that read it themselves."""
    prompt = list(range(5, 35))
    seeds = range(8)
    shared = [DecodingRow(prompt, Sampling(seed=seed), uniforms(seed, 12), keep_logprobs=False) for seed in seeds]
    batch = DecodingBatch(model, pad_id=0)
    with torch.inference_mode():
        batch.admit(shared)
        assert batch.passes == 1
        for _ in range(11):
            batch.step()
    own = [Arrival(0, tuple(prompt), Sampling(seed=seed, max_tokens=12)) for seed in seeds]
    assert [row.tokens for row in shared] == [row.tokens for row in decoded(model, own, SLOTS)]
    assert len({tuple(row.tokens) for row in shared}) == len(seeds)


def test_a_beginning_that_prompts_share_is_read_once(model: Any) -> None:
    """The instruction and its examples stand before every passage: they are read by themselves, then only what differs;
    every row says what it says alone, one that comes later too."""
    tails = [(length,) * length for length in (6, 9, 12, 30)]
    arriving = [Arrival(0, BEGINNING + tail, Sampling(seed=5, max_tokens=8)) for tail in tails]
    late = Arrival(0, (*BEGINNING, 9, 8), Sampling(seed=5, max_tokens=8))
    rows, later = [arrival.row() for arrival in arriving], late.row()
    batch, read = DecodingBatch(model, pad_id=0), []
    watching = model.register_forward_pre_hook(
        lambda _, __, given: read.append(tuple(given["input_ids"].shape)), with_kwargs=True
    )
    with torch.inference_mode():
        batch.admit(rows)
        batch.admit([later])
        watching.remove()
        for _ in range(7):
            batch.step()
    assert read == [(1, 48), (4, 30), (1, 2)]
    for arrival, row in zip([*arriving, late], [*rows, later], strict=True):
        (alone,) = decoded(model, [arrival], 1)
        assert row.tokens == alone.tokens
        assert row.logprobs == pytest.approx(alone.logprobs, abs=1e-3)


def test_prompts_of_too_different_lengths_are_read_whole(model: Any) -> None:
    """Padding never stands inside a row: where a short prompt would need it, nothing is left out."""
    tails = [(6,), (7, 7), (8,) * 60]
    arriving = [Arrival(0, BEGINNING + tail, Sampling(seed=5, max_tokens=4)) for tail in tails]
    together = decoded(model, arriving, SLOTS)
    for arrival, row in zip(arriving, together, strict=True):
        (alone,) = decoded(model, [arrival], 1)
        assert row.tokens == alone.tokens


def test_many_rows_take_the_passes_of_the_longest(model: Any) -> None:
    """Sixteen completions of 24 tokens cost 24 passes, not 384."""
    arriving = [Arrival(0, (5, 6, 7), Sampling(seed=seed, max_tokens=24)) for seed in range(SLOTS)]
    batch = DecodingBatch(model, pad_id=0)
    with torch.inference_mode():
        batch.admit([arrival.row() for arrival in arriving])
        for _ in range(23):
            batch.step()
    assert batch.passes == 24
    assert sum(len(row.tokens) for row in batch.rows) == SLOTS * 24


distributions = st.lists(st.floats(0.001, 1), min_size=2, max_size=30).map(lambda weights: torch.tensor(weights))


@given(weights=distributions, top_p=st.floats(0.01, 0.99))
def test_the_nucleus_is_the_smallest_set_that_holds_top_p(weights: torch.Tensor, top_p: float) -> None:
    """It keeps the likeliest tokens, enough of them, and none too many; what stays keeps its probability."""
    probabilities = weights / weights.sum()
    kept = nucleus(probabilities[None], torch.tensor([top_p]))[0]
    inside = kept > 0
    assert torch.equal(kept[inside], probabilities[inside])
    assert probabilities.argmax().item() in inside.nonzero().flatten().tolist()
    assert inside.all() or probabilities[inside].min() >= probabilities[~inside].max()
    assert kept.sum() >= top_p - 1e-5
    assert inside.sum() == 1 or kept.sum() - kept[inside].min() < top_p + 1e-5


@given(weights=distributions, temperature=st.floats(0.2, 2))
def test_draws_follow_the_probabilities(weights: torch.Tensor, temperature: float) -> None:
    """Two thousand evenly spread draws hit each token as often as its probability at that temperature says."""
    count = 2_000
    logits = weights.log().expand(count, -1)
    row = Settings([Sampling(temperature=temperature)] * count, torch.device("cpu"))
    drawn = row.draw(logits, [(number + 0.5) / count for number in range(count)])
    expected = torch.softmax(weights.log() / temperature, dim=-1) * count
    found = drawn.bincount(minlength=len(weights)).float()
    assert torch.allclose(found, expected, atol=2)


def test_rows_of_one_batch_are_drawn_each_its_own_way() -> None:
    """Greedy, hot, and a nucleus of one token side by side: the same logits, three settings."""
    logits = torch.tensor([2.0, 1.9, -3.0]).expand(3, -1)
    rows = [Sampling(temperature=0), Sampling(temperature=2), Sampling(temperature=2, top_p=0.1)]
    assert Settings(rows, torch.device("cpu")).draw(logits, [0.6, 0.6, 0.99]).tolist() == [0, 1, 0]


@given(seed=st.integers(0, 2**31 - 1))
def test_a_seed_fixes_the_draws(seed: int) -> None:
    """The same attempt draws the same again, if with another token limit; another seed differs."""
    draws = uniforms(seed, 20)
    assert all(0 <= draw < 1 for draw in draws)
    assert uniforms(seed, 64)[:20] == draws
    assert uniforms(seed + 1, 20) != draws
