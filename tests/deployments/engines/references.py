"""What an engine should say of the tiny models: the model itself, asked plainly, one text at a time."""

from functools import cache
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from schemas.samples import (
    GenerationRequest,
    Message,
    Sampling,
)
from tests.deployments.engines.conftest import TinyModels


@cache
def reference(folder: str) -> tuple[Any, Any]:
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def greedy_reference(tiny: TinyModels, content: str, count: int) -> tuple[str, list[float]]:
    """The plain model's likeliest tokens and their log-probabilities, as far as the first is clearly ahead."""
    model, tokenizer = reference(str(tiny.generator))
    text = f"<|system|>Be brief.<|end|><|user|>{content}<|end|><|assistant|>"
    ids = tokenizer.encode(text, add_special_tokens=False)
    found, logprobs = [], []
    for _ in range(count):
        with torch.inference_mode():
            scores = torch.log_softmax(model(torch.tensor([ids + found])).logits[0, -1], dim=-1)
        (first, second), (token, _) = (best.tolist() for best in scores.topk(2))
        if first - second < 0.02:
            break
        found.append(token)
        logprobs.append(first)
    return tokenizer.decode(found), logprobs


def first_reference(
    tiny: TinyModels, content: str, count: int, *, system: str = "Be brief."
) -> list[tuple[str, float]]:
    """The plain model's likeliest first tokens with their log-probabilities."""
    model, tokenizer = reference(str(tiny.generator))
    ids = _prompt(tokenizer, system, content)
    with torch.inference_mode():
        scores = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1], dim=-1).topk(count)
    return [
        (tokenizer.decode([token]), score) for score, token in zip(*(each.tolist() for each in scores), strict=True)
    ]


def score_reference(tiny: TinyModels, content: str, said: str, *, system: str = "Be brief.") -> list[float]:
    """The plain model's log-probability of each byte of what is said, one token a byte."""
    model, tokenizer = reference(str(tiny.generator))
    ids = _prompt(tokenizer, system, content)
    more = tokenizer.encode(said, add_special_tokens=False, split_special_tokens=True)
    with torch.inference_mode():
        logprobs = torch.log_softmax(model(torch.tensor([ids + more])).logits[0, len(ids) - 1 : -1], dim=-1)
    return logprobs.gather(-1, torch.tensor(more)[:, None]).squeeze(-1).tolist()


def _prompt(tokenizer: Any, system: str, content: str) -> list[int]:
    text = f"<|system|>{system.strip()}<|end|><|user|>{content.strip()}<|end|><|assistant|>"
    return tokenizer.encode(text, add_special_tokens=False)


def class_reference(tiny: TinyModels, text: str) -> list[float]:
    model = AutoModelForSequenceClassification.from_pretrained(tiny.classifier)
    tokenizer = AutoTokenizer.from_pretrained(tiny.classifier)
    ids = tokenizer.encode(text, add_special_tokens=True, split_special_tokens=True)
    with torch.inference_mode():
        return torch.softmax(model(torch.tensor([ids])).logits[0], dim=-1).tolist()


def chat(
    content: str = "Hello you", /, *, seed: int = 1, temperature: float = 1.0, max_tokens: int = 40, **options: Any
):
    sampling = Sampling(temperature=temperature, max_tokens=max_tokens, seed=seed)
    messages = (Message("system", "Be brief."), Message("user", content))
    return GenerationRequest(id=f"{content[:8]}/{seed}", messages=messages, sampling=sampling, **options)


def prompt_tokens(content: str) -> int:
    """One token a byte, and what the template writes around two turns."""
    return len("Be brief.") + len(content.strip().encode()) + len(("<|system|>", "<|end|>", "<|user|>", "<|end|>", "x"))
