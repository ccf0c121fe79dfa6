"""The registry of failure modes and their repairs: the table of `repairs`, what a run's gates bring, and what the
configuration lists.

Law: a mode that a gate names is the diagnosis; its repairs stand in the configuration. A mode that nobody registered (a
ledger may hold one of an earlier configuration) is drawn again.
"""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from schemas.config import Recovery
from schemas.recovery import FailureMode, RepairKind, Repairs
from schemas.verdicts import GateName

RepairTable = Mapping[FailureMode, Sequence[RepairKind]]
AGAIN: Sequence[RepairKind] = (Repairs.RESAMPLE,)


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
    which nothing else is open; `known`: what the task knows, None for all."""

    table: RepairTable
    listed: frozenset[FailureMode] = frozenset()
    known: frozenset[RepairKind] | None = None

    def of(self, mode: FailureMode) -> Sequence[RepairKind]:
        """Best first."""
        return self.table.get(mode, AGAIN)

    def knowing(self, known: Collection[RepairKind]) -> "RunRepairs":
        """The same for a task that knows these; none stands for all."""
        return replace(self, known=frozenset(known) if known else None)

    def is_known(self, kind: RepairKind) -> bool:
        """Whether the task knows it. Asking anew, here or in a stronger pool, is known to every task."""
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
