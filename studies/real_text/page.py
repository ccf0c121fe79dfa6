"""Writes what the study found into its page, between two marks: `python -m studies.real_text.page RESULTS PAGE`.

Law: every figure and every verdict word of that part comes from the results file.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import msgspec

from studies.real_text.results import Claim, Figure, Results
from studies.real_text.results_file import interval

BEGIN, END = "<!-- results: written by studies.real_text.page -->", "<!-- end of results -->"
RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).parents[2] / "docs" / "studies" / "real-text.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS)
    parser.add_argument("page", type=Path, nargs="?", default=PAGE)
    given = parser.parse_args()
    results = msgspec.json.decode(given.results.read_bytes(), type=Results)
    given.page.write_text(written(given.page.read_text(encoding="utf-8"), results), encoding="utf-8")


def written(page: str, results: Results) -> str:
    """The page with that part anew. Raises ValueError where a mark is missing."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return before + "\n".join((BEGIN, *_part(results), END)) + after


def _part(results: Results) -> Iterator[str]:
    yield "| set | form | shown | judged | tokens an answer | AUROC | F1 | F1 of rejecting all |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    yield from map(_figure, results.figures)
    yield ""
    counts = {word: sum(claim.verdict == word for claim in results.claims) for word in _words(results)}
    yield f"Of {len(results.claims)} comparisons: {', '.join(f'{count} {word}' for word, count in counts.items())}."
    yield ""
    yield "| claim | set | what | value | verdict |"
    yield "| --- | --- | --- | --- | --- |"
    yield from map(_claim, results.claims)
    for name in results.missing:
        yield f"\n{name} was not there."


def _words(results: Results) -> list[str]:
    return sorted({claim.verdict for claim in results.claims})


def _figure(figure: Figure) -> str:
    found = figure.measured
    cells = (
        figure.set,
        f"`{figure.form}`",
        f"`{figure.shown}`",
        f"{found.judged} of {found.rows}",
        f"{figure.tokens:.0f}",
        interval(found.auroc),
        interval(found.f1),
        interval(found.f1_of_rejecting_all),
    )
    return f"| {' | '.join(cells)} |"


def _claim(claim: Claim) -> str:
    return f"| {claim.number} | {claim.set} | {claim.what} | {interval(claim.estimate)} | **{claim.verdict}** |"


if __name__ == "__main__":
    main()
