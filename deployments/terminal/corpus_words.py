"""What of a corpus was not used, in words: the same in a preview, at a run's end and in its status."""

from collections.abc import Iterator, Mapping, Sequence

from deployments.terminal.words import plural, printable
from schemas.progress import RefusalCount

_SUFFIXES = 6
_DETAIL_CHARACTERS = 160


def unusable(refusals: Sequence[RefusalCount]) -> Iterator[str]:
    """For each reason, most frequent first: how many documents, and the first of them with what is wrong."""
    for each in sorted(refusals, key=lambda count: -count.documents):
        detail = each.detail if len(each.detail) <= _DETAIL_CHARACTERS else each.detail[: _DETAIL_CHARACTERS - 1] + "…"
        first = "" if each.documents == 1 else "first "
        yield printable(f"{each.reason.value} {each.documents:,} ({first}{each.uri}: {detail})")


def skipped_words(files: Mapping[str, int]) -> str:
    """How many files of which suffixes, most frequent first."""
    suffixes = sorted(files.items(), key=lambda item: -item[1])
    named = ", ".join(f"{count:,} {suffix}" for suffix, count in suffixes[:_SUFFIXES])
    others = sum(count for _, count in suffixes[_SUFFIXES:])
    more = f" and {plural(others, 'other')}" if others else ""
    return printable(f"not read (corpus.include, or of no format that is known): {named}{more}")
