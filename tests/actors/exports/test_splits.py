"""Splits: no document, so no passage of one, is on two sides."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.exports.splits import TRAIN, split_of, splits_of
from schemas.corpus import Passage
from schemas.errors import UserError
from schemas.exports import SplitShare
from schemas.ids import DocumentId, content_id
from tests.doubles.passages import passage_of

SHARES = st.lists(st.floats(0.01, 0.3), max_size=3).map(
    lambda shares: tuple(SplitShare(f"part{index}", share) for index, share in enumerate(shares))
)


def passage_in(document: str, number: int, uri: str = "memory://town") -> Passage:
    """The numbered passage of a document."""
    passage = passage_of(f"{document}, part {number}.")
    where = replace(
        passage.provenance, document_sha256=content_id(document) * 2, document_id=DocumentId(document), uri=uri
    )
    return Passage.of(passage.text, where)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=20), SHARES, st.integers())
def test_a_document_is_on_one_side(documents: list[str], splits: tuple[SplitShare, ...], seed: int) -> None:
    """Whatever the corpus, the shares and the seed: passages of one document, read from wherever, fall together."""
    for document in documents:
        passages = [passage_in(document, number, uri) for number in range(4) for uri in ("a://x", "b://y")]
        assert len({split_of(passage, splits, seed=seed) for passage in passages}) == 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(min_size=1), unique=True, max_size=30), st.floats(0.05, 0.5), st.integers())
def test_another_split_takes_nothing_from_the_first(documents: list[str], share: float, seed: int) -> None:
    """A test split stays the same when a validation split is taken from what was train."""
    one, two = (SplitShare("test", share),), (SplitShare("test", share), SplitShare("validation", 0.2))
    for document in documents:
        before, after = (split_of(passage_in(document, 0), splits, seed=seed) for splits in (one, two))
        assert (before == "test") == (after == "test")


def test_shares_are_kept_and_seeds_differ() -> None:
    """Of two thousand documents a fifth, within what chance allows; another seed chooses others."""
    passages = [passage_in(str(number), 0) for number in range(2_000)]
    chosen = [
        {p.id for p in passages if split_of(p, (SplitShare("test", 0.2),), seed=seed) == "test"} for seed in (0, 1)
    ]
    assert all(330 < len(ids) < 470 for ids in chosen)
    assert 40 < len(chosen[0] & chosen[1]) < 120
    assert {split_of(passage, (), seed=0) for passage in passages} == {TRAIN}


def test_what_is_typed() -> None:
    """Names with their shares."""
    assert splits_of(["test=0.1", "validation=.05"]) == (SplitShare("test", 0.1), SplitShare("validation", 0.05))
    assert splits_of([]) == ()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["0.1"], "such as test=0.1"),
        (["test"], "such as test=0.1"),
        (["test=x"], "such as test=0.1"),
        (["test=nan"], "above 0 and below 1"),
        (["test=0"], "above 0"),
        (["test=1"], "below 1"),
        (["train=0.9"], "everything else is train"),
        (["../x=0.1"], "such as test=0.1"),
        (["a=0.1", "a=0.2"], "twice"),
        (["a=0.5", "b=0.5"], "nothing for train"),
    ],
)
def test_a_split_that_cannot_be_meant(typed: list[str], says: str) -> None:
    """Each mistake is reported in one line."""
    with pytest.raises(UserError, match=says):
        splits_of(typed)
