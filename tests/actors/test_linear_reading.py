"""A model's text, or a corpus's, can be anything of any length: reading an answer costs no more than its length.

Measured is growth, not time: eight times the text may take some twenty times as long on a busy machine, a quadratic
pattern takes sixty-four times.
"""

import re
import time
from collections.abc import Callable

import pytest

from actors import final_answer as final
from actors.gates import answers, equivalence, expressions, numerals, quantities, splitting, tokens, typography, units

MODULES = (final, answers, equivalence, expressions, numerals, quantities, splitting, tokens, typography, units)
RUNS = r"""
1 0. a ( ) { } [ \ \\ * ** _ $ $a . ! , 1, ,000 1' 1_ / 1/ - : ^ ^2 ° | # #### \boxed{ \text{ \color{ \frac \frac1 \sqrt
\left \begin{matrix} & ⏎ Answer Answer: A: <answer> </answer> '" "* x= x< ∪ ² ½ ५ 1.5e3 0.\overline{3} % pi
"""
SPACED = [
    " ",
    "\t",
    "\n",
    "a ",
    "$ ",
    "1 ",
    " 000",
    "#### ",
    "\\boxed 1",
    "\\sin ",
    " and ",
    " or ",
    "answer is ",
    "A: ",
]
PIECES = [*RUNS.split(), *SPACED, "answer is\t", "ft ", "per ", "square ", "percent ", "the "]
ENDS = ["", "!"]
BEGINNINGS = ("", "The answer is ", "\\boxed{")
SHORT, TIMES, MOST_TIMES = 500, 8, 30
NOISE_S = 0.002
"""Below it a measurement says nothing."""
PATTERNS = {
    f"{module.__name__}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern)
}


def spent_s(act: Callable[[str], object], text: str) -> float:
    """Processor time, the least of three runs."""
    spent = []
    for _ in range(3):
        began = time.process_time()
        act(text)
        spent.append(time.process_time() - began)
        if spent[-1] < NOISE_S:
            break
    return min(spent)


def grows_with_its_text(act: Callable[[str], object], *, length: int, beginnings: tuple[str, ...] = ("",)) -> list[str]:
    """Texts at which eight times the length costs much more than eight times the time."""
    slow = []
    for beginning in beginnings:
        for piece in PIECES:
            for end in ENDS:
                long = beginning + piece * (length * TIMES // len(piece)) + end
                after = spent_s(act, long)
                if after < NOISE_S:
                    continue
                before = spent_s(act, beginning + piece * (length // len(piece)) + end)
                if after > MOST_TIMES * max(before, NOISE_S / TIMES):
                    slow.append(f"{beginning!r} {piece!r} {end!r}: {before:.4f} s, {after:.4f} s")
    return slow


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_is_linear(name: str) -> None:
    """Each compiled pattern, searched and matched through runs of everything that it may begin with."""
    pattern = PATTERNS[name]

    def act(text: str) -> None:
        for _ in pattern.finditer(text):
            pass
        pattern.fullmatch(text)

    assert grows_with_its_text(act, length=SHORT) == []


@pytest.mark.slow
def test_finding_the_final_answer_is_linear() -> None:
    """Of a solution and of a reference, which is not bounded by what the verifier compares."""
    assert grows_with_its_text(final.reference_answer, length=2_000, beginnings=BEGINNINGS) == []


@pytest.mark.slow
def test_reading_an_answer_is_linear() -> None:
    """Up to the longest answer that a configuration may let through."""
    assert (
        grows_with_its_text(lambda text: equivalence.by_reading("7 apples", text), length=100, beginnings=("", "5 "))
        == []
    )
    assert grows_with_its_text(lambda text: equivalence.by_reading(text, "7"), length=100, beginnings=("", "5 ")) == []


def test_the_patterns_are_those_of_the_modules() -> None:
    """A pattern that is added is measured too."""
    assert len(PATTERNS) >= 45
