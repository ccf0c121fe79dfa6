"""The part of a configuration that sends probes through the live gates, to measure them (see `schemas.config`).

Law: rate 0, the default, sends none.
"""

from typing import Annotated, Literal, get_args

from msgspec import field

from schemas.config_base import Amount, Config, Factory, Name, Options, Probability, any_resume, section

FlawName = Literal[
    "contradicts_source",
    "parametric",
    "cross_passage",
    "high_temperature",
    "instruction_quality",
    "domain_mismatch",
    "response_quality",
]
"""The values of `schemas.flaws.FlawKind`."""


class NamedInjector(Config, frozen=True):
    """The injector spoils drafts and says if they are bad: your own function, or the generator and a verifier."""

    factory: Annotated[
        Factory | None,
        any_resume(
            "`module:function`, importable wherever conductors run, called with corpus, seed and options. "
            "`studies.almanac.injector:almanac` knows what is true of the almanac."
        ),
    ] = None
    options: Annotated[
        Options, any_resume("Given to the factory by name. No secrets: name an environment variable.")
    ] = field(default_factory=dict)
    verifier: Annotated[
        Name | None,
        any_resume(
            "In place of a factory: the generator is asked for the flaw, this other pool whether it is there. It "
            "vouches for no good sample, so `good` must be 0."
        ),
    ] = None


class Probing(Config, frozen=True):
    """Labelled samples sent through the live gates, which do not see the labels: how many do the gates catch? They are
    never exported."""

    rate: Annotated[
        Probability,
        any_resume("Probes for each order, on average; one costs about the gates' tokens of one attempt."),
    ] = 0.0
    good: Annotated[Probability, any_resume("Share of the probes that should pass; the others should be rejected.")] = (
        0.5
    )
    labelled: Annotated[
        tuple[str, ...],
        any_resume("Files as `gleaner audit --labelled` reads them; in place of an injector."),
    ] = ()
    injector: Annotated[NamedInjector, section("Who makes probes of the run's own first drafts.")] = NamedInjector()
    kinds: Annotated[
        dict[FlawName, Amount],
        any_resume("How often the injector chooses each flaw, relative to the others; 0: never; not named: 1."),
    ] = field(default_factory=dict)
    repair: Annotated[
        bool, any_resume("What the gates reject of an injector's is repaired too, to measure the repairs.")
    ] = True

    @property
    def spoils(self) -> bool:
        """Whether an injector makes probes of the run's own drafts."""
        return self.injector.factory is not None or self.injector.verifier is not None

    @property
    def weights(self) -> dict[FlawName, float]:
        """How often each flaw is chosen, relative to the others."""
        return {kind: self.kinds.get(kind, 1.0) for kind in get_args(FlawName)}
