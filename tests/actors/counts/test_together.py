"""Several shards' figures together: each field says at its own place what they are."""

from typing import Annotated

import pytest
from msgspec import Struct

from actors.counts.together import joins, together
from schemas.measures import Together, Total
from schemas.progress import RunSnapshot


class Pool(Struct, frozen=True):
    """A row: `name` is its key."""

    name: str
    calls: Total
    slowest_s: Annotated[float, Together.LARGEST]


class Told(Struct, frozen=True):
    """What one shard tells."""

    pools: tuple[Pool, ...] = ()
    began_at: Annotated[float | None, Together.SMALLEST] = None
    over: Annotated[bool, Together.ALL] = True
    failed: Annotated[bool, Together.ANY] = False
    note: Annotated[str, Together.FIRST] = ""
    files: Annotated[dict[str, int], Together.LARGEST] = {}
    counts: Annotated[tuple[int, ...], Together.ADDED] = ()


def test_every_field_of_a_snapshot_says_what_it_is_of_several_shards() -> None:
    """A field that says nothing is refused when its type is met, in this test already: no run shows a sum of means."""
    assert joins(RunSnapshot)


def test_each_field_is_joined_as_it_says() -> None:
    """Two shards, of which the second knows when the run began."""
    one = Told((Pool("a", 2, 3.0), Pool("b", 1, 1.0)), note="first", files={".md": 2}, counts=(1, 2))
    other = Told((Pool("c", 5, 9.0), Pool("a", 3, 1.0)), 7.0, False, True, "second", {".csv": 1, ".pdf": 2}, (3, 4))
    assert together([one, other]) == Told(
        (Pool("a", 5, 3.0), Pool("b", 1, 1.0), Pool("c", 5, 9.0)), 7.0, False, True, "first", other.files, (4, 6)
    )


def test_one_shard_alone_is_the_run() -> None:
    """Nothing is copied or computed again."""
    told = Told()
    assert together([told]) is told


class Mean(Struct, frozen=True):
    """Nobody has said how it is joined."""

    mean_s: float


class Means(Struct, frozen=True):
    """Two rows with the same keys could not be told apart."""

    rows: tuple[Mean, ...] = ()


@pytest.mark.parametrize(("kind", "words"), [(Mean, r"Mean\.mean_s: say"), (Means, r"Mean\.mean_s: say")])
def test_a_number_that_says_nothing_is_not_added(kind: type[Struct], words: str) -> None:
    """A mean that is added looks like a figure: two shards would show twice the mean, and nobody would see."""
    with pytest.raises(TypeError, match=words):
        joins(kind)


class Keyless(Struct, frozen=True):
    """Rows without a key."""

    calls: Total


class KeylessTable(Struct, frozen=True):
    """A table of them."""

    rows: tuple[Keyless, ...] = ()


def test_rows_need_a_key() -> None:
    """Otherwise all rows would be one."""
    with pytest.raises(TypeError, match=r"KeylessTable\.rows: its rows have no key"):
        joins(KeylessTable)
