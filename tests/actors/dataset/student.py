"""A tiny student with random weights and a tokenizer of its own: what SFTTrainer needs, with nothing fetched."""

import warnings
from pathlib import Path

from datasets import Dataset, load_dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>"
    "{% if message.role == 'assistant' %}{% generation %}{{ message.content }}<|end|>{% endgeneration %}"
    "{% else %}{{ message.content }}<|end|>{% endif %}{% endfor %}"
)


def train_one_step(files: str, scratch: Path) -> float:
    """The loss of one step of SFT on Parquet files, which are used as they were loaded."""
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    dataset = load_dataset("parquet", data_files=files, split="train", cache_dir=str(scratch / "cache"))
    assert isinstance(dataset, Dataset)
    tokenizer = tokenizer_of(" ".join(dataset[at]["messages"][0]["content"] for at in range(20)))
    settings = SFTConfig(
        output_dir=str(scratch / "student"),
        max_steps=1,
        per_device_train_batch_size=2,
        report_to=[],
        use_cpu=True,
        assistant_only_loss=True,
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        bf16=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the trainers' own advice
        trainer = SFTTrainer(model_for(tokenizer), args=settings, train_dataset=dataset, processing_class=tokenizer)
        return trainer.train().training_loss


def model_for(tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    """A model of random weights for the tokenizer's words."""
    shape = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
    )
    return Qwen2ForCausalLM(shape)


def tokenizer_of(text: str) -> PreTrainedTokenizerFast:
    """The text's words and a chat template."""
    specials = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|unknown|>"]
    words = specials + sorted(set(text.split()))
    plain = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<|unknown|>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        unk_token="<|unknown|>",
        additional_special_tokens=["<|user|>", "<|assistant|>"],
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer
