"""The six models: their shapes and how long each is trained.

Law: one table names every model; nothing else in the study knows a size.
"""

from dataclasses import dataclass
from typing import Any

from transformers import LlamaConfig, PreTrainedTokenizerFast

from studies.almanac.claims import UNSTATED_SHARE
from studies.tokenizer import END, PAD

ROPE_THETA = 500_000.0
"""Slow enough that a word still looks like itself a passage away."""
JUDGE_LABELS = {0: "unfaithful", 1: "faithful"}
REWARD_LABELS = {0: "bad", 1: "good"}


@dataclass(frozen=True)
class Plan:
    """One model's shape and training length."""

    role: str
    width: int
    layers: int
    steps: int
    rows: int
    length: int
    muon_lr: float = 0.02
    adam_lr: float = 3e-3
    unstated_share: float = UNSTATED_SHARE
    """Of a judge's false claims: more of the hardest kind to learn from than there are to be judged."""


PLANS: dict[str, Plan] = {
    "generator-small": Plan("generator", width=96, layers=3, steps=1300, rows=12, length=288),
    "generator-middle": Plan("generator", width=128, layers=4, steps=1900, rows=12, length=288),
    "generator-large": Plan("generator", width=192, layers=5, steps=1800, rows=12, length=288, muon_lr=0.01),
    "judge-weak": Plan("judge", width=64, layers=2, steps=2000, rows=48, length=128),
    "judge-strong": Plan(
        "judge", width=128, layers=6, steps=3000, rows=48, length=128, muon_lr=0.01, adam_lr=2e-3, unstated_share=0.5
    ),
    "reward": Plan("reward", width=64, layers=2, steps=1000, rows=128, length=40),
}


def config(plan: Plan, tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """The Hugging Face configuration: heads of 32 (which vLLM's CPU attention supports), tied embeddings."""
    extra: dict[str, Any] = {}
    ids = tokenizer.get_vocab()
    if plan.role != "generator":
        labels = JUDGE_LABELS if plan.role == "judge" else REWARD_LABELS
        extra = {"num_labels": 2, "id2label": labels, "label2id": {name: index for index, name in labels.items()}}
    return LlamaConfig(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=plan.width,
        intermediate_size=3 * plan.width,
        num_hidden_layers=plan.layers,
        num_attention_heads=plan.width // 32,
        num_key_value_heads=plan.width // 32,
        max_position_embeddings=512,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        tie_word_embeddings=True,
        pad_token_id=ids[PAD],
        bos_token_id=None,
        eos_token_id=ids[END],
        **extra,
    )
