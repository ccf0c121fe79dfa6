"""`publish`: a run's samples go to the Hugging Face Hub while it goes on."""

from typing import Annotated

from msgspec import Meta, field

from schemas.config_base import Config, Natural, any_resume

Repo = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,96}/[A-Za-z0-9_.-]{1,96}$", title="'ORG/NAME'")]
Part = Annotated[float, Meta(gt=0, le=1)]


class Publish(Config, frozen=True):
    """A dataset of the Hugging Face Hub that gets the samples while the run goes on, and once more at its end
    (docs/push.md). The token is that of `hf auth login` or HF_TOKEN."""

    repo: Annotated[Repo, any_resume("The dataset, made where it does not exist.")]
    every_minutes: Annotated[
        float, any_resume("Time between the end of a push and the start of the next.", ge=1, le=10_080)
    ] = 30.0
    public: Annotated[bool, any_resume("Whether a dataset that is made can be seen by all.")] = False
    branch: Annotated[str, any_resume("The branch that gets the commits.")] = "main"
    license: Annotated[str | None, any_resume("The dataset's licence, as the Hub names it: `cc-by-4.0`.")] = None
    splits: Annotated[
        dict[str, Part],
        any_resume("Splits beside `train`, each with its share of the documents: `{test: 0.1}`."),
    ] = field(default_factory=dict)
    seed: Annotated[Natural, any_resume("Seed of the splits.")] = 0
