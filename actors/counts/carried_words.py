"""What passages gave that get orders until they are dry, in words: for the terminal and the report."""

from collections import Counter

from msgspec import UnsetType

from schemas.progress import Carried

SHOWN = 9
"""So many samples or more are one number."""


def carried_words(carried: Carried | UnsetType) -> tuple[tuple[str, str], ...]:
    """Lines with what each is about; none for a run whose passages have a fixed number of orders."""
    if isinstance(carried, UnsetType):
        return ()
    dry, capped = sum(carried.dry.values()), sum(carried.capped.values())
    why = [f"{dry:,} dry"]
    why += [f"{capped:,} still gave at their last order (at_most)"] if capped else []
    why += [f"{carried.going:,} not known yet"] if carried.going else []
    found: Counter[int] = Counter()
    for samples, passages in (*carried.dry.items(), *carried.capped.items()):
        found[min(samples, SHOWN)] += passages
    each = [f"{passages:,} × {samples}{'+' * (samples == SHOWN)}" for samples, passages in sorted(found.items())]
    return ("passages", ", ".join(why)), ("they gave", f"{' · '.join(each) or 'nothing yet'} (passages × samples)")
