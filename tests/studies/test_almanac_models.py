"""The shipped models do what their cards say, within what a small sample can tell."""

import json
import math
from pathlib import Path

import pytest

from studies.almanac.data import Mode
from studies.almanac.evaluate import Writer, ask_all, figures, measure_judge, measure_reward
from studies.almanac.exam import exam
from studies.almanac.models import PLANS

MODELS = Path(__file__).parents[2] / "examples" / "almanac" / "models"
SAMPLES = 120


def stated(name: str) -> dict[str, dict[str, float]]:
    """The measured figures that the card of this model repeats."""
    return json.loads((MODELS / "figures.json").read_text(encoding="utf-8"))["models"][name]


def test_the_weights_are_small_and_complete() -> None:
    """A clone stays light, and each folder loads on its own."""
    size = sum(path.stat().st_size for path in MODELS.rglob("*.safetensors"))
    assert size < 40e6
    for name in PLANS:
        files = {path.name for path in (MODELS / name).iterdir()}
        assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= files


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, plan in PLANS.items() if plan.role == "generator"])
def test_a_generator_is_as_faithful_as_its_card_says(name: str) -> None:
    """At T=0.7, in the plain and in the strict mode; the bound is five standard errors of this sample."""
    writer, papers = Writer(MODELS / name), exam(SAMPLES, seed=101)
    for mode in (Mode.LOOSE, Mode.STRICT):
        said = stated(name)[f"{mode.value}@0.7"]["faithful"]
        found = figures(ask_all(writer, papers, mode, temperature=0.7, seed=101), mode=mode).faithful
        assert abs(found - said) < 5 * math.sqrt(max(said * (1 - said), 0.02) / SAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["judge-weak", "judge-strong"])
def test_a_judge_ranks_as_well_as_its_card_says(name: str) -> None:
    """AUROC over fresh claims."""
    found = measure_judge(MODELS / name, None, claims=400, seed=101)
    assert abs(float(str(found["auroc_synthetic"])) - float(str(stated(name)["auroc_synthetic"]))) < 0.08


@pytest.mark.slow
def test_the_reward_model_sees_wording_and_not_truth() -> None:
    """So the two gates reject different samples."""
    found = measure_reward(MODELS / "reward", claims=400, seed=101)
    assert float(str(found["auroc_own_labels"])) > 0.9
    assert 0.4 < float(str(found["auroc_faithfulness"])) < 0.6
