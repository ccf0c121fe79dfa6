"""Makes the attempts of probes: the first draft is the labelled one, later drafts are the task's own repairs.

Law: a gate, the diagnoser or a generator cannot tell a probe from a sample by its input. What is known of the draft
goes to the ledger separately.
"""

from collections.abc import AsyncIterator

from msgspec import Struct
from msgspec.structs import replace

from actors.probes.plan import FlawDraw
from actors.probes.spoiler import drawn_hot
from actors.protocols import AskAside, AskModel, Injector, Task
from schemas.errors import HopError
from schemas.flaws import FlawKind, Probed, Worth
from schemas.orders import Lease, OrderKind
from schemas.probes import Probe
from schemas.samples import Draft, Made, Malformed, MalformedReason


class Spoiling(Struct, frozen=True):
    """The injector that spoils drafts and knows their worth, and the choice of each probe's flaw."""

    injector: Injector
    draw: FlawDraw


class ProbeMaker(Struct, frozen=True):
    """`actors.protocols.Maker` for probes. `spoiling`: None when every label comes from a file."""

    task: Task
    spoiling: Spoiling | None = None

    async def attempt(self, lease: Lease, ask: AskAside) -> AsyncIterator[Made]:
        """Gives the one draft of the lease."""
        probe, seen = lease.probe, _as_a_sample(lease)
        assert probe is not None, "the lease is for a sample, not a probe"
        if lease.attempt > 1:
            async for made in self.task.attempt(seen, ask):
                yield replace(made, probed=await self._repaired(made.draft, probe, seen, ask))
        elif probe.checked:
            yield Made(lease.order.id, probe.draft, given=probe.sampling)
        else:
            yield await self._first(probe, seen, ask)

    async def _first(self, probe: Probe, seen: Lease, ask: AskAside) -> Made:
        """The order's draft, spoilt if the label is bad; and whether the draft now fits its label."""
        if self.spoiling is None:
            return _unfit(seen, "no injector can check it any more")
        injector = self.spoiling.injector
        flaw = self.spoiling.draw.of(probe.id, injector.kinds(probe.passage))
        if flaw is None:
            return _unfit(seen, "its passage allows no flaw")
        bad = probe.label is Worth.BAD
        draft = await self._spoilt(injector, flaw, probe, seen, ask) if bad else probe.draft
        if draft is None:
            return _unfit(seen, "the injector made nothing of it")
        worth, told = await _checked(injector, flaw, seen, draft, ask.aside)
        unfit = "" if worth is probe.label else f"meant to be {probe.label.value}, {told}"
        return Made(seen.order.id, draft, probe.sampling, Probed(worth, flaw if bad else None, unfit))

    async def _spoilt(
        self, injector: Injector, flaw: FlawKind, probe: Probe, seen: Lease, ask: AskModel
    ) -> Draft | None:
        if flaw is FlawKind.HIGH_TEMPERATURE:
            return await drawn_hot(self.task, seen, ask)
        return await injector.spoil(flaw, seen, probe.draft, ask)

    async def _repaired(self, draft: Draft | Malformed, probe: Probe, seen: Lease, ask: AskAside) -> Probed:
        if self.spoiling is None or probe.flaw is None or isinstance(draft, Malformed):
            return Probed(Worth.UNKNOWN, probe.flaw)
        worth, _ = await _checked(self.spoiling.injector, probe.flaw, seen, draft, ask.aside)
        return Probed(worth, probe.flaw)


async def _checked(injector: Injector, flaw: FlawKind, seen: Lease, draft: Draft, ask: AskModel) -> tuple[Worth, str]:
    """A text's worth, and the finding in words. When the check fails, the worth is unknown."""
    try:
        worth = await injector.worth(flaw, seen, draft, ask)
    except HopError as error:
        return Worth.UNKNOWN, f"the check failed: {error.detail}"
    return worth, f"found {worth.value}"


def _as_a_sample(lease: Lease) -> Lease:
    """The lease as the task and the injector see it: a fresh order's, like any other."""
    return replace(lease, probe=None, order=replace(lease.order, kind=OrderKind.FRESH))


def _unfit(seen: Lease, why: str) -> Made:
    nothing = Malformed(MalformedReason.EMPTY, why)
    return Made(seen.order.id, nothing, probed=Probed(Worth.UNKNOWN, unfit=why))
