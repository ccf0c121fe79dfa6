"""Tiny Hugging Face models with random weights: a chat model and a classifier that every engine can run in moments.

Deterministic: the same files whenever they are made. The chat model writes printable ASCII and now and then its end
token; its weights are large, so that rounding does not change which token comes first.
"""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

SPECIAL = ("<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
END_ID = SPECIAL.index("<|end|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] | trim }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
LONGEST = 2048
"""Tokens that the models read."""


def tokenizer() -> PreTrainedTokenizerFast:
    """One token for each byte, and the special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate((*SPECIAL, *alphabet))}
    built = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    built.add_special_tokens(list(SPECIAL))
    fast = PreTrainedTokenizerFast(tokenizer_object=built, eos_token="<|end|>", pad_token="<|pad|>")
    fast.chat_template = CHAT_TEMPLATE
    return fast


def save_generator(folder: Path) -> Path:
    """A chat model in that folder."""
    torch.manual_seed(20)
    model = LlamaForCausalLM(_config())
    _enlarge(model)
    _prefer_text(model)
    model.generation_config.eos_token_id = END_ID
    model.generation_config.pad_token_id = 0
    return _save(model, folder)


def save_classifier(folder: Path, *, labels: int = 2) -> Path:
    """A sequence classifier in that folder."""
    torch.manual_seed(21)
    model = LlamaForSequenceClassification(_config(num_labels=labels))
    _enlarge(model)
    return _save(model, folder)


def save_roberta(folder: Path) -> Path:
    """A sequence classifier of the encoder kind, whose positions begin behind the padding token's."""
    torch.manual_seed(22)
    config = RobertaConfig(
        vocab_size=len(SPECIAL) + 256,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=66,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=END_ID,
    )
    config.num_labels = 2
    model = RobertaForSequenceClassification(config)
    _enlarge(model)
    return _save(model, folder)


def save_cross_encoder(folder: Path, *, types: int) -> Path:
    """A classifier of pairs of the encoder kind, in that folder; with two `types`, it is told which text a token is of.
    Its tokenizer puts `<|user|>` before and `<|end|>` behind each text."""
    torch.manual_seed(23)
    config = BertConfig(
        vocab_size=len(SPECIAL) + 256,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
        type_vocab_size=types,
        pad_token_id=0,
    )
    config.num_labels = 3
    model: Any = BertForSequenceClassification(config)
    _enlarge(model)
    model.to(torch.float32).save_pretrained(folder)
    own, start, end = tokenizer(), ("<|user|>", 2), ("<|end|>", END_ID)
    second = int(types > 1)
    own.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<|user|> $A <|end|>",
        pair=f"<|user|> $A <|end|> $B:{second} <|end|>:{second}",
        special_tokens=[start, end],
    )
    own.model_input_names = ["input_ids", "attention_mask", *(["token_type_ids"] if types > 1 else [])]
    own.save_pretrained(folder)
    return folder


def _config(**options: Any) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(SPECIAL) + 256,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=LONGEST,
        tie_word_embeddings=False,
        eos_token_id=END_ID,
        pad_token_id=0,
        bos_token_id=None,
        **options,
    )


def _enlarge(model: torch.nn.Module) -> None:
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2:
                weight.normal_(0, 1.0 if "embed" in name else 0.4)


def _prefer_text(model: Any) -> None:
    """The first dimension of the residual stream is a constant that makes other tokens than text improbable."""
    printable = [number for number in range(256 + len(SPECIAL)) if _is_text(number)]
    with torch.no_grad():
        model.model.embed_tokens.weight[:, 0] = 6.0
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0] = 0.0
            layer.mlp.down_proj.weight[0] = 0.0
        head = model.lm_head.weight
        head[:, 0] = -80.0
        head[printable, 0] = 0.0
        head[END_ID, 0] = 1.0


def _is_text(number: int) -> bool:
    token = tokenizer().convert_ids_to_tokens(number)
    return isinstance(token, str) and len(token) == 1 and (token.isascii() or token == "Ġ")


def _save(model: Any, folder: Path) -> Path:
    model.to(torch.float32).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder
