"""What no passage may cross: sections, blocks, sentences."""

import time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.corpus.chunker import Chunker
from actors.corpus.parts import By, parts
from schemas.config import Chunking
from schemas.corpus import Document, Form
from schemas.ids import DocumentId

PAGE = """\
Before.

# One

Text. More text! "Even" more? e.g. this. 3.5 km.

```
# no heading

code
```

| a | b |
| --- | --- |
| 1 | 2 |

## Two
Last.
"""


def cut(text: str, by: By, form: Form = "markdown") -> list[str]:
    return [stripped for start, end in parts(text, by, form) if (stripped := text[start:end].strip())]


def test_headings() -> None:
    """A heading goes with what is below it; a `#` in code is none."""
    assert [section.split("\n")[0] for section in cut(PAGE, "headings")] == ["Before.", "# One", "## Two"]
    assert cut(PAGE, "headings", "plain") == [PAGE.strip()]


def test_blocks() -> None:
    """Code and tables are whole."""
    assert [block.split("\n")[0] for block in cut(PAGE, "blocks")] == [
        "Before.", "# One", "Text. More text! \"Even\" more? e.g. this. 3.5 km.", "```", "| a | b |", "## Two",
    ]  # fmt: skip
    assert cut(PAGE, "blocks")[3].endswith("code\n```")


def test_sentences() -> None:
    """Numbers and abbreviations before a small letter end none."""
    assert cut(PAGE, "sentences")[2:6] == ["Text.", "More text!", '"Even" more? e.g. this.', "3.5 km."]
    assert cut("一。二！三", "sentences", "plain") == ["一。", "二！", "三"]


def test_much_white_space_costs_no_more_than_other_text() -> None:
    """The text of a page that was laid out with spaces and empty lines: it was read again from each of its spaces."""
    began = time.process_time()
    gap = "\n" * 200_000 + " " * 200_000
    assert cut(f"One.{gap}\vTwo.", "blocks", "plain") == ["One.", "Two."]
    assert time.process_time() - began < 0.2


pieces = st.lists(
    st.sampled_from(["# a", "\n", "\n\n", "```", "~~~~", "a. B", " ", "| x |", "。", "\r\n", "x" * 9])
).map("".join)


@given(pieces, st.sampled_from(get_args(By)), st.sampled_from(["plain", "markdown"]))
def test_they_cover_the_text(text: str, by: By, form: Form) -> None:
    """Whatever stands in it: no character is lost or read twice."""
    assert "".join(text[start:end] for start, end in parts(text, by, form)) == text


@pytest.mark.parametrize("by", get_args(By))
def test_passages_keep_to_them(by: By) -> None:
    """Each passage is a slice, within one part, and none is over the limit."""
    text = PAGE * 3
    document = Document(DocumentId("d"), "d.md", "0", text)
    bounds = list(parts(text, by, "markdown"))
    for passage in Chunker(Chunking(max_tokens=12, by=by)).passages(document):
        where = passage.provenance
        assert passage.text == text[where.start : where.end]
        assert any(start <= where.start and where.end <= end for start, end in bounds)
    assert Chunker(Chunking(by=by)).version.endswith(f"-256-{by}")
