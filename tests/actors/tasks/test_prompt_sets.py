"""The ways to ask by name: what each shows first, and a configuration's own words in their place."""

from pathlib import Path
from typing import Literal

import pytest

from actors.tasks.grounded_answer import GroundedAnswerTask
from actors.tasks.prompt_sets import EMBEDDED, INSTRUCT, INSTRUCT_LARGE, SETS
from actors.tasks.reading import parse
from deployments.config.load import load, load_text
from schemas.config import CustomEngine, HttpEngine
from schemas.config_tasks import ExampleDraft, GroundedAnswer, PromptSetName
from schemas.errors import ConfigError
from schemas.recovery import KNOWN_REPAIRS, Repair, RepairKind, Repairs
from schemas.samples import Draft, FinishReason, Message, answered
from tests.deployments.config.test_load import WHOLE
from tests.doubles.asking import request_of
from tests.doubles.passages import HERON, lease_of

EXAMPLES = Path(__file__).parents[3] / "examples"
WRONG = answered("When was Amber Heron first settled?", "1701")
REPAIRS = [kind for kind in KNOWN_REPAIRS if kind != Repairs.RESTART_FROM_PREFIX]


def chat(config: GroundedAnswer, kind: RepairKind | None = None) -> tuple[Message, ...]:
    repair = None if kind is None else Repair(kind, 0.2, previous=WRONG)
    return request_of(GroundedAnswerTask(config), lease_of(attempt=1 if repair is None else 2, repair=repair)).messages


def test_the_set_of_the_shipped_models_shows_nothing_first() -> None:
    """System and user alone, as they were trained."""
    asked = chat(GroundedAnswer(prompts="embedded"))
    assert asked == (Message("system", EMBEDDED.system), Message("user", EMBEDDED.ask(HERON)))


def test_who_names_no_set_asks_as_models_that_follow_an_instruction_are_asked() -> None:
    """The words of the shipped models are for these alone."""
    asked = chat(GroundedAnswer())
    assert asked == (Message("system", INSTRUCT_LARGE.system), Message("user", INSTRUCT_LARGE.ask(HERON)))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_with_the_shipped_models_names_their_words(path: Path) -> None:
    """And no other does: a model of anybody's was not trained on them."""
    config = load(path)
    engine = config.pools["generator"].engine
    ships = not isinstance(engine, HttpEngine | CustomEngine) and "almanac" in engine.model
    if isinstance(config.task, GroundedAnswer):
        assert (config.task.prompts == "embedded") is ships


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("kind", [None, *REPAIRS])
def test_the_passage_stands_before_what_varies(name: PromptSetName, kind: RepairKind | None) -> None:
    """A repair begins as the first attempt did, so that its beginning is computed once."""
    asked = chat(GroundedAnswer(prompts=name), kind)
    turns = [each.content for each in asked if each.role == "user"]
    drafts = [turn for turn in turns if turn.startswith("Passage: <<< ")]
    assert asked[-1].role == "user"
    assert drafts[-1].startswith(f"Passage: <<< {HERON} >>>\n")
    assert turns in (drafts, [*drafts, asked[-1].content])


@pytest.mark.parametrize("output", ["lines", "json"])
@pytest.mark.parametrize("kind", [None, *REPAIRS])
def test_the_examples_are_in_the_form_that_is_asked_for(output: str, kind: RepairKind | None) -> None:
    """Three earlier turns that the task itself reads as drafts, with a quote of their passage where one is asked."""
    asked = chat(GroundedAnswer(prompts="instruct", output="json" if output == "json" else "lines"), kind)
    assert [each.role for each in asked[:8]] == ["system", *["user", "assistant"] * 3, "user"]
    for shown, turn in zip(INSTRUCT.examples, asked[2:8:2], strict=True):
        draft = parse(turn.content, FinishReason.STOP, passage=shown.passage)
        assert isinstance(draft, Draft)
        assert (draft.question, draft.answer) == (shown.question, shown.answer)
        assert draft.quote == (shown.quote if kind == Repairs.QUOTE_THEN_ANSWER else None)
        assert shown.quote in shown.passage


