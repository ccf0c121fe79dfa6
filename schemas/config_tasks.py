"""The `task:` section: what is made of each passage or problem, named by `kind`."""

from typing import Annotated, Literal

from msgspec import Meta, field

from schemas.config_base import Config, Factory, Options, Temperature, never, replay, section

StopText = Annotated[str, Meta(min_length=1, max_length=100, title="a text of 1 to 100 characters")]


class SamplingDefaults(Config, frozen=True):
    """The first attempt's sampling."""

    temperature: Annotated[Temperature, replay("0 is greedy.")] = 0.7
    top_p: Annotated[
        float, replay("Draw from the likeliest tokens of this much probability together; 1: from all.", gt=0, le=1)
    ] = 1.0
    max_tokens: Annotated[int, replay("Longest completion, in tokens of the generator.", ge=1, le=32_768)] = 256
    thinking_tokens: Annotated[
        int,
        replay("Allowed besides, for what a model thinks before it answers; 0 for one that does not.", ge=0, le=32_768),
    ] = 0
    stop: Annotated[
        tuple[StopText, ...],
        replay("Texts that end a completion where they begin; many servers take four at most."),
    ] = ()


PromptSetName = Literal["embedded", "instruct", "instruct-large"]


class ExampleDraft(Config, frozen=True):
    """A passage and what is to be written of it, shown to the model as earlier turns."""

    passage: Annotated[str, replay("As short as it may be.")]
    question: Annotated[str, replay("What is asked of it.")]
    answer: Annotated[str, replay("What the passage states.")]
    quote: Annotated[str, replay("A sentence of the passage, word for word; shown where a quote is asked for.")] = ""


class GroundedAnswer(Config, frozen=True, tag="grounded_answer", tag_field="kind"):
    """One question and its answer, stated by the passage."""

    samples_per_passage: Annotated[int, never("Orders issued for each passage.", ge=1, le=64)] = 3
    output: Annotated[
        Literal["lines", "json"], replay("`json` constrains the completion by a schema where the engine can.")
    ] = "lines"
    prompts: Annotated[
        PromptSetName,
        replay(
            "`embedded`: as the models in the examples were trained; `instruct`: for small chat models, with three "
            "examples; `instruct-large`: for others (docs/tasks/grounded.md)."
        ),
    ] = "instruct-large"
    system: Annotated[str | None, replay("The system's turn, in place of the set's.")] = None
    ask: Annotated[str | None, replay("What stands behind the passage, in place of the set's.")] = None
    examples: Annotated[
        tuple[ExampleDraft, ...] | None,
        replay(
            "Shown first, in place of the set's; each has a `passage`, its `question` and `answer`, perhaps a `quote`. "
            "`[]`: none."
        ),
    ] = None
    keep_reasoning: Annotated[
        bool, replay("What a model thinks before it answers is kept in the ledger, and exported; else it is dropped.")
    ] = False
    sampling: Annotated[SamplingDefaults, section("The first attempt's; repairs change the temperature.")] = (
        SamplingDefaults()
    )


class Math(Config, frozen=True, tag="math", tag_field="kind"):
    """Worked solutions of the corpus's problems, whose final answers are verified against the reference answers."""

    samples_per_passage: Annotated[int, never("Solutions asked for of each problem.", ge=1, le=64)] = 4
    keep_reasoning: Annotated[
        bool, replay("What a model thinks before it answers is kept in the ledger, and exported; else it is dropped.")
    ] = False
    sampling: Annotated[SamplingDefaults, section("The first attempt's; repairs change the temperature.")] = (
        SamplingDefaults(max_tokens=512)
    )


class CustomTask(Config, frozen=True, tag="custom", tag_field="kind"):
    """A task of your own: `module:Class`, made with this section (docs/tasks/own.md)."""

    task: Annotated[Factory, never("Importable wherever the run's processes are.")]
    samples_per_passage: Annotated[int, never("Orders issued for each passage.", ge=1, le=64)] = 1
    keep_reasoning: Annotated[
        bool, replay("What a model thinks before it answers is kept in the ledger, and exported; else it is dropped.")
    ] = False
    sampling: Annotated[SamplingDefaults, section("The first attempt's; repairs change the temperature.")] = (
        SamplingDefaults()
    )
    options: Annotated[Options, replay("For the task to read. No secrets: name an environment variable.")] = field(
        default_factory=dict
    )


Task = GroundedAnswer | Math | CustomTask
