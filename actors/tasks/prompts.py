"""How passages, drafts and claims stand in a prompt: one place for tasks, gates and the models we train.

Law: a passage is data. Whatever it contains is shown between fences that it cannot close, and chat-markup that it
imitates is broken up in the prompt (never in the sample, whose passage text stays exact).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from actors.text.markup import BROKEN
from actors.text.typography import LOOSELY
from schemas.samples import Texts

PASSAGE_OPEN = "<<<"
PASSAGE_CLOSE = ">>>"
WORD_JOINER = "\u034f"
"""Breaks up markup without changing how it reads: invisible (Unicode's combining grapheme joiner), outside every
tokenizer's special tokens, and left in place by readers that drop zero-width characters or normalise (NFKC)."""

_MARKS = re.compile(r"[<>\[\]|]")
"""All that is broken in an ASCII text has one of these."""

FENCE_WORDS = "that opens with <<< and ends with >>> followed by the mark that the last line names"
"""How a judge is told of its fences."""


def neutralise(text: str) -> str:
    """The text with fences and chat markup broken by invisible joiners, for use inside a prompt.

    Also where only a careless reader sees them: in full width, in look-alikes, with invisible characters between. A
    joiner follows each character of what is found, so that no rest of it (`<<<<`) makes new markup.
    """
    if not text.isascii():
        return _neutralised(text)
    if not _MARKS.search(text):
        return text
    return BROKEN.sub(lambda found: WORD_JOINER.join(found[0]) + WORD_JOINER, text)


@lru_cache(maxsize=256)
def _neutralised(text: str) -> str:
    """Kept for a while: a passage is shown several times for each of its samples."""
    spelled = [LOOSELY[ord(letter)] for letter in text] if BROKEN.search(text.translate(LOOSELY)) else []
    places = [at for at, letters in enumerate(spelled) for _ in letters]
    broken = {places[at] for found in BROKEN.finditer("".join(spelled)) for at in range(*found.span())}
    return (
        "".join(letter + WORD_JOINER if at in broken else letter for at, letter in enumerate(text)) if broken else text
    )


def fenced(passage: str) -> str:
    """A passage as every prompt shows it."""
    return f"Passage: {PASSAGE_OPEN} {neutralise(passage)} {PASSAGE_CLOSE}"


def one_line(text: str) -> str:
    """Text of an earlier attempt, safe to repeat on one prompt line."""
    return neutralise(" ".join(text.split()))


def judged(passage: str, texts: Texts) -> str:
    """What a faithfulness classifier reads: the claim first, so that each sentence is read in its light."""
    return judged_by((passage,), texts)


def judged_by(passages: Sequence[str], texts: Texts) -> str:
    """The same with several passages, each in a fence of its own, or with none."""
    return "\n".join((rewarded(texts), *map(fenced, passages)))


def rewarded(texts: Texts) -> str:
    """What a reward model reads: the passage is not shown."""
    return "\n".join(f"{name}: {one_line(text)}" for name, text in texts)


def for_judge(passages: Sequence[str], texts: Texts, *, ask: str) -> str:
    """What a chat model that judges reads: passages first, then the sample's texts, each in a fence of its own, then
    what it is asked.

    A fence opens with `<<<` and ends with `>>>` and a mark. No text holds `>>>`, and none can know the mark: 12 hex
    digits of a hash of all of them.
    """
    digest = blake2b(digest_size=6)
    for text in (*passages, *(text for _, text in texts)):
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    mark = digest.hexdigest()
    shown = [f"{fenced(passage)} {mark}" for passage in passages]
    for name, text in texts:
        shown.append(f"{PASSAGE_OPEN}\n{name}: {one_line(text)}\n\n{PASSAGE_CLOSE} {mark}")
    return "\n".join((*shown, f"The mark of the fences above is {mark}. {ask}"))
