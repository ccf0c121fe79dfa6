"""The simplest judge: SmolLM2-135M-Instruct as it is, and a logistic regression on what it holds at the last token.

    python -m studies.real_text.frozen --models .models --output runs/judge

after `train_judge`, on a part of the same rows, and measured on a part of the same development rows. Writes
`frozen.json`.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from transformers import AutoModelForCausalLM, AutoTokenizer

from studies.real_text.development import PARTS, Developed, Pair, developed, pairs_of
from studies.real_text.results_file import write_json
from studies.real_text.train_judge import rows, rows_of

LAYERS = (10, 15)
STRENGTHS = (0.001, 0.01, 0.1)
"""Inverse strengths of the penalty."""
TRAINED_FOURS, READ_FOURS = 120, 40
"""So many fours are trained on, and so many of each part of development are read: the first ones."""
BATCH = 16


class Probe(Struct, frozen=True):
    """One layer and one penalty."""

    layer: int
    strength: float
    developed: Developed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, help="made by python -m studies.real_text.models")
    parser.add_argument("--output", type=Path, required=True, help="of train_judge")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    made = rows_of(given.output, given.seed)
    known = rows(made["train"][:TRAINED_FOURS])
    parts = {part: rows(made[part][:READ_FOURS]) for part in PARTS}
    of_training = [(row.passage, row.hypothesis) for row in known]
    of_development = sorted({pair for part in parts.values() for row in part for pair in pairs_of(row)})
    read = states(given.models / "smollm2", [*of_training, *of_development])
    labels = [row.supported for row in known]
    probes: list[Probe] = []
    for layer in LAYERS:
        scaler = StandardScaler().fit(torch.stack([read[pair][layer] for pair in of_training]).numpy())
        inputs, asked = (
            scaler.transform(torch.stack([read[pair][layer] for pair in pairs]).numpy())
            for pairs in (of_training, of_development)
        )
        for strength in STRENGTHS:
            fitted = LogisticRegression(C=strength, max_iter=2000).fit(inputs, labels)
            scores = dict(zip(of_development, fitted.decision_function(asked).tolist(), strict=True))
            probes.append(Probe(layer, strength, developed(0, parts, scores)))
            print(layer, strength, f"{probes[-1].developed.best:.4f}", probes[-1].developed, flush=True)
    best = max(probes, key=lambda each: each.developed.best)
    write_json(given.output / "frozen.json", best)


def states(model: Path, pairs: Sequence[Pair]) -> Mapping[Pair, Mapping[int, torch.Tensor]]:
    """Of each pair, passage before claim, the state of the last token at each layer: (H,) in float32."""
    tokenizer: Any = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
    causal: Any = AutoModelForCausalLM.from_pretrained(
        model, dtype=torch.bfloat16, use_safetensors=True, trust_remote_code=False
    )
    read = causal.model.eval()
    read.layers = read.layers[: max(LAYERS)]
    ordered = sorted(set(pairs), key=lambda pair: len(pair[0]) + len(pair[1]))
    found: dict[Pair, dict[int, torch.Tensor]] = {}
    for start in range(0, len(ordered), BATCH):
        batch = ordered[start : start + BATCH]
        texts = [f"{passage}\n{said}" for passage, said in batch]
        inputs = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
        with torch.no_grad():
            given = read(**inputs, output_hidden_states=True).hidden_states
        last = inputs["attention_mask"].sum(1) - 1
        for place, pair in enumerate(batch):
            found[pair] = {layer: given[layer][place, last[place]].float() for layer in LAYERS}
    return found


if __name__ == "__main__":
    main()
