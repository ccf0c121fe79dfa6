"""The part of a configuration that makes samples bad on purpose, to measure the gates (see `schemas.config`).

Law: rate 0, the default, injects nothing.
"""

from typing import Annotated

from msgspec import field

from schemas.config_base import Amount, Config, Factory, Name, Options, Probability, never, section


class InjectionKinds(Config, frozen=True):
    """How often each kind is chosen, relative to the others; 0: never."""

    contradicts_source: Annotated[Amount, never("The answer is another value than the passage's.")] = 1.0
    parametric: Annotated[Amount, never("The answer is what a model remembers, which the passage has otherwise.")] = 1.0
    cross_passage: Annotated[Amount, never("Question and answer state a fact of another passage.")] = 1.0
    high_temperature: Annotated[Amount, never("Drawn far too hot.")] = 1.0
    instruction_quality: Annotated[Amount, never("The question is vague or cut off.")] = 1.0
    domain_mismatch: Annotated[
        Amount, never("Question and answer are about something that the corpus does not speak of.")
    ] = 1.0
    response_quality: Annotated[Amount, never("The answer is hedged, cut off, vague or of the wrong sort.")] = 1.0


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
    kinds: Annotated[InjectionKinds, section("In which ways.")] = InjectionKinds()
    injector: Annotated[Injector, never("Who spoils them, and who knows that they are bad.")] = LlmInjector()
