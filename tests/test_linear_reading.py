"""A model's text, a corpus's or a server's can be anything of any length: no pattern costs more than its length.

Every pattern of every module is measured, with runs of what it is made of; a new one is found by itself. Measured is
growth, not time: eight times the text may take some twenty times as long on a busy machine, a quadratic pattern takes
sixty-four times.
"""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from actors.gates import equivalence
from actors.text import final_answer as final
from tests import patterns
from tests.patterns import Made, alphabet, words
from tests.test_architecture import files, none_of

OF_ANSWERS = ("actors.text.final_answer", "actors.gates.")
"""Modules that read answers: their patterns are led through everything that an answer may hold besides."""
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
SHORT, LONGER, TIMES, MOST_TIMES, TRIES = 500, 2_000, 8, 30, 3
NOISE_S = 0.002
"""Below it a measurement says nothing."""
NO_FINDING_S = MOST_TIMES * NOISE_S / TIMES
"""A long text that takes less is no finding, whatever the short one takes."""
EXAMPLES: dict[str, list[tuple[str, str]]] = {
    "actors.gates.code": [("search", r"(?<!\w)largest_gap(?!\w)")],
    "actors.ledger.files": [("fullmatch", r"\.part\-00007\.parquet(?:\.(\d+))?\.writing")],
    "actors.ledger.layout": [("fullmatch", r"[0-9a-f]{12}")],
    "actors.gates.splitting": [("finditer", r"[(\[{⦃⌊⌈)\]}⦄⌋⌉]|(?P<separator> ?, ?and |, ?)")],
    "actors.text.words": [],
    "deployments.engines.chat": [("search", r"\bsystem\b")],
    "deployments.engines.http_errors": [],
    "deployments.ray.launch": [("fullmatch", r"(?:.*-)?run\-876673b39d27-([0-9a-f]{10})-.+")],
}
"""Modules that put a pattern together in a function: what it comes to and how it is used, where no module keeps it."""


class Used(Struct, frozen=True):
    """A pattern, and the methods that the product calls on it; none where nobody can say."""

    pattern: re.Pattern[Any]
    ways: frozenset[str] = frozenset()

    def through(self, text: str) -> None:
        """Reads the text as the product would: from its beginning alone, or searched from its beginning to its end."""
        given: Any = text.encode() if isinstance(self.pattern.pattern, bytes) else text
        if not self.ways or "fullmatch" in self.ways:
            self.pattern.fullmatch(given)
        if not self.ways or "match" in self.ways:
            self.pattern.match(given)
        if not self.ways or self.ways - {"match", "fullmatch"}:
            for _ in self.pattern.finditer(given):
                pass


def of_the_product() -> dict[str, Used]:
    """Every pattern, by where it stands."""
    known = patterns.ways()
    found: dict[str, Used] = {}
    for name, pattern in patterns.kept():
        used = Used(pattern, known.get(name, frozenset()))
        if used not in found.values():  # YAML's tables have one pattern under many letters
            found[name] = used
    for path in patterns.modules_with_patterns():
        for made in patterns.made_in_functions(path):
            if made.literal is not None:
                found[f"{made.module}:{made.line}"] = Used(re.compile(made.literal), frozenset({made.way}))
    for path in files(*patterns.PRODUCT):
        found |= {name: Used(re.compile(each), frozenset({"search"})) for name, each in patterns.in_types(path)}
    for module, examples in EXAMPLES.items():
        for way, example in examples:
            found[f"{module}({example})"] = Used(re.compile(example, re.DOTALL), frozenset({way}))
    return found


PATTERNS = of_the_product()


def spent_s(act: Callable[[str], object], text: str, *, enough_s: float) -> float:
    """Processor time, the least of three runs; one run is enough if it takes less than that."""
    spent = []
    for _ in range(3):
        began = time.process_time()
        act(text)
        spent.append(time.process_time() - began)
        if spent[-1] < enough_s:
            break
    return min(spent)


