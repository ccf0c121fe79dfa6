"""Trains one arm with TRL: `python -m studies.scale.learn LESSON.json FOLDER`. A process of its own, so that the memory
of a GPU is free when the engine wants it.

Law: a step sees the rows that the plan's own batches give (`fit.passes`), each in its turn; a folder is whole or it is
not there. SFT learns completions alone. Both sides of a pair share the prompt, and none is closed by an end of turn
that its solution does not have there: so rows come as ids, and TRL tokenises nothing.
"""

import random
import shutil
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import torch
from datasets import Dataset
from transformers import AutoTokenizer
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from schemas.config_engines import ModelSource
from studies.scale.lessons import TAKEN, Learnt, Lesson, Preferred
from studies.stepwise.fit import DECAY_SHARE, WARMUP_SHARE, passes
from studies.stepwise.trainer import Taken


def main() -> None:
    lesson, folder = map(Path, sys.argv[1:])
    learn(msgspec.json.decode(lesson.read_bytes(), type=Lesson), folder)


def learn(lesson: Lesson, folder: Path) -> Taken:
    """Trains the arm and writes its model, its tokenizer and what it took."""
    seen = in_turn(lesson)
    trainer = sft(lesson, seen, folder) if lesson.rows else dpo(lesson, seen, folder)
    trainer.train()
    beside = folder.with_suffix(".partial")
    shutil.rmtree(beside, ignore_errors=True)
    model: Any = trainer.model
    model.to(torch.bfloat16).save_pretrained(beside)
    tokenizer_of(lesson).save_pretrained(beside)
    taken = Taken(lesson.items, trainer.state.global_step, len(seen), sum(map(tokens, seen)))
    (beside / TAKEN).write_bytes(msgspec.json.encode(taken))
    beside.rename(folder)
    shutil.rmtree(trainer.args.output_dir or "", ignore_errors=True)
    return taken


def in_turn(lesson: Lesson) -> list[Learnt | Preferred]:
    """What the steps see, one after the other; each pass over all in a new order."""
    items: list[Learnt | Preferred] = [*lesson.rows, *lesson.pairs]
    dice = random.Random(f"{lesson.arm} {lesson.seed}")
    return [one for batch in islice(passes(items, lesson.rows_a_step, dice), lesson.steps) for one in batch]


def tokens(one: Learnt | Preferred) -> int:
    """Of completions, a pair's both sides."""
    return len(one.completion) if isinstance(one, Learnt) else len(one.chosen) + len(one.rejected)


class IdsDPOTrainer(DPOTrainer):
    """TRL's, on rows that are ids already, as its SFT trainer takes them."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset


def sft(lesson: Lesson, seen: list[Learnt | Preferred], folder: Path) -> SFTTrainer:
    """Likelihood of the completions."""
    rows = [one for one in seen if isinstance(one, Learnt)]
    columns = {
        "input_ids": [[*one.prompt, *one.completion] for one in rows],
        "completion_mask": [[0] * len(one.prompt) + [1] * len(one.completion) for one in rows],
    }
    config = SFTConfig(**_shared(lesson, folder), completion_only_loss=True)
    return SFTTrainer(args=config, train_dataset=Dataset.from_dict(columns), **_begun(lesson))


def dpo(lesson: Lesson, seen: list[Learnt | Preferred], folder: Path) -> DPOTrainer:
    """The preference, with the chosen side's likelihood beside it; the model that it begins from is the reference."""
    pairs = [one for one in seen if isinstance(one, Preferred)]
    columns = {
        "prompt_ids": [one.prompt for one in pairs],
        "chosen_ids": [one.chosen for one in pairs],
        "rejected_ids": [one.rejected for one in pairs],
    }
    losses, weights = (["sigmoid", "sft"], [1.0, lesson.rates.chosen]) if lesson.rates.chosen else (["sigmoid"], None)
    config = DPOConfig(
        **_shared(lesson, folder), beta=lesson.rates.beta, loss_type=losses, loss_weights=weights,
    )  # fmt: skip
    return IdsDPOTrainer(args=config, train_dataset=Dataset.from_dict(columns), **_begun(lesson))


def tokenizer_of(lesson: Lesson) -> Any:
    """As the model has it: a trainer changes its own."""
    source = ModelSource.of(lesson.begins)
    return AutoTokenizer.from_pretrained(source.name, revision=source.revision or "main", trust_remote_code=False)


def _begun(lesson: Lesson) -> dict[str, Any]:
    return {"model": ModelSource.of(lesson.begins).name, "processing_class": tokenizer_of(lesson)}


def _shared(lesson: Lesson, folder: Path) -> dict[str, Any]:
    """Weights in float32, computed in bfloat16 where there is a GPU; the optimizer and the schedule of the plan."""
    gpu = torch.cuda.is_available()
    at_once = min(lesson.at_once, lesson.rows_a_step)
    return {
        "output_dir": str(folder.with_suffix(".scratch")),
        "max_steps": lesson.steps,
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": max(1, lesson.rows_a_step // at_once),
        "learning_rate": lesson.rate,
        "lr_scheduler_type": "warmup_stable_decay",
        "warmup_steps": max(1, round(WARMUP_SHARE * lesson.steps)),
        "lr_scheduler_kwargs": {"num_decay_steps": max(1, round(DECAY_SHARE * lesson.steps))},
        "adam_beta2": 0.98,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "max_length": lesson.longest,
        "train_sampling_strategy": "sequential",
        "seed": lesson.seed,
        "bf16": gpu,
        "use_cpu": not gpu,
        "gradient_checkpointing": gpu,
        "report_to": [],
        "save_strategy": "no",
        "logging_steps": 10,
        "disable_tqdm": True,
        "model_init_kwargs": {"dtype": "float32", "revision": ModelSource.of(lesson.begins).revision or "main"},
    }


if __name__ == "__main__":
    main()
