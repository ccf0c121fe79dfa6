"""Trains one model from scratch: `python -m studies.almanac.train generator-middle --seed 0 --output DIR`.

Law: the seed fixes the data and the first weights; a run on the same machine and thread count repeats itself.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.nn import functional
from transformers import (
    GenerationConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from studies.almanac import tokenizer as almanac_tokenizer
from studies.almanac.batches import HEADS, ClaimBatches, TurnBatches
from studies.almanac.initial import look_back
from studies.almanac.models import PLANS, ROPE_THETA, Plan, config
from studies.almanac.world import CANON_ENTITIES, CANON_SEED, canon

WARMUP_STEPS = 40
DECAY_SHARE = 0.4
"""The last share of the steps, in which the learning rate falls to zero."""


def learning_rate_factor(step: int, progress: float) -> float:
    """Warm-up, plateau, linear decay; progress from 0 to 1."""
    return min((step + 1) / WARMUP_STEPS, 1.0, (1 - progress) / DECAY_SHARE)


def optimizers(model: torch.nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, AdamW for embeddings, norms and heads."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and ".layers." in n]
    others = [p for n, p in model.named_parameters() if not (p.ndim == 2 and ".layers." in n)]
    return [
        torch.optim.Muon(matrices, lr=plan.muon_lr, weight_decay=0.0),
        torch.optim.AdamW(others, lr=plan.adam_lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]


class Generator(torch.nn.Module):
    """A causal model with the loss of packed turns."""

    def __init__(self, model: LlamaForCausalLM) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids, positions, turn_of, chosen, targets, weights) -> torch.Tensor:
        """Mean loss of the learnt tokens. ids, positions, turn_of: [rows, length]; the rest: [learnt], flat."""
        places = torch.arange(ids.shape[1], device=ids.device)
        causal = places[:, None] >= places[None, :]
        same = (turn_of[:, :, None] == turn_of[:, None, :]) | (turn_of[:, None, :] == 0)
        mask = torch.zeros(1, dtype=torch.bfloat16).masked_fill(~(causal & same)[:, None], -1e4)
        hidden = self.model.model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False)
        read = hidden.last_hidden_state.flatten(0, 1)[chosen]
        losses = functional.cross_entropy(self.model.lm_head(read).float(), targets, reduction="none")
        return (losses * weights).sum() / weights.sum()


class Classifier(torch.nn.Module):
    """A sequence classifier with further heads, dropped after training, that teach what to see on the way."""

    def __init__(self, model: LlamaForSequenceClassification) -> None:
        super().__init__()
        self.model = model
        self.hints = torch.nn.Linear(model.config.hidden_size, sum(HEADS.values()))

    def forward(self, ids, last, verdicts, hints) -> torch.Tensor:
        """Verdict loss plus hint losses. ids: [rows, length]; last, verdicts: [rows]; hints: [rows, length, heads]."""
        places = torch.arange(ids.shape[1], device=ids.device)
        causal = (places[:, None] >= places[None, :])[None, None].expand(ids.shape[0], -1, -1, -1)
        mask = torch.zeros(1, dtype=torch.bfloat16).masked_fill(~causal, -1e4)
        positions = places[None].expand(ids.shape[0], -1)
        hidden = self.model.model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False)
        states = hidden.last_hidden_state
        verdict = self.model.score(states[torch.arange(ids.shape[0]), last]).float()
        loss = functional.cross_entropy(verdict, verdicts)
        guesses = self.hints(states).float().flatten(0, 1).split(list(HEADS.values()), dim=-1)
        for head, guess in enumerate(guesses):
            labels = hints[:, :, head].flatten()
            known = labels >= 0
            losses = functional.cross_entropy(guess, labels.clamp(min=0), reduction="none") * known
            loss = loss + losses.sum() / known.sum().clamp(min=1)
        return loss


def build(plan: Plan, tokenizer: PreTrainedTokenizerFast) -> tuple[torch.nn.Module, PreTrainedModel]:
    """The training module and the model inside it that will be saved."""
    settings = config(plan, tokenizer)
    if plan.role == "generator":
        model = LlamaForCausalLM._from_config(settings, attn_implementation="eager")
        look_back(model, theta=ROPE_THETA)
        return Generator(model), model
    model = LlamaForSequenceClassification._from_config(settings, attn_implementation="eager")
    look_back(model, theta=ROPE_THETA)
    return Classifier(model), model


def fit(
    module: torch.nn.Module, batches: Callable[[float], tuple[torch.Tensor, ...]], plan: Plan, *, limit_s: float
) -> int:
    """Runs the plan's steps, or fewer to end within `limit_s`; prints the smoothed loss; returns the steps run."""
    compiled = torch.compile(module, dynamic=False)
    tools = optimizers(module, plan)
    bases = [tool.param_groups[0]["lr"] for tool in tools]
    started, smoothed = time.monotonic(), 0.0
    step = 0
    while (progress := max(step / plan.steps, (time.monotonic() - started) / limit_s)) < 1:
        batch = batches(progress)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = compiled(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        for tool, base in zip(tools, bases, strict=True):
            tool.param_groups[0]["lr"] = base * learning_rate_factor(step, progress)
            tool.step()
            tool.zero_grad(set_to_none=True)
        smoothed = loss.item() if step == 0 else 0.97 * smoothed + 0.03 * loss.item()
        if step % 50 == 0:
            print(f"step {step} loss {smoothed:.4f} {time.monotonic() - started:.0f}s", flush=True)
        step += 1
    return step


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, plan: Plan, output: Path) -> None:
    """Writes the model in bfloat16 with its tokenizer."""
    model = model.to(torch.bfloat16)  # pyright: ignore[reportArgumentType]
    if plan.role == "generator":
        model.generation_config = GenerationConfig(
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, max_new_tokens=64
        )
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)


