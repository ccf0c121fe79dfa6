"""What is read of a completion, whoever asks: thoughts, control text, JSON; and what that costs."""

import time
from collections.abc import Callable
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from actors.gates.carrying import carries
from actors.gates.quotes import locate
from actors.tasks.prompts import neutralise
from actors.tasks.reading import parse
from actors.tasks.remarks import without_remarks
from actors.text.completions import (
    Unreadable,
    after_thoughts,
    control_in,
    thoughts_apart,
    verdict_in,
    without_code_fence,
    without_control,
)
from schemas.samples import FinishReason, qa
from schemas.verdicts import Quote


class Said(Struct, frozen=True):
    sure: Annotated[float, Meta(ge=0, le=1)]


def sure(text: str) -> float | str:
    found = verdict_in(text, Said, ("sure",))
    return found.why if isinstance(found, Unreadable) else found.sure


@pytest.mark.parametrize(
    "thoughts",
    [
        "<think>no</think>", "no</think>", "<THINK>no</THINK>", "<thinking>no</thinking>", "[THINK]no[/THINK]",
        "no [/THINK]", "<think>a</think><think>b</think>", "<reasoning>no</reasoning>", "◁think▷no◁/think▷",
        "<seed:think>no</seed:think>", "<|channel|>final<|message|>",
        "<|channel|>analysis<|message|>no<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|channel|>final <|constrain|>json<|message|>", "<|channel>thought\nno<channel|>", "analysisNo.assistantfinal",
    ],
)  # fmt: skip
def test_thoughts_end_before_the_answer(thoughts: str) -> None:
    """Whatever a model family calls them, and whether their beginning was in the prompt."""
    assert after_thoughts(f"{thoughts}The answer.") == "The answer."


@pytest.mark.parametrize(
    "text",
    ["<think>so", " <thinking>so", "[THINK]so", "<|channel|>analysis<|message|>so", "analysisWe", "a</think><think>b"],
)
def test_thoughts_that_never_end_are_no_answer(text: str) -> None:
    """The token limit came first: what stands there is not what the model would have said."""
    assert after_thoughts(text) is None


@pytest.mark.parametrize("text", ["An analysis of it.", "analysis of it", "I think so.", "a < think > b", ""])
def test_ordinary_words_are_no_thoughts(text: str) -> None:
    """An answer may speak of thinking."""
    assert after_thoughts(text) == text


CONTROL = [
    "<|im_end|>", "</s>", "<s>", "<|endoftext|>", "<|eot_id|>", "<end_of_turn>", "<eos>", "<pad>", "[/INST]", "[INST]",
    "<<SYS>>", "<｜end▁of▁sentence｜>", "<|return|>", "<tool_call>", "</tool_response>", "<think>", "[TOOL_CALLS]",
    "[SYSTEM_PROMPT]", "[THINK]", "[|assistant|]", "[gMASK]", "<sop>", "<reserved_106>", "[UNUSED_TOKEN_146]",
    "<extra_id_0>", "<SPECIAL_10>", "<seed:bos>", "]~b]", "[BOS]", "<BOS_TOKEN>", "<image>", "<start_of_image>",
    "[SEP]", "[CLS]", "<mask>", "<unused12>", "<fim_prefix>", "<|channel>", "<turn|>", "\x00", "\x1b",
    "\x7f", "\x9b", "\x0c",
]  # fmt: skip


@pytest.mark.parametrize("token", CONTROL)
def test_control_text_is_cut_at_the_ends_and_found_inside(token: str) -> None:
    """Trained on, a special token in the middle of an answer teaches a student to end or to open turns."""
    assert without_control(f" {token}\n{token}The answer. {token} ") == "The answer."
    assert control_in(f"The {token}answer.") == token
    assert without_control(f"{token}ends", source=f"a {token} b") == f"{token}ends".strip()
    assert control_in(f"The {token}answer.", source=f"a {token} b") is None


@pytest.mark.parametrize("text", ["a\tb\nc", "[ABC]", "a <b>c</b> <| d |> e", "x[i] |> f", "λ — ü 漢字 🙂", "[NOTE]"])
def test_ordinary_text_holds_no_control(text: str) -> None:
    """Tabs and newlines, HTML, geometry and operators are text."""
    assert control_in(text) is None
    assert without_control(text) == text


