"""The `task:` section: what is made of each passage or problem, named by `kind`."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from schemas.config_base import Config, Factory, MoreThanNone, Options, Temperature, grow, never, replay, section

Orders = Annotated[int, Meta(ge=1, le=64)]
PassageOrders = Annotated[
    Orders | Literal["auto"] | dict[Literal["at_most", "patience"], Orders],
    Meta(title="a whole number at least 1 and at most 64, or auto, or a section of at_most and patience"),
    grow("Orders issued for each passage; `auto`: until it gives no more (docs/passages.md)."),
]
StopText = Annotated[str, Meta(min_length=1, max_length=100, title="a text of 1 to 100 characters")]


class SamplingDefaults(Config, frozen=True):
    """The first attempt's sampling."""

    temperature: Annotated[Temperature, replay("0 is greedy.")] = 0.7
    top_p: Annotated[
        float, replay("Draw from the likeliest tokens of this much probability together; 1: from all.", gt=0, le=1)
    ] = 1.0
    max_tokens: Annotated[
        int, replay("Longest completion of one sample, in tokens of the generator.", ge=1, le=32_768)
    ] = 256
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

    samples_per_passage: PassageOrders = 3
    samples_per_call: Annotated[
        int,
        replay(
            "Different samples of a passage that one completion gives; each is judged, repaired and kept on its own "
            "(docs/tasks/grounded.md).",
            ge=1,
            le=16,
        ),
    ] = 1
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

    samples_per_passage: Annotated[int, grow("Solutions asked for of each problem.", ge=1, le=64)] = 4
    keep_reasoning: Annotated[
        bool, replay("What a model thinks before it answers is kept in the ledger, and exported; else it is dropped.")
    ] = False
    sampling: Annotated[SamplingDefaults, section("The first attempt's; repairs change the temperature.")] = (
        SamplingDefaults(max_tokens=512)
    )


class Sql(Config, frozen=True, tag="sql", tag_field="kind"):
    """A question about a database that the passage's script makes, and the query that answers it; executed
    (docs/tasks/sql.md)."""

    samples_per_passage: Annotated[int, grow("Orders issued for each passage.", ge=1, le=64)] = 4
    keep_reasoning: Annotated[
        bool, replay("What a model thinks before it answers is kept in the ledger, and exported; else it is dropped.")
    ] = False
    sampling: Annotated[SamplingDefaults, section("The first attempt's; repairs change the temperature.")] = (
        SamplingDefaults(max_tokens=512)
    )


class Code(Config, frozen=True, tag="code", tag_field="kind"):
    """A question that asks for a function, the function, and its tests, from a specification or source code; executed.
    With `corpus.problems` or `answer_field`: functions for problems that bring tests (docs/tasks/code.md)."""

    samples_per_passage: Annotated[int, grow("Orders issued for each passage.", ge=1, le=64)] = 4
    keep_reasoning: Annotated[
        bool, replay("What a model thinks before it answers is kept in the ledger, and exported; else it is dropped.")
    ] = False
    sampling: Annotated[SamplingDefaults, section("The first attempt's; repairs change the temperature.")] = (
        SamplingDefaults(max_tokens=1024)
    )


class CustomTask(Config, frozen=True, tag="custom", tag_field="kind"):
    """A task of your own: `module:Class`, made with this section (docs/tasks/own.md)."""

    task: Annotated[Factory, never("Importable wherever the run's processes are.")]
    samples_per_passage: PassageOrders = 1
    keep_reasoning: Annotated[
        bool, replay("What a model thinks before it answers is kept in the ledger, and exported; else it is dropped.")
    ] = False
    sampling: Annotated[SamplingDefaults, section("The first attempt's; repairs change the temperature.")] = (
        SamplingDefaults()
    )
    options: Annotated[Options, replay("For the task to read. No secrets: name an environment variable.")] = field(
        default_factory=dict
    )


FieldName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        title="a name of lower-case letters, digits and _ that begins with a letter",
    ),
]


class PromptedField(Config, frozen=True):
    """One text of a sample that is written."""

    name: Annotated[FieldName, never("How templates, labels, JSON keys and gates call it.")]
    what: Annotated[str, never("What it is; for the template to show.")]
    max_characters: Annotated[int, never("A longer text is malformed.", ge=1, le=100_000)] = 2_000
    schema: Annotated[dict[str, Any] | None, never("The field is JSON, an object or a list, of this JSON schema.")] = (
        None
    )
    checks: Annotated[
        tuple[str, ...], never("Rules over the object's values, such as `len(items) > 0`; one that fails is malformed.")
    ] = ()


