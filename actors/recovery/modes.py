"""The registry of failure modes: the table of `repairs`, and what a run's gates bring.

Law: a mode that a gate names is the diagnosis; the repair stands in the gate's configuration. A mode that nobody
registered (a ledger may hold one of an earlier configuration) is drawn again.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from schemas.recovery import FailureMode, RepairKind
from schemas.verdicts import GateName

RepairTable = Mapping[FailureMode, Sequence[RepairKind]]
AGAIN: Sequence[RepairKind] = (RepairKind.RESAMPLE,)


class RunGates(Struct, frozen=True):
    """What recovery knows of a run's gates. `kinds`: the usual gate beside which each stands, where that is another;
    `repairs`: of the failure modes that they bring."""

    kinds: Mapping[GateName, GateName] = {}
    repairs: Mapping[FailureMode, RepairKind] = {}

    def kind(self, gate: GateName) -> GateName:
        """The usual gate that this one is like; itself where it is like none."""
        return self.kinds.get(gate, gate)


USUAL_GATES = RunGates()


def registered(known: RepairTable, gates: RunGates) -> RepairTable:
    """The table with the modes that gates bring: their repair alone, and before the others of a mode that is known."""
    brought = {
        mode: (repair, *(kind for kind in known.get(mode, ()) if kind is not repair))
        for mode, repair in gates.repairs.items()
    }
    return {**known, **brought}


def repairs_of(mode: FailureMode, table: RepairTable) -> Sequence[RepairKind]:
    """Best first."""
    return table.get(mode, AGAIN)
