"""The registry of failure modes and their repairs: the table of `repairs`, the modes of a run's gates, and the
configuration's rows.

Law: a mode that a gate names is the diagnosis, and the configuration gives its repairs. A mode that is not registered
(a ledger may hold one of an earlier configuration) is repaired by a new draw.
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
    gives; no other repairs are open to them. `known`: the repairs that the task knows, None for all."""

    table: RepairTable
    listed: frozenset[FailureMode] = frozenset()
    known: frozenset[RepairKind] | None = None

    def of(self, mode: FailureMode) -> Sequence[RepairKind]:
        """A mode's repairs, best first."""
        return self.table.get(mode, AGAIN)

    def knowing(self, known: Collection[RepairKind]) -> "RunRepairs":
        """The same repairs for a task that knows only these. An empty collection stands for all."""
        return replace(self, known=frozenset(known) if known else None)

    def is_known(self, kind: RepairKind) -> bool:
        """Whether the task knows the repair. Every task knows a new draw, in the same or a stronger pool."""
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
