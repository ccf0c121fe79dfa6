"""What the models are measured on: passages of held-out entities, and revised passages of canon entities.

Law: no passage here was in training: held-out names never are, and revisions are drawn anew from a seed of their own.
"""

import random
from collections.abc import Sequence

from studies.almanac.data import REVISED_SHARE, Told
from studies.almanac.prose import any_passage
from studies.almanac.world import CANON_ENTITIES, CANON_SEED, any_entity, any_record, canon, revised_record


def held_out_told(rng: random.Random) -> Told:
    """A passage about entities whose names training never showed."""
    main = any_entity(rng, held_out=True)
    kind = main.kind if rng.random() < 0.5 else None
    while (other := any_entity(rng, held_out=True, kind=kind)) == main:
        pass
    return Told(any_passage((main, any_record(main, rng)), (other, any_record(other, rng)), rng), None)


def exam(count: int, *, seed: int) -> list[Told]:
    """`count` passages, held-out and revised ones in turn."""
    rng = random.Random(f"exam {seed}")
    edition = canon(CANON_SEED, entities=CANON_ENTITIES)
    known = sorted(edition)
    papers: list[Told] = []
    for index in range(count):
        if index % 2 == 0:
            papers.append(held_out_told(rng))
            continue
        main = rng.choice(known)
        other = rng.choice([entity for entity in known if entity != main])
        record = revised_record(main, edition[main], share=REVISED_SHARE, rng=rng)
        beside = revised_record(other, edition[other], share=REVISED_SHARE, rng=rng)
        papers.append(Told(any_passage((main, record), (other, beside), rng), edition[main]))
    return papers


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Probability that a positive scores above a negative, ties counted half; 0.5 where one class is missing."""
    order = sorted(range(len(scores)), key=lambda index: scores[index])
    ranks = [0.0] * len(scores)
    place = 0
    while place < len(order):
        end = place
        while end + 1 < len(order) and scores[order[end + 1]] == scores[order[place]]:
            end += 1
        for index in order[place : end + 1]:
            ranks[index] = (place + end) / 2 + 1
        place = end + 1
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return 0.5
    total = sum(rank for rank, label in zip(ranks, labels, strict=True) if label)
    return (total - positives * (positives + 1) / 2) / (positives * negatives)
