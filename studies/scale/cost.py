"""What a run would take of one GPU, as a calculation: `python -m studies.scale.cost`. Law: nothing here was run; every
figure is an assumption of `Assumed`, or follows from them and the settings."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from studies.scale.lessons import ARMS, FROM_BASE
from studies.scale.settings import Settings
from studies.stepwise import grid
from studies.stepwise.trainer import KINDS

HOUR_S = 3600.0


@dataclass(frozen=True)
class Assumed:
    """What the hours follow from. `tokens`: by the tokenizer of SmolLM2 on 1,000 problems of GSM8K's training part."""

    train: int = 7473
    held_out: int = 1319
    prompt: int = 107
    """Tokens of the task's prompt with the problem; `solution`: of one in the style of the data set."""
    solution: int = 93
    right: float = 0.6
    """Share of the SFT policy's draws that are right."""
    kept_right: float = 3.0
    """Different right ones that are kept, of each problem; `kept_wrong`: the same of wrong ones."""
    kept_wrong: float = 2.5
    rollouts: float = 16.0
    """Of each wrong solution; `Settings.max_rollouts` is the most that can be."""
    parameters: float = 1.54e9
    generated_a_second: float = 9200.0
    """By vLLM: published of FinePhrase's production, with 1.7 billion parameters on an H100."""
    flops: float = 989e12 * 0.2
    """Of an H100 in bfloat16, a fifth of them used: rows are short, padded, and eight at once."""
    start_s: float = 60.0
    """Of an engine, and of a training process."""


MOST = Assumed(kept_right=4, kept_wrong=4, rollouts=48)
"""The same with all limits reached."""


def hours(of: Assumed, settings: Settings) -> dict[str, float]:
    """Hours of each stage."""
    drawn = of.train * settings.draws * of.solution
    rolled = of.train * of.kept_wrong * of.rollouts * of.solution / 2
    asked = (len(ARMS) + 1) * of.held_out * 2 * of.solution
    starts = 2 * len(ARMS) + 2
    return {
        "draws of the SFT policy": drawn / of.generated_a_second / HOUR_S,
        "rollouts for credit": rolled / of.generated_a_second / HOUR_S,
        "exams": asked / of.generated_a_second / HOUR_S,
        "training of SFT, RFT and sft_longer": sum(_training_s(arm, of, settings) for arm in FROM_BASE) / HOUR_S,
        "training of all arms after RFT": sum(_training_s(arm, of, settings) for arm in _after_rft()) / HOUR_S,
        "starts of engines and trainings": starts * of.start_s / HOUR_S,
    }


def steps(arm: str, of: Assumed, settings: Settings) -> int:
    """Optimizer steps, as `lessons.Lessons.steps` has them."""
    if arm not in FROM_BASE:
        return math.ceil(settings.passes_after * of.train * of.kept_wrong / settings.rows)
    rows = of.train if arm == grid.SFT else of.train * of.kept_right
    return math.ceil(settings.passes * rows / settings.rows)


def table(columns: Sequence[tuple[str, Assumed]], settings: Settings) -> str:
    """As Markdown: a line for each stage, a column for each set of assumptions."""
    found = [hours(of, settings) for _, of in columns]
    lines = [_line(["hours of one GPU", *(name for name, _ in columns)]), _line(["---"] * (len(columns) + 1))]
    lines += [_line([stage, *(f"{one[stage]:.1f}" for one in found)]) for stage in found[0]]
    lines += [_line(["**together**", *(f"**{sum(one.values()):.1f}**" for one in found)])]
    return "\n".join(lines) + "\n"


def _training_s(arm: str, of: Assumed, settings: Settings) -> float:
    """6 operations a parameter and token, 8 with recomputed activations; a pair has two sides, and a reference reads
    both (2 more)."""
    sides, operations = (2, 10) if arm in KINDS else (1, 8)
    tokens = steps(arm, of, settings) * settings.rows * sides * (of.prompt + of.solution)
    return operations * of.parameters * tokens / of.flops


def _after_rft() -> Iterator[str]:
    return (arm for arm in ARMS if arm not in FROM_BASE)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


COLUMNS = (("as assumed", Assumed()), ("all limits reached", MOST))

if __name__ == "__main__":
    print(table(COLUMNS, Settings("", "")), end="")
