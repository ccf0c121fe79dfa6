"""Several shards' figures together: only what somebody has said to be a sum is added up."""

import msgspec
import pytest
from msgspec import Struct, inspect

from actors.counts.sums import EITHER, SUMS, _structs
from schemas.gate_audit import Rate
from schemas.progress import RunSnapshot

NAMED = {"at", "oldest_s", "corpus_ended", "worked_s", "evidence"}
"""Numbers that are no sum and that `whole`, `total` or a case of their own takes care of."""


def structs(kind: inspect.Type, found: dict[type, inspect.StructType]) -> dict[type, inspect.StructType]:
    """Every struct in a type."""
    match kind:
        case inspect.StructType() if kind.cls not in found:
            found[kind.cls] = kind
            for field in kind.fields:
                structs(field.type, found)
        case inspect.UnionType():
            for each in kind.types:
                structs(each, found)
        case inspect.VarTupleType():
            structs(kind.item_type, found)
        case inspect.DictType():
            structs(kind.value_type, found)
        case _:
            pass
    return found


def test_every_number_of_a_snapshot_is_said_to_be_a_sum_or_not() -> None:
    """A mean is added to the summary: two shards would show twice the mean, and nobody would see."""
    unsaid = [
        f"{kind.__name__}.{field.name}"
        for kind, struct in structs(inspect.type_info(RunSnapshot), {}).items()
        if kind is not Rate
        for field in struct.fields
        if isinstance(field.type, inspect.IntType | inspect.FloatType | inspect.BoolType)
        and field.name not in (*SUMS.get(kind, ()), *EITHER.get(kind, ()), *NAMED)
    ]
    assert unsaid == []


def test_a_number_that_nobody_spoke_of_is_not_added() -> None:
    """The same by what happens: it raises, and names the field."""
    mean = msgspec.defstruct("Mean", [("mean_s", float)], frozen=True)
    with pytest.raises(TypeError, match=r"Mean\.mean_s"):
        _structs(mean(1.0), mean(2.0))


def test_what_is_named_exists() -> None:
    """A field that was renamed is renamed here."""
    for kind, names in [*SUMS.items(), *EITHER.items()]:
        assert issubclass(kind, Struct) and set(names) <= set(kind.__struct_fields__)
