"""The four judges of plan 2, by strength, and the card that says which is which.

Law: strengths are measured on drafts of the pilot; a run takes only judges whose weights the committed card names.
"""

from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.errors import ConfigError
from studies.provenance.judged_tallies import STRENGTHS
from studies.provenance.kit import MODELS, THRESHOLD

CARD = Path(__file__).with_name("judges-2.json")
TRAINED = Path(__file__).parents[2] / "runs" / "studies" / "provenance-2-judges"
"""Where they are trained: outside of any run's scratch folder, since the pilot and the runs share them."""
COMMAND = "python -m studies.provenance.train_judges"


class Judge(Struct, frozen=True):
    """`auroc`: on the pilot's drafts with the exact passage; `threshold`: where the drafts' F1 of rejecting is best;
    `sha256`: of its weights."""

    recipe: str
    auroc: float
    threshold: float
    sha256: str


def digest(folder: Path) -> str:
    """Of a model's weights. Raises ConfigError where there are none."""
    try:
        return sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    except FileNotFoundError:
        raise ConfigError(f"{folder} is not there: train the judges first, with `{COMMAND}`") from None


def card() -> dict[str, Judge] | None:
    """The committed card, from the weakest judge to the strongest; None where there is none yet."""
    return msgspec.json.decode(CARD.read_bytes(), type=dict[str, Judge]) if CARD.exists() else None


def committed(trained: Path) -> dict[str, Path]:
    """The folders of the card's judges. Raises ConfigError where there is no card, or a judge is another one."""
    if (known := card()) is None:
        raise ConfigError(f"{CARD.name} is not there: the judges' strengths are measured before any run; `{COMMAND}`")
    for one in known.values():
        if digest(trained / one.recipe) != one.sha256:
            raise ConfigError(f"{trained / one.recipe} is not the judge that {CARD.name} names; train it again, alike")
    return {name: trained / one.recipe for name, one in known.items()}


def shipped() -> dict[str, Path]:
    """For a tiny pilot: the almanac's two judges stand for four."""
    return {name: MODELS / f"judge-{'weak' if place < 2 else 'strong'}" for place, name in enumerate(STRENGTHS)}


def threshold_of(name: str) -> float:
    """The card's; of a judge that has none yet (in a pilot) the usual one."""
    known = card()
    return THRESHOLD if known is None else known[name].threshold
