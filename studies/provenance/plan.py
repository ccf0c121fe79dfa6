"""How much of everything the study takes. Law: nothing else in the study knows a size, a share or a temperature."""

from math import ceil

from msgspec import Struct

SCALES = ("small", "middle", "large")
"""Of the generators, by the almanac's names."""
LABELLED_SCALE = "middle"
"""Whose first attempts both judges read in every mode, and which is run at other temperatures."""
POLICIES = ("discard", "naive_resample", "rules", "adaptive", "naive_resample_same_bar")
"""The arms. The last one holds repaired samples to no more than first ones."""
COMPARED = ("naive_resample", "adaptive")
"""Those of the other temperatures."""
JUDGES = ("strong", "weak")


class Setting(Struct, frozen=True):
    """A generator, and how hot its first attempts are drawn."""

    scale: str
    temperature: float


class Plan(Struct, frozen=True):
    """One size of the study."""

    seeds: tuple[int, ...]
    """Each has its own corpus, orders, draws and flaws."""
    documents: int = 960
    """Passages of a seed's corpus: what a search goes through."""
    passages: int = 60
    """Of these, the first so many are written about."""
    slots: int = 3
    """Orders for each passage."""
    spoilt: float = 0.43
    """Bad probes for each order, each of seven flaws as likely: three of ten first attempts are made bad on purpose."""
    temperature: float = 1.2
    """Of first attempts. Not the product's 0.7: see docs/studies/provenance.md, "The world that was chosen"."""
    other_temperatures: tuple[float, ...] = (0.7, 1.0)
    """At which one scale is run as well, to see how much of a gain is the world's."""
    max_attempts: int = 4
    budget: float = 0.5
    """Tokens that recovery may take, as a share of what the first attempts took (generator and gates)."""
    labelled: int = 160
    """First attempts of a seed whose drafts both judges read in every mode."""
    epochs: int = 30
    """Of a student over its data."""
    students: int = 2
    """Trained for each arm, from different first weights."""
    resamples: int = 2000
    """Of the bootstrap."""

    @property
    def settings(self) -> dict[Setting, tuple[str, ...]]:
        """What is run on each seed, with the policies."""
        return {Setting(scale, self.temperature): POLICIES for scale in SCALES}

    @property
    def other_settings(self) -> dict[Setting, tuple[str, ...]]:
        """The same for the other temperatures."""
        return {Setting(LABELLED_SCALE, other): COMPARED for other in self.other_temperatures}

    @property
    def spare_slots(self) -> int:
        """Orders for each passage beyond the plan, for who spends the budget on fresh ones."""
        return ceil(self.budget * self.slots)


FULL = Plan(seeds=(0, 1, 2, 3, 4))
SMOKE = Plan(
    seeds=(0, 1), documents=100, passages=6, slots=2, other_temperatures=(0.7,), labelled=12, epochs=2, students=1,
    resamples=50,
)  # fmt: skip
