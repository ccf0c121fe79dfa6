"""First weights that already look back: a small model need not spend its training on finding out how to copy.

Law: nothing of the almanac is in these weights. They hold three general circuits, random projections aside: heads that
attend to the previous token, heads that attend to what followed an earlier copy of the present token (induction), and
heads that attend to earlier copies of it. Compare "mimetic initialization" (Trockman & Kolter 2023).
"""

import math

import torch
from transformers import LlamaForCausalLM, LlamaForSequenceClassification
from transformers.models.llama.modeling_llama import LlamaAttention

CONSTANT_SHARE = 0.2
"""Share of an embedding's squared length that is the same for all tokens: what a positional head can hold on to."""
POSITION_GAIN = 1.2
MATCH_GAIN = 1.1
COPY_GAIN = 0.7
PREVIOUS_PAIRS = 4
"""How many of the fastest rotary pairs the previous-token heads use."""


def _projection(rows: int, width: int) -> torch.Tensor:
    """Orthonormal rows that do not read the constant direction (dimension 0). [rows, width]"""
    matrix = torch.zeros(rows, width)
    matrix[:, 1:] = torch.linalg.qr(torch.randn(width - 1, rows)).Q.T
    return matrix


def _look_one_back(attention: LlamaAttention, head: int, theta: float, read: torch.Tensor, write: torch.Tensor) -> None:
    """The head attends to the previous token, reads it through `read` and writes that along `write`'s rows."""
    size = attention.head_dim
    at = slice(head * size, (head + 1) * size)
    query, key = torch.zeros(size, read.shape[1]), torch.zeros(size, read.shape[1])
    for pair in range(PREVIOUS_PAIRS):
        angle = theta ** (-2 * pair / size)
        query[pair, 0] = POSITION_GAIN
        key[pair, 0] = POSITION_GAIN * math.cos(angle)
        key[pair + size // 2, 0] = POSITION_GAIN * math.sin(angle)
    attention.q_proj.weight[at], attention.k_proj.weight[at] = query, key
    attention.v_proj.weight[at], attention.o_proj.weight[:, at] = read, write.T


def _match(attention: LlamaAttention, head: int, query: torch.Tensor, key: torch.Tensor, width: int) -> None:
    """The head attends where `key` sees what `query` sees here, and copies what it finds there."""
    at = slice(head * attention.head_dim, (head + 1) * attention.head_dim)
    attention.q_proj.weight[at], attention.k_proj.weight[at] = MATCH_GAIN * query, MATCH_GAIN * key
    value = _projection(attention.head_dim, width)
    attention.v_proj.weight[at], attention.o_proj.weight[:, at] = value, COPY_GAIN * value.T


def _blocks(model: LlamaForCausalLM | LlamaForSequenceClassification) -> list[LlamaAttention]:
    return [part for part in model.modules() if isinstance(part, LlamaAttention)]


@torch.no_grad()
def look_back(model: LlamaForCausalLM | LlamaForSequenceClassification, *, theta: float) -> None:
    """Sets the model's first weights, drawn from torch's global generator (seeded by the caller)."""
    width, blocks = int(model.config.hidden_size), _blocks(model)
    scale = 1 / math.sqrt(width)
    embeddings = model.model.embed_tokens.weight
    embeddings.normal_(0.0, scale)
    embeddings[:, 0] = math.sqrt(CONSTANT_SHARE / (1 - CONSTANT_SHARE))
    size = int(blocks[0].head_dim)
    heads = width // size
    previous = max(1, heads // 2)
    bases = _projection(min(2 * previous * size, width - 1), width)
    reads, writes = bases[: previous * size], bases[previous * size :]
    if writes.shape[0] < previous * size:
        writes = torch.cat([writes, _projection(previous * size - writes.shape[0], width)])
    for layer, attention in enumerate(blocks):
        for head in range(heads):
            part = slice((head % previous) * size, (head % previous + 1) * size)
            if layer == 0 and head < previous:
                _look_one_back(attention, head, theta, reads[part], writes[part])
            elif layer > 0 and head < previous and layer % 2 == 1:
                _match(attention, head, reads[part], writes[part], width)
            elif head < heads - 1 or layer == 0:
                same = _projection(size, width)
                _match(attention, head, same, same, width)
