"""The registry of failure modes and their repairs: the table of `repairs`, the modes of a run's gates, and the
configuration's rows.

Law: a mode that a gate names is the diagnosis, and the configuration gives its repairs. A mode that is not registered
(a ledger may hold one of an earlier configuration) is repaired by a new draw.
"""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from schemas.config import Recovery
from schemas.recovery import FORM_REPAIRS, FailureMode, Modes, RepairKind, Repairs
from schemas.repairs import Found
from schemas.samples import MalformedReason
from schemas.verdicts import GateName

RepairTable = Mapping[FailureMode, Sequence[RepairKind]]
AGAIN: Sequence[RepairKind] = (Repairs.RESAMPLE,)
_CUT, _RESTATED = (Repairs.ANSWER_SHORTER,), (Repairs.RESTATE_FORM,)
REPAIRS_OF_FORM: Mapping[MalformedReason, Sequence[RepairKind]] = {
    MalformedReason.CUT_OFF: _CUT,
    MalformedReason.TOO_LONG: _CUT,
    MalformedReason.UNFINISHED_THOUGHTS: _CUT,
    MalformedReason.EMPTY: _RESTATED,
    MalformedReason.NO_LABEL: _RESTATED,
    MalformedReason.NO_QUESTION: _RESTATED,
    MalformedReason.NO_ANSWER: _RESTATED,
    MalformedReason.NO_QUOTE: _RESTATED,
    MalformedReason.TOO_FEW: (),
    MalformedReason.REPEATED: _RESTATED,
    MalformedReason.CONTROL_TEXT: _RESTATED,
    MalformedReason.BAD_JSON: (Repairs.HOLD_TO_SCHEMA, Repairs.RESTATE_FORM),
    MalformedReason.NOT_TEXT: (Repairs.HOLD_TO_SCHEMA, Repairs.RESTATE_FORM),
    MalformedReason.OFF_SCHEMA: (Repairs.HOLD_TO_SCHEMA, Repairs.RESTATE_FORM),
}
"""Repairs for each reason why a completion is malformed, the most direct first."""


class RunGates(Struct, frozen=True):
    """What recovery knows of a run's gates. `kinds`: the built-in gate that a gate is like, if it is another.
    `repairs`: for the failure modes that the gates name."""

    kinds: Mapping[GateName, GateName] = {}
    repairs: Mapping[FailureMode, RepairKind] = {}

    def kind(self, gate: GateName) -> GateName:
        """The built-in gate that this gate is like; itself when it is like none."""
        return self.kinds.get(gate, gate)


USUAL_GATES = RunGates()


class RunRepairs(Struct, frozen=True):
    """The repairs of a run. `table`: the repairs of each mode, best first. `listed`: modes whose row the configuration
    gives; no other repairs are open to them. `known`: the repairs that the task knows, None for all. `forms`: those of
    `FORM_REPAIRS` that the task knows."""

    table: RepairTable
    listed: frozenset[FailureMode] = frozenset()
    known: frozenset[RepairKind] | None = None
    forms: frozenset[RepairKind] = frozenset()

    def of(self, mode: FailureMode, found: Found = None) -> Sequence[RepairKind]:
        """A mode's repairs, best first. For a malformed completion, repairs for its reason come before the table's."""
        row = self.table.get(mode, AGAIN)
        if mode != Modes.MALFORMED or mode in self.listed or not isinstance(found, MalformedReason):
            return row
        return (*(kind for kind in REPAIRS_OF_FORM[found] if kind in self.forms), *row)

    def knowing(self, known: Collection[RepairKind], forms: Collection[RepairKind] = ()) -> "RunRepairs":
        """The same repairs for a task that knows only these. An empty `known` stands for all but form repairs."""
        return replace(self, known=frozenset(known) if known else None, forms=frozenset(forms))

    def is_known(self, kind: RepairKind) -> bool:
        """Whether the task knows the repair. Every task knows a new draw, in the same or a stronger pool."""
        if kind in FORM_REPAIRS:
            return kind in self.forms
        return self.known is None or kind in self.known or kind in (Repairs.RESAMPLE, Repairs.ESCALATE)


def registered(known: RepairTable, gates: RunGates, config: Recovery) -> RunRepairs:
    """The table with the modes that gates name: a new mode has only their repair; a known mode has it before its
    others. A row of the configuration replaces both."""
    brought = {
        mode: (repair, *(kind for kind in known.get(mode, ()) if kind != repair))
        for mode, repair in gates.repairs.items()
    }
    listed = {FailureMode(mode): tuple(map(RepairKind, kinds)) for mode, kinds in config.repairs.items()}
    return RunRepairs({**known, **brought, **listed}, frozenset(listed))
