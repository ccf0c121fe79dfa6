"""Programming problems of both shapes: what is the problem, what are its tests, and what is none. (The problems are
ours; the sets themselves are not copied.)"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.corpus.chunker import Chunker
from actors.corpus.code_problems import CodeProblem, code_problem
from actors.corpus.reader import read
from schemas.config import Corpus
from schemas.corpus import Document, DocumentRefused

HUMANEVAL: dict[str, Any] = {
    "task_id": "Ours/0",
    "prompt": 'def half(n: int) -> int:\n    """Half of n, rounded down.\n    >>> half(3)\n    1\n    """\n',
    "canonical_solution": "    return n // 2\n",
    "test": "def check(candidate):\n    assert candidate(3) == 1\n    assert candidate(-3) == -2\n",
    "entry_point": "half",
}
MBPP: dict[str, Any] = {
    "task_id": 601,
    "text": "Write a function to count the vowels of a word.",
    "code": "def is_vowel(c):\n    return c in 'aeiou'\n\ndef vowels(word):\n    return sum(map(is_vowel, word))",
    "test_list": ["assert sum([vowels('ab')]) == 1", "assert vowels('') == ZERO"],
    "test_setup_code": "ZERO = 0",
    "challenge_test_list": [],
}


def test_a_problem_of_humaneval_is_its_prompt_and_a_call_of_its_check() -> None:
    """The solution that it has is not read."""
    tests = f"from solution import half\n\n{HUMANEVAL['test']}\n\ncheck(half)\n"
    assert code_problem(HUMANEVAL) == CodeProblem(HUMANEVAL["prompt"], tests, "Ours/0")


def test_a_problem_of_mbpp_says_its_functions_name() -> None:
    """Which only its tests and its solution know; nothing else of them is told."""
    text = "Write a function to count the vowels of a word.\n\nThe function's name is vowels."
    tests = "from solution import vowels\n\nZERO = 0\nassert sum([vowels('ab')]) == 1\nassert vowels('') == ZERO\n"
    assert code_problem(MBPP) == CodeProblem(text, tests, "601")


def test_the_sanitized_form_of_mbpp() -> None:
    """Other names of two fields, and no setup."""
    record = {
        "task_id": 2,
        "prompt": "Write a function to halve.",
        "test_imports": ["import math"],
        "test_list": ["assert math.isclose(half(3), 1.5)"],
    }
    found = code_problem({**record, "code": "def half(n):\n    return n / 2"})
    assert isinstance(found, CodeProblem) and found.text.endswith("name is half.")
    assert found.tests == "from solution import half\n\nimport math\nassert math.isclose(half(3), 1.5)\n"


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"question": "How many?", "answer": 3}, "it has neither 'entry_point' nor 'test_list', but question, answer"),
        ({**HUMANEVAL, "test": None}, "must be texts"),
        ({**HUMANEVAL, "entry_point": "half; import os"}, "no name of a function"),
        ({**MBPP, "test_list": "assert vowels('')"}, "must be a list of texts"),
        ({**MBPP, "test_list": ["assert len([]) == 0"]}, "calls no function"),
        ({**MBPP, "test_setup_code": 3}, "must be a text"),
        ({**MBPP, "text": " "}, "must be a text"),
    ],
)
def test_what_is_no_problem(record: dict[str, Any], says: str) -> None:
    found = code_problem(record)
    assert isinstance(found, str) and says in found


@given(
    st.dictionaries(st.sampled_from([*HUMANEVAL, *MBPP]), st.text() | st.lists(st.text()) | st.none() | st.integers())
)
def test_any_record_is_a_problem_or_none(record: dict[str, Any]) -> None:
    """Never an error, whatever a file holds."""
    assert isinstance(code_problem(record), CodeProblem | str)


def test_a_file_of_problems_is_passages_with_hidden_tests(tmp_path: Path) -> None:
    """Whole, however long; what is no problem is refused, in its place."""
    records = [HUMANEVAL, {"text": "no problem"}, {**MBPP, "text": "Count the vowels. " * 500}]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
    config = Corpus(paths=(str(tmp_path / "problems.jsonl"),), problems="code")
    first, refusal, last = read(config)
    assert isinstance(first, Document) and isinstance(refusal, DocumentRefused) and isinstance(last, Document)
    assert refusal.detail.startswith("line 2: no programming problem")
    for document, hidden in ((first, "candidate(-3)"), (last, "ZERO")):
        (passage,) = Chunker(config.chunking).passages(document)
        assert passage.reference is not None and hidden in passage.reference and hidden not in passage.text
