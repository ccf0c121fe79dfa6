"""Where a quote stands in a passage. Law: what is located is the passage's own text at its exact span, or nothing."""

import re

from actors.tasks.prompts import WORD_JOINER
from schemas.verdicts import Quote

_MARKS = "\"'“”‘’«»„` \t\n"
_RUN = "[A-Za-z0-9]"


def locate(quote: str, passage: str) -> Quote | None:
    """The first place where the quote stands in the passage; white space may differ, nothing else.

    Quotation marks around the quote are forgiven, and the joiners that a prompt puts into markup. A quote does not
    begin or end inside a word or a number ("9" is not found in "1923"). None: it is not in the passage.
    """
    bare = quote.replace(WORD_JOINER, "")
    for form in dict.fromkeys((quote, bare, bare.strip(_MARKS))):
        found = _search(form.split(), passage)
        if found is not None:
            return found
    return None


def _search(words: list[str], passage: str) -> Quote | None:
    if not words:
        return None
    before = f"(?<!{_RUN})" if re.match(_RUN, words[0]) else ""
    after = f"(?!{_RUN})" if re.match(_RUN, words[-1][-1]) else ""
    found = re.search(before + r"\s+".join(map(re.escape, words)) + after, passage)
    return None if found is None else Quote(text=found[0], start=found.start(), end=found.end())
