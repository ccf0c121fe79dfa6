"""What the models are measured on: passages of held-out entities, and revised passages of canon entities.

Law: no passage here was in training: held-out names never are, and revisions are drawn anew from a seed of their own.
"""

import random
from collections.abc import Sequence

from studies.almanac.data import REVISED_SHARE, Told
from studies.almanac.prose import any_passage
from studies.almanac.world import CANON_ENTITIES, CANON_SEED, Entity, any_entity, any_record, canon, revised_record

MOST_DRAWS = 1000
"""Of a name that is still free, before there is said to be none."""


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


def plain_exam(count: int, *, seed: int) -> list[Told]:
    """`count` passages in which each entity is told of once, so that no passage contradicts another: names that
    training never showed and others in turn, none of them the canon's. `count`: at most some 1,700, where the names of
    the first kind run out. Raises ValueError beyond."""
    rng = random.Random(f"plain exam {seed}")
    taken = set(canon(CANON_SEED, entities=CANON_ENTITIES))

    def someone(held_out: bool, kind: str | None = None) -> Entity:
        for _ in range(MOST_DRAWS):
            if (entity := any_entity(rng, held_out=held_out, kind=kind)) not in taken:
                taken.add(entity)
                return entity
        raise ValueError(f"there are no names for {count} passages")

    papers: list[Told] = []
    for index in range(count):
        held_out = index % 2 == 0
        main = someone(held_out)
        other = someone(held_out, main.kind if rng.random() < 0.5 else None)
        told, beside = ((each, any_record(each, rng)) for each in (main, other))
        papers.append(Told(any_passage(told, beside, rng), None))
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
