"""The part of a configuration that makes samples bad on purpose, to measure the gates (see `schemas.config`).

Law: rate 0, the default, injects nothing.
"""

from typing import Annotated, Literal, get_args

from msgspec import field

from schemas.config_base import Amount, Config, Factory, Name, Options, Probability, never

KindName = Literal[
    "contradicts_source",
    "parametric",
    "cross_passage",
    "high_temperature",
    "instruction_quality",
    "domain_mismatch",
    "response_quality",
]
"""`schemas.injection.InjectionKind` by its values."""


class LlmInjector(Config, frozen=True, tag="llm", tag_field="kind"):
    """The generator is asked for the flaw. What no verifier has seen is unverified, and left out of recall."""

    verifier: Annotated[
        Name | None, never("Another pool, which is shown sample and passage and asked whether the flaw is there.")
    ] = None


class CustomInjector(Config, frozen=True, tag="custom", tag_field="kind"):
    """An injector of your own: `module:function`, called with the corpus, the seed and the options."""

    factory: Annotated[
        Factory,
        never(
            "Importable wherever conductors run. `studies.almanac.injector:almanac` knows what is true of the almanac."
        ),
    ]
    options: Annotated[
        Options,
        never("Given to the factory by name. No secrets: name an environment variable."),
    ] = field(default_factory=dict)


Injector = LlmInjector | CustomInjector


class Injection(Config, frozen=True):
    """Samples made bad on purpose, unseen by the gates, to measure what these catch. They are never exported."""

    rate: Annotated[Probability, never("Share of the orders whose first attempt is spoilt.")] = 0.0
    kinds: Annotated[
        dict[KindName, Amount],
        never("How often each way is chosen, relative to the others; 0: never; one that is not named: 1."),
    ] = field(default_factory=dict)
    injector: Annotated[Injector, never("Who spoils them, and who knows that they are bad.")] = LlmInjector()

    @property
    def weights(self) -> dict[KindName, float]:
        """Of every way."""
        return {kind: self.kinds.get(kind, 1.0) for kind in get_args(KindName)}
