"""A task of two steps in YAML alone, and an engine that writes what they ask for."""

import asyncio
import re

from schemas.config_tasks import Prompted, PromptedExample, PromptedField, PromptedStep, SamplingDefaults, TurnTemplate
from schemas.ids import content_id
from schemas.samples import Completion, FinishReason, GenerationRequest
from tests.doubles.engines import InstantEngine, InstantOptions

STEPS = Prompted(
    steps=(
        PromptedStep(
            fields=(PromptedField("question", "a question"),),
            ask="{{ passage }} For {{ who }}, {{ level }}.\nWrite question:"
            "{% if previous %} not {{ previous.question }}{% endif %}",
        ),
        PromptedStep(
            fields=(PromptedField("answer", "its answer", max_characters=300), PromptedField("why", "the reason")),
            ask="{{ passage }}\nAsked: {{ question }}\nWrite {% for field in fields %}{{ field.name }}:{% endfor %}",
            system="You answer.",
            read="json",
            pool="strong",
            sampling=SamplingDefaults(temperature=0.1, max_tokens=99),
        ),
    ),
    vary={"level": {"easy": 0.25, "hard": 0.75}, "who": ("a pilot", "a cook")},
    system="You ask.",
    student=(TurnTemplate("user", "{{ who }}: {{ question }}"), TurnTemplate("assistant", "{{ answer }} {{ why }}")),
    examples=(
        PromptedExample(
            passage="Oak is hard.",
            fields={
                "level": "easy",
                "who": "a cook",
                "question": "Which is hard?",
                "answer": "Oak.",
                "why": "It says so.",
            },
        ),
    ),
)
"""The second step answers what the first one asked, in JSON, of another pool."""


CODE = Prompted(
    steps=(
        PromptedStep(fields=(PromptedField("task", "a small programming task"),), ask="{{ passage }} Write a task:"),
        PromptedStep(fields=(PromptedField("code", "Python"),), ask="Write a program: {{ task }}", read="code"),
    ),
    student=(TurnTemplate("user", "{{ task }}"), TurnTemplate("assistant", "{{ code }}")),
)


class Journal:
    """The calls of a process, and the one at which it dies: that call is never answered."""

    def __init__(self, death: int | None = None) -> None:
        self.death = death
        self.died = asyncio.Event()
        self.asked: list[GenerationRequest] = []


class Writer(InstantEngine):
    """Writes the fields that stand behind the prompt's last `Write`, from the request's content and seed alone."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(InstantOptions())
        self._journal = journal

    async def generate(self, request: GenerationRequest) -> Completion:
        self._journal.asked.append(request)
        if len(self._journal.asked) == self._journal.death:
            self._journal.died.set()
            await asyncio.Event().wait()
        said = request.messages[-1].content
        wanted = re.findall(r"(\w+):", said.rpartition("Write ")[2])
        text = "\n".join(f"{name.capitalize()}: {content_id(name, said, request.sampling.seed)}" for name in wanted)
        return Completion(request.id, text, FinishReason.STOP, prompt_tokens=10, completion_tokens=5)