class PromptedExample(Config, frozen=True):
    """A passage and the fields that are to be written of it, shown to the model as earlier turns."""

    fields: Annotated[dict[str, str], replay("The text of each field and each variable, by its name.")]
    passage: Annotated[str, replay("As short as it may be; none where the corpus has none.")] = ""
    row: Annotated[dict[str, str], replay("In place of a passage, with `corpus.columns`: each of them.")] = field(
        default_factory=dict
    )


class TurnTemplate(Config, frozen=True):
    """One turn of the chat that a student is trained on."""

    role: Annotated[Literal["system", "user", "assistant"], replay("Whose turn it is.")]
    content: Annotated[str, replay("A template of `passage` and the fields, by their names.")]


Form = Literal["lines", "json", "code"]
Variable = tuple[str, ...] | dict[str, MoreThanNone]
"""The values of a variable: each as often as the others, or by their weights."""


class PromptedStep(Config, frozen=True):
    """One of several calls that make a sample."""

    fields: Annotated[tuple[PromptedField, ...], never("What it writes, as the task's `fields`.")]
    ask: Annotated[str, replay("As the task's `ask`; it may name the fields of the steps before it.")]
    system: Annotated[str | None, replay("The system's turn; without it, the task's.")] = None
    read: Annotated[Form | None, replay("How its fields are written; without it, as the task's.")] = None
    pool: Annotated[str | None, replay("The pool that is asked; without it, the attempt's own.")] = None
    sampling: Annotated[
        SamplingDefaults | None, replay("The first attempt's, instead of the task's; repairs change the temperature.")
    ] = None


class Prompted(Config, frozen=True, kw_only=True, tag="prompted", tag_field="kind"):
    """A task in YAML alone: its fields, the prompts that ask for them, and the chat that a student is trained on
    (docs/tasks/prompted.md)."""

    fields: Annotated[
        tuple[PromptedField, ...],
        never("What a sample has, in order: each has a `name`, `what` it is, perhaps `max_characters` (2,000)."),
    ] = ()
    ask: Annotated[
        str | None, replay("The user's turn, a Jinja template of `passage`, `fields`, `previous` and `repair`.")
    ] = None
    steps: Annotated[
        tuple[PromptedStep, ...],
        replay(
            "Several calls instead, one after another: each has its own `fields` and `ask`, perhaps its own `system`, "
            "`read`, `pool` and `sampling`."
        ),
    ] = ()
    student: Annotated[
        tuple[TurnTemplate, ...],
        replay(
            "The chat that a student is trained on, the assistant's turn last: each has a `role` and its `content`, a "
            "Jinja template of `passage` and the fields by their names."
        ),
    ]
    samples_per_passage: PassageOrders = 1
    system: Annotated[str | None, replay("The system's turn; without it there is none.")] = None
    read: Annotated[
        Form,
        replay(
            "How fields are written: `Name: text` lines; one JSON object, by a schema where the engine can; or one "
            "field of code between ``` fences."
        ),
    ] = "lines"
    vary: Annotated[
        dict[str, Variable],
        never(
            "Variables that are drawn for each order, by name: a list of texts, or texts with weights. `ask` and "
            "`student` may name them."
        ),
    ] = field(default_factory=dict)
    examples: Annotated[
        tuple[PromptedExample, ...],
        replay("Shown first, as earlier turns: each has a `passage` and its `fields`, a text for each name."),
    ] = ()
    claim: Annotated[
        tuple[str, ...] | None, replay("Fields that a faithfulness judge must find in the source; without it, all.")
    ] = None
    shown: Annotated[tuple[str, ...] | None, replay("Fields that a reward model rates; without it, all.")] = None
    key: Annotated[
        tuple[str, ...] | None,
        replay("Fields by which near-duplicates of a passage are found; without it, all. `[]`: nothing repeats."),
    ] = None
    keep_reasoning: Annotated[
        bool, replay("What a model thinks before it answers is kept in the ledger, and exported; else it is dropped.")
    ] = False
    sampling: Annotated[SamplingDefaults, section("The first attempt's; repairs change the temperature.")] = (
        SamplingDefaults()
    )

    @property
    def calls(self) -> tuple[PromptedStep, ...]:
        """The calls of one attempt, in order: the steps, or one that asks for the task's own fields."""
        return self.steps or (PromptedStep(self.fields, self.ask or ""),)

    @property
    def all_fields(self) -> tuple[PromptedField, ...]:
        """What a sample has, in order."""
        return tuple(each for call in self.calls for each in call.fields)


Task = GroundedAnswer | Math | Sql | Code | CustomTask | Prompted
