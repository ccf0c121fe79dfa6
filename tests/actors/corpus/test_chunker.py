"""Passages are exact slices of their document, whatever the text."""

import time
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from actors.corpus.chunker import Chunker
from actors.corpus.tokens import count_words
from schemas.config import Chunking
from schemas.corpus import Document, Passage
from schemas.errors import ModelError
from schemas.ids import DocumentId

SMALL = Chunker(Chunking(max_tokens=8))


def document(text: str, uri: str = "a.txt") -> Document:
    return Document(id=DocumentId(uri), uri=uri, sha256=sha256(text.encode()).hexdigest(), text=text)


def spans(passages: list[Passage]) -> list[tuple[int, int]]:
    return [(passage.provenance.start, passage.provenance.end) for passage in passages]


PIECES = st.sampled_from(
    [
        "# Head\n\n",
        "## Sub\n",
        "- item\n",
        "```\ncode\n```\n",
        "Dr. No said. ",
        "word ",
        "\r\n",
        "\n\n",
        "\t",
        "👩‍👩‍👧‍👦",
        "e\u0301",
        "漢字。",
        "\x1c",
        "\x85",
        "\u200b",
        "| a | b |\n",
    ]
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    st.lists(st.one_of(PIECES, st.text(st.characters(exclude_categories=["Cs"]), max_size=5)), max_size=120).map(
        "".join
    ),
)


@given(text=TEXTS, uri=st.sampled_from(["a.txt", "a.md", "a.markdown.gz#record=1"]))
@settings(max_examples=300, deadline=None)
def test_spans_are_exact(text: str, uri: str) -> None:
    """Any text at all: each passage is the slice it names, in order and apart, within the limit, nothing lost."""
    passages = list(SMALL.passages(document(text, uri)))
    covered = spans(passages)
    assert all(passage.text == text[start:end] for passage, (start, end) in zip(passages, covered, strict=True))
    assert all(passage.text == passage.text.strip() != "" for passage in passages)
    assert all(before[1] <= after[0] for before, after in pairwise(covered))
    assert all(count_words(passage.text) <= 8 for passage in passages)
    edges = [0, *(edge for span in covered for edge in span), len(text)]
    assert not "".join(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)).strip()


def test_a_document_that_fits_stays_whole() -> None:
    """Short documents are one passage, headings and all, without the white space around them."""
    text = "\n# Port\n\nThe port lies east.\n\n# Tower\n\nIt is old.\n"
    [passage] = Chunker(Chunking(max_tokens=64)).passages(document(text, "a.md"))
    assert passage.text == text.strip()
    assert (passage.provenance.start, passage.provenance.end) == (1, len(text) - 1)


def test_cut_at_headings_and_sentences() -> None:
    """Longer ones are cut where a reader would: before a heading, else between sentences."""
    text = "# Port\n\nThe port lies far east. It is old.\n\n# Tower\n\nThe tower is tall."
    chunker = Chunker(Chunking(max_tokens=14))
    assert [passage.text for passage in chunker.passages(document(text, "a.md"))] == [
        "# Port\n\nThe port lies far east. It is old.",
        "# Tower\n\nThe tower is tall.",
    ]
    assert [passage.text for passage in SMALL.passages(document("The port lies far east. It is old. It stands."))] == [
        "The port lies far east.",
        "It is old. It stands.",
    ]


def test_provenance_and_ids() -> None:
    """A passage carries where it came from and what cut it; the same document gives the same ids."""
    first, second = (list(SMALL.passages(document("One two three. " * 9))) for _ in range(2))
    assert first == second
    assert len({passage.id for passage in first}) == len(first)
    place = first[0].provenance
    assert place.chunker.startswith("semantic-text-splitter/")
    assert place.chunker.endswith("+words-8")
    assert place.document_sha256 == document("One two three. " * 9).sha256


def test_short_passages_are_left_out() -> None:
    """`min_characters` keeps page numbers and stray lines out of the run."""
    chunker = Chunker(Chunking(max_tokens=8, min_characters=10))
    assert list(chunker.passages(document("  tiny  "))) == []
    assert len(list(chunker.passages(document("large enough")))) == 1


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """A real byte-level BPE tokenizer, trained on a few sentences."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(["The port lies east of the tower. The tower is old."] * 9, trainer)
    made.enable_truncation(4)
    made.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


@pytest.mark.parametrize("where", [lambda folder: folder, lambda folder: folder / "tokenizer.json"])
def test_counted_by_the_models_tokenizer(tokenizer: Path, where: Callable[[Path], Path]) -> None:
    """With a tokenizer, passages fit the model's own count, though the file says to truncate at 4."""
    chunker = Chunker(Chunking(max_tokens=16, tokenizer=str(where(tokenizer))))
    text = "The port lies east of the tower. Ünïcödé 😀 too. " * 40
    passages = list(chunker.passages(document(text)))
    plain = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    plain.no_truncation()
    assert all(len(plain.encode(passage.text).ids) <= 16 for passage in passages)
    assert all(passage.text == text[start:end] for passage, (start, end) in zip(passages, spans(passages), strict=True))
    assert "".join(passage.text for passage in passages).replace(" ", "") == text.replace(" ", "")
    assert "+tokenizer-" in chunker.version


def test_a_wrong_tokenizer_is_the_users_mistake(tmp_path: Path) -> None:
    """A folder without one, a broken file, a path that is not there: one line each."""
    (tmp_path / "broken.json").write_text("{}")
    for name in (tmp_path, tmp_path / "broken.json", tmp_path / "gone.json"):
        with pytest.raises(ModelError, match=r"^corpus\.chunking\.tokenizer: [^\n]+$"):
            Chunker(Chunking(tokenizer=str(name)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "word " * 30_000, ". " * 30_000, "\n" * 100_000 + "x", "a\n" * 40_000, "漢字かな" * 10_000],
    ids=["one word", "no sentence", "only dots", "only lines", "tiny lines", "unspaced"],
)
def test_no_text_is_slow(text: str) -> None:
    """Texts made to hurt a splitter take time in proportion to their length, not to its square: four times the text
    takes some four times as long, and sixteen would be the square. A neighbour on the core can spoil a measure, so what
    is found once must be found three times."""
    assert any(_seconds(text * 4) < 9 * _seconds(text) for _ in range(3))
    assert all(count_words(passage.text) <= 256 for passage in Chunker(Chunking()).passages(document(text, "a.md")))


def _seconds(text: str) -> float:
    """Of this process, however busy the machine is."""
    begun = time.process_time()
    for _ in Chunker(Chunking()).passages(document(text, "a.md")):
        pass
    return time.process_time() - begun