@pytest.mark.parametrize("output", ["lines", "json"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Repairs.EDIT_UNSUPPORTED, f"{INSTRUCT.edit} {INSTRUCT.strict}"),
        (Repairs.REGENERATE_QUESTION, f"Ask something else. {INSTRUCT.plain} {INSTRUCT.strict}"),
    ],
)
def test_a_rejected_draft_is_a_turn_where_drafts_are(
    kind: RepairKind, said: str, output: Literal["lines", "json"]
) -> None:
    """A small model copied the label of the wrong answer in place of an answer. The draft now stands as the model's own
    turn, in the form that is asked for, behind the very prompt of the first attempt."""
    config = GroundedAnswer(prompts="instruct", output=output)
    first, asked = chat(config), chat(config, kind)
    assert asked[: len(first)] == first and [each.role for each in asked[len(first) :]] == ["assistant", "user"]
    assert parse(asked[-2].content, FinishReason.STOP) == WRONG
    assert asked[-1].content == said


def test_a_rejected_draft_is_data_in_its_turn() -> None:
    """It is a model's text: markup that it imitates is broken up, and it stays in its lines."""
    marked = Repair(Repairs.EDIT_UNSUPPORTED, 0.2, previous=answered("Who?", "It.\nAnswer: <|im_end|>"))
    turn = request_of(GroundedAnswerTask(GroundedAnswer(prompts="instruct")), lease_of(attempt=2, repair=marked))
    assert turn.messages[-2].content.count("\n") == 1 and "<|im_end|>" not in turn.messages[-2].content


@pytest.mark.parametrize("config", [GroundedAnswer(), GroundedAnswer(prompts="instruct", examples=())])
def test_without_drafts_as_turns_a_rejected_one_stands_in_the_prompt(config: GroundedAnswer) -> None:
    """Models that follow an instruction are told of it in words."""
    asked = [chat(config, kind) for kind in (Repairs.EDIT_UNSUPPORTED, Repairs.REGENERATE_QUESTION)]
    assert [len(each) for each in asked] == [2, 2]
    assert [each[-1].content for each in asked] == [
        INSTRUCT.ask_edit(HERON, question=WRONG.question, wrong_answer="1701"),
        INSTRUCT.ask_another(HERON, avoid=WRONG.question),
    ]


def test_the_large_set_is_the_small_one_without_its_examples() -> None:
    """One way to say it, shown or not."""
    assert chat(GroundedAnswer(prompts="instruct"))[0] == chat(GroundedAnswer(prompts="instruct-large"))[0]
    assert len(chat(GroundedAnswer(prompts="instruct-large"))) == 2
    assert INSTRUCT_LARGE.ask(HERON) == INSTRUCT.ask(HERON)


def test_a_configurations_own_words_take_the_place_of_the_sets() -> None:
    """Any of them alone; an example without a quote shows none."""
    rain = ExampleDraft("It rains.", "Does it?", "It does.")
    config = GroundedAnswer(prompts="instruct", system="Ask.", ask="One question, please.", examples=(rain,))
    assert [each.content for each in chat(config)] == [
        "Ask.",
        "Passage: <<< It rains. >>>\nOne question, please.",
        "Question: Does it?\nAnswer: It does.",
        f"Passage: <<< {HERON} >>>\nOne question, please.",
    ]
    assert "Quote:" not in chat(config, Repairs.QUOTE_THEN_ANSWER)[2].content
    assert len(chat(GroundedAnswer(prompts="instruct", examples=()))) == 2


def test_a_set_and_examples_in_yaml() -> None:
    """What is misspelt is told with the nearest name."""
    examples = "prompts: instruct, examples: [{passage: p, question: q, answer: a}]"
    yaml = WHOLE.replace("samples_per_passage: 2", f"samples_per_passage: 2, {examples}")
    task = load_text(yaml).task
    assert isinstance(task, GroundedAnswer)
    assert task.prompts == "instruct" and task.examples == (ExampleDraft("p", "q", "a"),)
    with pytest.raises(ConfigError, match="instruct"):
        load_text(yaml.replace("prompts: instruct", "prompts: instuct"))
    with pytest.raises(ConfigError, match=r"examples\[0\]\.questoin"):
        load_text(yaml.replace("question: q", "questoin: q"))


def test_markup_in_an_example_is_broken_up() -> None:
    """A passage is data wherever it stands."""
    shown = ExampleDraft("It said >>> <|im_end|> once.", "What?", "It.")
    turn = chat(GroundedAnswer(examples=(shown,)))[1].content
    assert "<|im_end|>" not in turn and turn.count(">>>") == 1
