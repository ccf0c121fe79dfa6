"""`python -m studies.stepwise --output DIR`: per-step credit against positives alone (Setlur et al. 2024).

Law: a rerun with the same folder goes on where the last one ended; `--smoke` has the same parts, each tiny.
"""

import argparse
import time
from hashlib import sha256
from pathlib import Path

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from studies.stepwise.lab import Lab
from studies.stepwise.net import from_library
from studies.stepwise.parts import Parts
from studies.stepwise.report import write
from studies.stepwise.results import collected
from studies.stepwise.rows import Words
from studies.stepwise.sample import Sampler
from studies.stepwise.study import FULL, SMOKE, Study

BASE = Path("examples/arithmetic/models/base-small")
TEMPERATURE = 0.7
"""At which the policies' solutions and rollouts are drawn."""
ROOM = 128
"""Tokens of the longest problem of the study with its longest solution; longer than any the base was taught."""


def lab(base: Path) -> Lab:
    """The base that ships, ready to be trained and sampled."""
    words = Words(PreTrainedTokenizerFast.from_pretrained(base))
    model = LlamaForCausalLM.from_pretrained(base, use_safetensors=True)
    model.config.max_position_embeddings = ROOM
    words.tokenizer.model_max_length = 1_000_000  # a text may be longer than ROOM; the sampler cuts
    net = from_library(model)
    sampler = Sampler(words.pad, words.end, TEMPERATURE)
    return Lab(net, words, sampler, Sampler(words.pad, words.end, temperature=0.0))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m studies.stepwise", description="The study of per-step credit.")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true", help="every part, tiny: proves that it runs, claims nothing")
    parser.add_argument("--base", type=Path, default=BASE)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=120, help="no part begins later; a rerun goes on")
    parser.add_argument("--seeds", type=int, default=None, help="fewer or more than the plan's")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    started = time.monotonic()
    parts = Parts(given.output / "parts", lambda: time.monotonic() - started, 60 * given.minutes)
    settings = SMOKE if given.smoke else FULL
    parts.hold((settings, sha256((given.base / "model.safetensors").read_bytes()).hexdigest()))
    study = Study(lab(given.base), settings, parts)
    results = collected(study, seeds=given.seeds)
    write(results, given.output)
    print(f"{given.output / 'report.html'}; parts missing: {', '.join(results.missing) or 'none'}")


if __name__ == "__main__":
    main()