def test_half_a_character_is_always_refused() -> None:
    """It cannot be written to any file."""
    assert control_in("a\ud800b", source="a\ud800b") == "\ud800"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"sure": 0.5}', 0.5),
        ('{"sure": "0.5", "why": [1]}', 0.5),
        ('words {"SURE": 1} words', 1.0),
        ("{“sure”： 1}", 1.0),
        ('[{"sure": 1}, {"sure": 1.0}]', 1.0),
        ('{"sure": 1} {"sure": 0}', "there are two different ones"),
        ('{"sure": 1, "sure": 0}', "`sure` is given twice"),
        ('{"certain": 1}', "there is no JSON object"),
        ('{"sure": 1', "the JSON does not parse"),
        ('{"why": "it says {"sure": 1}"}', "the JSON does not parse"),
        ("{'why': '{\"sure\": 1}'}", "the JSON does not parse"),
        ("surely", "there is no JSON object"),
        (" ", "nothing was said"),
    ],
)
def test_a_verdict_is_read_for_certain_or_not_at_all(text: str, said: float | str) -> None:
    """Forgiven in looks, never in content: contradictions and broken objects are told as what they are."""
    assert sure(text) == said


PIECES = [
    "{",
    "}",
    "[",
    "]",
    '"',
    "“",
    "”",
    ":",
    "：",
    ",",
    "，",
    "\\",
    " ",
    "\n",
    "\t",
    "1",
    "1,234",
    "sure",
    "a",
    "<",
    "</",
]
PIECES += ["<think>", "</think>", "<|", "|>", "```", "```json\n", "<|im_end|>", "\x00", "_", "-", "#", "*", "question"]
PIECES += [
    "Question",
    "Answer:",
    '{"sure":',
    '{"a":"',
    '\\"',
    "analysis",
    "assistantfinal",
    ">",
    "＞",
    "\u200b",
    "›",
    "if you ",
]
READERS: dict[str, Callable[[str], object]] = {
    "completions": lambda text: (
        after_thoughts(text), without_code_fence(text), without_control(text), control_in(text), sure(text)
    ),
    "drafts": lambda text: (parse(text, FinishReason.STOP), parse(text, FinishReason.LENGTH)),
    "remarks": without_remarks,
    "prompts": neutralise,
    "quotes": lambda text: (locate(text[:300], text), locate(f"a {text[-300:]}", text)),
    "claims": lambda text: carries(Quote(text[:300], 0, 300), text[:2000], qa(text[:2000], "a"), text),
}  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join))
def test_reading_never_raises(text: str) -> None:
    """Any text is read, or is told why not."""
    for read in READERS.values():
        read(text)


SMALL, GROWTH, STEEPEST = 1_500, 8, 3.0
FLOOR_S = 0.001
"""What a small text is taken to cost at least: less is noise."""


def seconds(read: Callable[[str], object], text: str) -> float:
    """The fastest of three readings."""
    return min(_once(read, text) for _ in range(3))


def _once(read: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    read(text)
    return time.process_time() - started


@pytest.mark.parametrize("name", READERS)
def test_reading_takes_time_in_proportion_to_the_text(name: str) -> None:
    """A server that sends a megabyte of spaces, brackets or quotation marks must not stop the conductor:
    eight times the text takes eight times as long, within a factor of three, whatever piece is repeated."""
    read = READERS[name]
    for begins in ("", "Question", '{"sure":"', "```\n", "Question: a\nAnswer: b\n"):
        for piece in (*PIECES, " {", '{"', "- ", "1.", "\n\n", "> ", "**", "Note:", '{"a":[', "__", ": "):
            count = SMALL // len(piece)
            small, large = f"{begins}{piece * count}x", f"{begins}{piece * count * GROWTH}x"
            base = max(_once(read, small), FLOOR_S)
            if _once(read, large) > STEEPEST * GROWTH * base:
                assert seconds(read, large) <= STEEPEST * GROWTH * base, (name, begins, piece)


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        ("<think>\nHm.\n</think>\n\nQuestion: Who?", ("Hm.", "\n\nQuestion: Who?")),
        ("Hm.</think>So", ("Hm.", "So")),
        ("[THINK]Hm.[/THINK]So", ("Hm.", "So")),
        ("analysisHm.assistantfinalSo", ("Hm.", "So")),
        ("<think></think>So", ("", "So")),
        ("So", ("", "So")),
        ("<think>Hm.", ("", "<think>Hm.")),
        ("", ("", "")),
    ],
)
def test_thoughts_and_what_follows_them(text: str, apart: tuple[str, str]) -> None:
    """Whoever keeps thoughts keeps them without their marks; those that never end are not told from an answer."""
    assert thoughts_apart(text) == apart
