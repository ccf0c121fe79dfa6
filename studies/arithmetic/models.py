"""The two solvers: their shapes. Law: one table names every scale; nothing else knows a size."""

from dataclasses import dataclass

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from studies.almanac.initial import look_back
from studies.arithmetic.tokenizer import LENGTH
from studies.tokenizer import END, PAD

ROPE_THETA = 10_000.0


@dataclass(frozen=True)
class Scale:
    """A shape; heads of 32, which vLLM's CPU attention supports."""

    width: int
    layers: int


SCALES = {"solver-small": Scale(width=64, layers=3), "solver-large": Scale(width=96, layers=4)}


def config(scale: Scale, tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """The Hugging Face configuration; embeddings are tied."""
    ids = tokenizer.get_vocab()
    return LlamaConfig(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=scale.width,
        intermediate_size=2 * scale.width,
        num_hidden_layers=scale.layers,
        num_attention_heads=scale.width // 32,
        num_key_value_heads=scale.width // 32,
        max_position_embeddings=LENGTH,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        tie_word_embeddings=True,
        pad_token_id=ids[PAD],
        bos_token_id=None,
        eos_token_id=ids[END],
    )


def untrained(scale: Scale, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> LlamaForCausalLM:
    """A model with first weights that already look back (see the almanac's `initial.py`)."""
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config(scale, tokenizer))
    look_back(model, theta=ROPE_THETA)
    return model
