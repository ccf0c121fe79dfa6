"""How much a run has of everything. Law: settings are bound to the folder of a run, so that all its arms share them."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

EngineKind = Literal["vllm", "transformers"]


class Rates(Struct, frozen=True):
    """How fast arms learn. Nothing here was tuned: a plan chooses on development problems."""

    likelihood: float = 1e-5
    """Of SFT, RFT and all that learn solutions."""
    pairs: float = 1e-6
    beta: float = 0.1
    chosen: float = 0.3
    """Weight of the chosen side's likelihood beside the preference."""


class Settings(Struct, frozen=True):
    """One run. Counts of problems are at most what there is; 0 stands for all."""

    model: str
    problems: str
    held_out_file: str = ""
    engine: EngineKind = "vllm"
    seed: int = 0
    train: int = 0
    held_out: int = 0
    draws: int = 16
    """Solutions of each training problem by the SFT policy."""
    kept: int = 4
    """Different right ones that RFT learns from, at most, of each problem."""
    kept_wrong: int = 4
    """Different wrong ones that are credited, at most, of each problem."""
    max_rollouts: int = 48
    """Asked for one wrong solution."""
    temperature: float = 0.7
    max_tokens: int = 400
    """Of a solution."""
    longest: int = 2048
    """Tokens of a prompt and its solution together."""
    rows: int = 32
    """Solutions or pairs in an optimizer step; `at_once`: of those, computed together."""
    at_once: int = 8
    passes: float = 3.0
    """Over what SFT and RFT learn from."""
    passes_after: float = 1.0
    """Over the credited wrong solutions: it gives the steps of all arms after RFT."""
    least: int = 8
    """Steps, however little there is."""
    rates: Rates = Rates()
    small: bool = False
    """The engine takes little memory and compiles nothing."""


def tiny(settings: Settings) -> Settings:
    """The smallest sizes with which all stages run: it shows that they do, and nothing else."""
    return replace(
        settings, train=6, held_out=4, draws=3, kept=2, kept_wrong=1, max_rollouts=4, max_tokens=96, longest=512,
        rows=2, at_once=2, passes=0.5, passes_after=0.5, least=6, small=True,
    )  # fmt: skip