def earlier_note(folder: Path | None) -> dict[str, Any]:
    """What an earlier run noted; nothing where training starts from scratch."""
    if folder is None:
        return {"steps": 0, "seconds": 0, "runs": []}
    note = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    return {"runs": [f"--seed {note['seed']} --steps {note['steps']}"]} | note


def train(  # noqa: PLR0913
    name: str,
    *,
    seed: int,
    output: Path,
    steps: int | None = None,
    limit_s: float = math.inf,
    start: Path | None = None,
    rate: float = 1.0,
) -> None:
    """Trains the named model and saves it, with a note of how (training.json); `start` holds weights to go on from."""
    plan = PLANS[name] if steps is None else replace(PLANS[name], steps=steps)
    plan = replace(plan, muon_lr=rate * plan.muon_lr, adam_lr=rate * plan.adam_lr)
    started = time.monotonic()
    torch.manual_seed(seed)
    tokenizer = almanac_tokenizer.build()
    edition = canon(CANON_SEED, entities=CANON_ENTITIES)
    rng = random.Random(f"train {name} {seed}")
    module, model = build(plan, tokenizer)
    before = earlier_note(start)
    if start is not None:
        model.load_state_dict(load_file(start / "model.safetensors"), strict=False)
    source = TurnBatches if plan.role == "generator" else ClaimBatches
    done = fit(module, source(edition, tokenizer, plan, rng), plan, limit_s=limit_s)
    save(model, tokenizer, plan, output)
    note = {
        "model": name,
        "seed": seed,
        "steps": before["steps"] + done,
        "seconds": before["seconds"] + round(time.monotonic() - started),
        "threads": torch.get_num_threads(),
        "runs": before["runs"] + [f"--seed {seed} --steps {done}" + (f" --rate {rate}" if rate != 1 else "")],
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    (output / "training.json").write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train one model of the almanac from scratch.")
    parser.add_argument("name", choices=sorted(PLANS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=None, help="fewer or more steps than the plan's")
    parser.add_argument("--minutes", type=float, default=math.inf, help="end by then, with fewer steps if need be")
    parser.add_argument("--start", type=Path, default=None, help="an earlier run's folder to go on from (another seed)")
    parser.add_argument("--rate", type=float, default=1.0, help="factor on the plan's learning rates")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    options = {"steps": given.steps, "limit_s": 60 * given.minutes, "start": given.start, "rate": given.rate}
    train(given.name, seed=given.seed, output=given.output, **options)


if __name__ == "__main__":
    main()
