"""The split that a row belongs to. Law: it follows from the seed and the passage's document alone. So no document is in
two splits, whatever the format and however far the run is."""

import re
from collections.abc import Sequence

from schemas.corpus import Passage
from schemas.errors import UserError
from schemas.exports import SplitShare
from schemas.ids import content_id

TRAIN = "train"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def split_of(passage: Passage, splits: Sequence[SplitShare], *, seed: int) -> str:
    """The split of all rows made from a passage. Documents with the same text are in the same split."""
    return split_of_document(passage.provenance.document_sha256, splits, seed=seed)


def split_of_document(sha256: str, splits: Sequence[SplitShare], *, seed: int) -> str:
    """The split of all rows made from a document with this text."""
    draw = int(content_id("split", seed, sha256), 16) / 2**128
    for split in splits:
        if draw < split.share:
            return split.name
        draw -= split.share
    return TRAIN


def splits_of(words: Sequence[str]) -> tuple[SplitShare, ...]:
    """Splits as the user typed them (`test=0.1`). Raises UserError for a malformed one."""
    splits = tuple(_split(word) for word in words)
    names = [split.name for split in splits]
    if len(set(names)) < len(names):
        raise UserError(f"--split {' '.join(words)}: a split is named twice")
    if sum(split.share for split in splits) >= 1:
        raise UserError(f"--split {' '.join(words)}: the shares leave nothing for {TRAIN}")
    return splits


def is_split_name(name: str) -> bool:
    """Whether a split beside `train` may have this name."""
    return _NAME.fullmatch(name) is not None and name != TRAIN


def _split(word: str) -> SplitShare:
    name, _, share = word.partition("=")
    advice = "give a name and its share of the documents, such as test=0.1"
    try:
        value = float(share)
    except ValueError:
        raise UserError(f"--split {word}: {advice}") from None
    if not is_split_name(name):
        raise UserError(f"--split {word}: {advice}; everything else is {TRAIN}")
    if not 0 < value < 1:
        raise UserError(f"--split {word}: a share is above 0 and below 1")
    return SplitShare(name, value)