def grows_with_its_text(
    act: Callable[[str], object],
    pieces: Sequence[str] = PIECES,
    *,
    length: int,
    beginnings: tuple[str, ...] = ("",),
    tries: int = TRIES,
) -> list[str]:
    """Texts at which eight times the length costs much more than eight times the time, in each try."""
    slow = []
    for beginning in beginnings:
        for piece in pieces:
            for end in ENDS:
                short, long = (beginning + piece * (whole // len(piece)) + end for whole in (length, length * TIMES))
                if all(costs_much_more(act, short, long) for _ in range(tries)):
                    slow.append(f"{beginning!r} {piece!r} {end!r}")
    return slow


def costs_much_more(act: Callable[[str], object], short: str, long: str) -> bool:
    """Whether the long text costs much more than its length says, as measured this time."""
    after = spent_s(act, long, enough_s=NO_FINDING_S)
    return after >= NO_FINDING_S and after > MOST_TIMES * max(spent_s(act, short, enough_s=NOISE_S), NOISE_S / TIMES)


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_is_linear(name: str) -> None:
    """Each pattern, as it is used, led through runs of all that it is made of."""
    used = PATTERNS[name]
    assert grows_with_its_text(used.through, [*alphabet(used.pattern), *words(used.pattern)], length=LONGER) == []
    if name.startswith(OF_ANSWERS):
        assert grows_with_its_text(used.through, length=SHORT) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_is_linear_in_pairs(name: str) -> None:
    """Runs of two of its letters, and a run behind a beginning that it knows."""
    used = PATTERNS[name]
    letters, begins = alphabet(used.pattern), tuple(words(used.pattern))
    pairs = [one + other for one in letters for other in letters if one != other]
    assert grows_with_its_text(used.through, pairs, length=SHORT) == []
    assert grows_with_its_text(used.through, letters, length=SHORT, beginnings=(*begins, *letters)) == []


@pytest.mark.slow
def test_finding_the_final_answer_is_linear() -> None:
    """Of a solution and of a reference, which is not bounded by what the verifier compares."""
    assert grows_with_its_text(final.reference_answer, length=2_000, beginnings=BEGINNINGS) == []


@pytest.mark.slow
def test_reading_an_answer_is_linear() -> None:
    """Up to the longest answer that a configuration may let through."""
    said = grows_with_its_text(lambda text: equivalence.by_reading("7 apples", text), length=100, beginnings=("", "5 "))
    assert said == []
    asked = grows_with_its_text(lambda text: equivalence.by_reading(text, "7"), length=100, beginnings=("", "5 "))
    assert asked == []


def test_no_pattern_is_hidden_in_a_function() -> None:
    """One that a function puts together is measured by an example of it, or where a module keeps it."""
    paths = patterns.modules_with_patterns()
    made = [each for path in paths for each in patterns.made_in_functions(path) if each.literal is None]
    none_of([f"{each.module}:{each.line}: no example in EXAMPLES" for each in made if each.module not in EXAMPLES])
    assert EXAMPLES.keys() == {each.module for each in made}


def test_the_table_finds_what_it_is_there_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns of a module, a table, a function and a type, and how they are used; a quadratic one is told as such."""
    chunker = {name for name in PATTERNS if name.startswith("actors.corpus.chunker.")}
    assert len(chunker) == 5 and not any(PATTERNS[name].ways for name in chunker)
    assert PATTERNS["actors.tasks.remarks._OFFER"].ways == {"match"}
    assert PATTERNS["schemas.config_base:23"].pattern.search("generator") and len(PATTERNS) > 140
    monkeypatch.setattr("tests.test_architecture.ROOT", tmp_path)
    source = tmp_path / "harmful.py"
    source.write_text('import re\ndef f(x):\n    re.match("a+", x)\n    return re.compile(x)\nA = Meta(pattern="b")\n')
    made = [Made("harmful", 3, "match", "a+"), Made("harmful", 4, "compile", None)]
    assert list(patterns.made_in_functions(source)) == made
    assert list(patterns.in_types(source)) == [("harmful:5", "b")]
    for slow, piece, length in ((r"\s+$", " ", SHORT), (r"(\w+)-(\w+)", "a", SHORT), (r"x[^y]*y", "x", LONGER)):
        pattern = re.compile(slow)
        assert piece in alphabet(pattern)
        assert grows_with_its_text(Used(pattern).through, [piece], length=length, tries=1), slow
