"""The solver's network: a Llama of a few hundred thousand parameters, written out so that it trains and samples fast.

Law: its state dict is that of `LlamaForCausalLM` with the same configuration, and so are its logits (a test holds
this). Why not the library's: at this size its overhead is most of the time, and sampling needs a cache of fixed place.
"""

import torch
from torch import nn
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

NEVER = -1e9


def rotations(config: LlamaConfig, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of the rotary positions. Each [length, head size]."""
    size = config.hidden_size // config.num_attention_heads
    theta = float(config.rope_parameters["rope_theta"])  # pyright: ignore[reportArgumentType, reportOptionalSubscript]
    rates = theta ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = torch.arange(length, dtype=torch.float32)[:, None] * rates[None]
    both = torch.cat([angles, angles], dim=-1)
    return both.cos(), both.sin()


def rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """`x` [rows, heads, length, size], turned by its positions' angles [rows or 1, 1, length, size]."""
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], dim=-1) * sin


class Norm(nn.Module):
    """Root-mean-square norm."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` [..., width]."""
        return functional.rms_norm(x, self.weight.shape, self.weight, self.eps)


class Attention(nn.Module):
    """Attention over what lies in the cache, or over the row itself where there is none."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads, self.size = config.num_attention_heads, width // config.num_attention_heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))

    def heads_of(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, self.size).transpose(1, 2)

    def forward(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, bias: torch.Tensor, cache: torch.Tensor | None
    ) -> torch.Tensor:
        """`x` [rows, length, width]; `bias` [rows or 1, 1, length, seen]; `cache` [2, rows, heads, seen, size], whose
        last `length` places this call fills."""
        query = rotated(self.heads_of(self.q_proj(x)), cos, sin)
        key, value = rotated(self.heads_of(self.k_proj(x)), cos, sin), self.heads_of(self.v_proj(x))
        if cache is not None:
            cache[0, :, :, -x.shape[1] :], cache[1, :, :, -x.shape[1] :] = key, value
            key, value = cache[0], cache[1]
        weights = torch.softmax(query @ key.transpose(-1, -2) * self.size**-0.5 + bias, dim=-1)
        return self.o_proj((weights @ value).transpose(1, 2).reshape(x.shape))


class Gated(nn.Module):
    """The feed-forward part."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        inner = config.intermediate_size
        self.gate_proj = nn.Linear(config.hidden_size, inner, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, inner, bias=False)
        self.down_proj = nn.Linear(inner, config.hidden_size, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` [..., width]."""
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """One block."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.input_layernorm = Norm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = Norm(config.hidden_size, config.rms_norm_eps)
        self.mlp = Gated(config)

    def forward(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, bias: torch.Tensor, cache: torch.Tensor | None
    ) -> torch.Tensor:
        """As `Attention`."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, bias, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Trunk(nn.Module):
    """Embeddings, blocks, last norm."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = Norm(config.hidden_size, config.rms_norm_eps)


class Net(nn.Module):
    """The whole model; the output matrix is the embeddings'."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Trunk(config)
        cos, sin = rotations(config, config.max_position_embeddings)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def states(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        bias: torch.Tensor,
        caches: list[torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Last hidden states [rows, length, width] of ids and positions [rows or 1, length]."""
        cos, sin = self.cos[positions][:, None], self.sin[positions][:, None]  # pyright: ignore[reportIndexIssue]
        x = self.model.embed_tokens(ids)
        for index, layer in enumerate(self.model.layers):
            x = layer(x, cos, sin, bias, None if caches is None else caches[index])
        return self.model.norm(x)

    def scores(self, states: torch.Tensor) -> torch.Tensor:
        """Logits [..., vocabulary]."""
        return functional.linear(states, self.model.embed_tokens.weight)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Log-probability of each next token. ids [rows, length], padded on the right; gives [rows, length - 1]."""
        length = ids.shape[1] - 1
        places = torch.arange(length, device=ids.device)
        bias = torch.zeros(length, length, device=ids.device).masked_fill(places[None, :] > places[:, None], NEVER)
        scores = self.scores(self.states(ids[:, :-1], places[None], bias[None, None])).float()
        return -functional.cross_entropy(scores.transpose(1, 2), ids[:, 1:], reduction="none")


def from_library(model: LlamaForCausalLM) -> Net:
    """The same weights as a `Net`."""
    net = Net(model.config)
    weights = {name: value for name, value in model.state_dict().items() if name != "lm_head.weight"}
    net.load_state_dict({name: value.float() for name, value in weights.items()})
    return net


def to_library(net: Net) -> LlamaForCausalLM:
    """The same weights as the library's model, to be saved."""
    model = LlamaForCausalLM(net.config)
    model.load_state_dict(net.state_dict(), strict=False)
    model.tie_weights()
    return model
