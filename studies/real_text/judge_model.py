"""The judge that is trained on spoilt samples: all-MiniLM-L6-v2 as a cross-encoder, with adapters and a head.

    python -m studies.real_text.judge_model .models

makes .models/text-judge, a plain Hugging Face folder of minilm and of the adapters that are committed beside this file
(`judge/`): any classifier gate with `reads: pair` or `reads: sentences` and `positive_label: 0` runs it.

Law: what ships is what differs from minilm, and nothing else. An adapter adds `b @ a` to a weight (LoRA, Hu et al.
2021, arXiv 2106.09685).
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils import parametrize
from transformers import AutoConfig, AutoTokenizer, BertForSequenceClassification

SHIPPED = Path(__file__).parent / "judge" / "adapters.safetensors"
FOLDER = "text-judge"
RANK = 16
LONGEST = 256
"""Tokens of a pair: as many as all-MiniLM-L6-v2 was trained to read. Longer passages are read in windows."""


class Adapter(nn.Module):
    """Adds a matrix of low rank to a weight of [outputs, inputs]."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.empty(RANK, inputs))
        self.b = nn.Parameter(torch.zeros(outputs, RANK))
        nn.init.kaiming_uniform_(self.a, a=5**0.5)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + self.b @ self.a


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, help="the folder that holds minilm (python -m studies.real_text.models)")
    given = parser.parse_args()
    print(write_folder(given.models / "minilm", SHIPPED, given.models / FOLDER))


def adapted(minilm: Path) -> BertForSequenceClassification:
    """minilm with adapters that change nothing yet and a new head; these alone are trained. torch's seed draws them."""
    config = AutoConfig.from_pretrained(minilm, num_labels=1, max_position_embeddings=LONGEST, trust_remote_code=False)
    model = cast(Any, BertForSequenceClassification)(config)
    weights = load_file(minilm / "model.safetensors")
    places = "embeddings.position_embeddings.weight"
    weights[places] = weights[places][:LONGEST].clone()
    weights.pop("embeddings.position_ids", None)
    model.bert.load_state_dict(weights)
    model.requires_grad_(requires_grad=False)
    for module in [each for each in model.bert.encoder.modules() if isinstance(each, nn.Linear)]:
        parametrize.register_parametrization(module, "weight", Adapter(*module.weight.shape))
    model.bert.pooler.requires_grad_(requires_grad=True)
    model.classifier.requires_grad_(requires_grad=True)
    return model


def trained(model: nn.Module) -> dict[str, torch.Tensor]:
    """The weights that are trained, by name."""
    return {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}


def put(model: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Puts trained weights in their places. Raises KeyError where they are another model's."""
    places = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    if places.keys() != weights.keys():
        raise KeyError(f"not this model's weights: {sorted(places.keys() ^ weights.keys())[0]}")
    with torch.no_grad():
        for name, place in places.items():
            place.copy_(weights[name])


def write_folder(minilm: Path, adapters: Path, folder: Path) -> Path:
    """A whole model with its tokenizer; the folder is whole or it is not there."""
    model = adapted(minilm)
    put(model, load_file(adapters))
    for module in [each for each in model.modules() if parametrize.is_parametrized(each)]:
        parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / folder.name
        model.save_pretrained(made)
        AutoTokenizer.from_pretrained(minilm, trust_remote_code=False).save_pretrained(made)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    return folder


if __name__ == "__main__":
    main()
