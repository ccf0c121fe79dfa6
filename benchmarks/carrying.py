"""What it costs that a quote must carry its claim: `python -m benchmarks.carrying`.

True claims of the almanac, each with the sentence that states it, in the wordings that judges use: how many does the
rule lose? False ones, with the sentence that a wrong judge would take: how many does it refuse without a model? Law:
the rule is the product's own; what is true is the world's word.
"""

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator

from actors.gates.carrying import carries
from actors.gates.quotes import locate
from schemas.samples import qa
from studies.almanac.claims import Claim, Reading, any_claim
from studies.almanac.exam import exam
from studies.almanac.phrases import ATTRIBUTES

PAPERS, SEED = 3000, 3
_NAME = re.compile(r"(?:the )?[A-Z][a-z]+ [A-Z][a-z]+")


def main() -> None:
    """Prints, wording by wording, how many claims there were and how many were not carried."""
    rng = random.Random(SEED)
    judged: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for told in exam(PAPERS, seed=SEED):
        claim = any_claim(told, rng)
        draft = qa(claim.question, claim.answer)
        for sentence in _taken(claim):
            for wording, said in _wordings(claim, sentence, rng):
                kind = f"{'true' if claim.faithful else 'false'}, {wording}"
                quote = locate(sentence, told.passage.text)
                judged[kind] += 1
                refused[kind] += quote is None or not carries(quote, said, draft, told.passage.text)
    for kind, count in sorted(judged.items(), reverse=True):
        sys.stdout.write(f"{kind:<44} {count:>6,} claims, {refused[kind] / count:6.2%} not carried\n")


def _taken(claim: Claim) -> Iterator[str]:
    """The sentences that state a true claim, or that a judge takes for a false one's: they hold its value, or the
    right value."""
    for sentence, hint in zip(claim.told.passage.sentences, claim.hints, strict=False):
        wrongly = hint.reading is Reading.CONTRADICTS or hint.same_value
        if hint.reading is Reading.SUPPORTS if claim.faithful else wrongly:
            yield sentence.text


def _wordings(claim: Claim, sentence: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    if claim.faithful:
        yield "as the passage has it", sentence
    yield "the answer alone", claim.answer
    yield "question and answer", f"{claim.question} {claim.answer}"
    named = _NAME.search(claim.question)
    if named is not None:
        template = rng.choice(ATTRIBUTES[claim.asked].sentences)
        said = re.sub(r"\{[Pp]\}", f"{named[0]}'s", re.sub(r"\{[Ss]\}", named[0], template))
        yield "in another sentence of the attribute", said.replace("{v}", claim.answer)


if __name__ == "__main__":
    main()
