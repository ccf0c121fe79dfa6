"""The registry of failure modes and their repairs: the table of `repairs`, what a run's gates bring, and what the
configuration lists.

Law: a mode that a gate names is the diagnosis; its repairs stand in the configuration. A mode that nobody registered (a
ledger may hold one of an earlier configuration) is drawn again.
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
    MalformedReason.REPEATED: _RESTATED,
    MalformedReason.CONTROL_TEXT: _RESTATED,
    MalformedReason.BAD_JSON: (Repairs.HOLD_TO_SCHEMA, Repairs.RESTATE_FORM),
    MalformedReason.NOT_TEXT: (Repairs.HOLD_TO_SCHEMA, Repairs.RESTATE_FORM),
}
"""What is wrong with a completion, addressed most directly first."""


class RunGates(Struct, frozen=True):
    """What recovery knows of a run's gates. `kinds`: the usual gate beside which each stands, where that is another;
    `repairs`: of the failure modes that they bring."""

    kinds: Mapping[GateName, GateName] = {}
    repairs: Mapping[FailureMode, RepairKind] = {}

    def kind(self, gate: GateName) -> GateName:
        """The usual gate that this one is like; itself where it is like none."""
        return self.kinds.get(gate, gate)


USUAL_GATES = RunGates()


class RunRepairs(Struct, frozen=True):
    """The repairs of a run. `table`: of each mode, best first; `listed`: modes whose row the configuration gives, to
    which nothing else is open; `known`: what the task knows, None for all; `forms`: what it knows of `FORM_REPAIRS`."""

    table: RepairTable
    listed: frozenset[FailureMode] = frozenset()
    known: frozenset[RepairKind] | None = None
    forms: frozenset[RepairKind] = frozenset()

    def of(self, mode: FailureMode, found: Found = None) -> Sequence[RepairKind]:
        """Best first. Of a completion that is no draft, what addresses its reason goes before the row of the table."""
        row = self.table.get(mode, AGAIN)
        if mode != Modes.MALFORMED or mode in self.listed or not isinstance(found, MalformedReason):
            return row
        return (*(kind for kind in REPAIRS_OF_FORM[found] if kind in self.forms), *row)

    def knowing(self, known: Collection[RepairKind], forms: Collection[RepairKind] = ()) -> "RunRepairs":
        """The same for a task that knows these; none stands for all but the repairs of form."""
        return replace(self, known=frozenset(known) if known else None, forms=frozenset(forms))

    def is_known(self, kind: RepairKind) -> bool:
        """Whether the task knows it. Asking anew, here or in a stronger pool, is known to every task."""
        if kind in FORM_REPAIRS:
            return kind in self.forms
        return self.known is None or kind in self.known or kind in (Repairs.RESAMPLE, Repairs.ESCALATE)


def registered(known: RepairTable, gates: RunGates, config: Recovery) -> RunRepairs:
    """The table with the modes that gates bring: their repair alone, and before the others of a mode that is known. A
    row of the configuration stands in place of either."""
    brought = {
        mode: (repair, *(kind for kind in known.get(mode, ()) if kind != repair))
        for mode, repair in gates.repairs.items()
    }
    listed = {FailureMode(mode): tuple(map(RepairKind, kinds)) for mode, kinds in config.repairs.items()}
    return RunRepairs({**known, **brought, **listed}, frozenset(listed))
