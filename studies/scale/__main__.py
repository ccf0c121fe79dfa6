"""Plan 2's arms on a real model: `python -m studies.scale --model M --problems gsm8k --output DIR`.

docs/studies/scale.md says what that takes. The same command goes on where it was stopped.

A run claims nothing: it is one model and one seed, with settings that nobody tuned.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import get_args

import msgspec

from schemas.errors import GleanerError
from studies.scale.lessons import ARMS, needed
from studies.scale.results import table
from studies.scale.run import Run
from studies.scale.settings import EngineKind, Rates, Settings, tiny


def main() -> int:
    given = _read()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    rates = Rates(given.rate, given.pair_rate, given.beta, given.chosen)
    settings = Settings(
        given.model, given.problems, given.held_out_file, given.engine, given.seed, given.train, given.held_out,
        rates=rates,
    )  # fmt: skip
    try:
        found = Run(tiny(settings) if given.tiny else settings, given.output).made(needed(given.arms))
    except GleanerError as error:
        print(f"studies.scale: {error}", file=sys.stderr)
        return 2
    (given.output / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    (given.output / "results.md").write_text(table(found), encoding="utf-8")
    print(table(found))
    return 0


def _read() -> argparse.Namespace:
    rates = Rates()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a folder or a name on the Hugging Face hub")
    parser.add_argument("--problems", required=True, help="gsm8k, or a file of JSON lines: question, answer")
    parser.add_argument("--held-out-file", default="", help="another such file; without it, the last fifth")
    parser.add_argument("--output", type=Path, required=True, help="the run's folder")
    parser.add_argument("--arms", nargs="+", default=ARMS, help=f"of {', '.join(ARMS)}; what they rest on is made too")
    parser.add_argument("--engine", choices=get_args(EngineKind), default="vllm")
    parser.add_argument("--train", type=int, default=0, help="problems to train on, at most; 0: all")
    parser.add_argument("--held-out", type=int, default=0, help="problems to examine with, at most; 0: all")
    parser.add_argument("--rate", type=float, default=rates.likelihood, help="of SFT, RFT and the like")
    parser.add_argument("--pair-rate", type=float, default=rates.pairs, help="of arms that learn pairs")
    parser.add_argument("--beta", type=float, default=rates.beta, help="of DPO")
    parser.add_argument("--chosen", type=float, default=rates.chosen, help="weight of the chosen side's likelihood")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes: shows that all stages run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
