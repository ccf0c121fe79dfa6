"""The part of a configuration that makes samples bad on purpose, to measure the gates (see `schemas.config`).

Law: rate 0, the default, injects nothing.
"""

from typing import Annotated

from msgspec import Meta, field

from schemas.config_base import Config, Name, Probability

Weight = Annotated[float, Meta(ge=0)]


class InjectionKinds(Config, frozen=True):
    """How often each kind is chosen, relative to the others; 0: never."""

    contradicts_source: Weight = 1.0
    """The answer is another value than the passage's."""
    parametric: Weight = 1.0
    """The answer is what a model remembers, which the passage has otherwise."""
    cross_passage: Weight = 1.0
    """Question and answer state a fact of another passage."""
    high_temperature: Weight = 1.0
    """Drawn far too hot."""
    instruction_quality: Weight = 1.0
    """The question is vague or cut off."""
    domain_mismatch: Weight = 1.0
    """Question and answer are about something that the corpus does not speak of."""
    response_quality: Weight = 1.0
    """The answer is hedged, cut off, vague or of the wrong sort."""


class LlmInjector(Config, frozen=True, tag="llm", tag_field="kind"):
    """The generator is asked for the flaw. What no verifier has seen is unverified, and left out of recall."""

    verifier: Name | None = None
    """Another pool, which is shown sample and passage and asked whether the flaw is there."""


class CustomInjector(Config, frozen=True, tag="custom", tag_field="kind"):
    """An injector of your own: `module:function`, called with the corpus, the seed and the options."""

    factory: Annotated[str, Meta(pattern=r"^[\w.]+:\w+$")]
    """Importable wherever conductors run. `studies.almanac.injector:almanac` knows what is true of the almanac."""
    options: dict[str, str | int | float | bool] = field(default_factory=dict)
    """Given to the factory by name. No secrets: name an environment variable."""


Injector = LlmInjector | CustomInjector


class Injection(Config, frozen=True):
    """Samples made bad on purpose, unseen by the gates, to measure what these catch. They are never exported."""

    rate: Probability = 0.0
    """Share of the orders whose first attempt is spoilt."""
    kinds: InjectionKinds = InjectionKinds()
    """In which ways."""
    injector: Injector = LlmInjector()
    """Who spoils them, and who knows that they are bad."""
