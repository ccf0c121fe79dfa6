"""A sandbox that starts late. Law: its processes start with its first program, and never twice."""

import asyncio

from msgspec import Struct

from deployments.sandbox.sandbox import Sandbox
from schemas.programs import Isolation, ProgramLimits


class SandboxPlace(Struct, frozen=True):
    """Where programs are executed: how well they are kept apart, and how many at a time."""

    isolation: Isolation = Isolation.NAMESPACES
    workers: int = 2


class LateSandbox:
    """The base of what executes programs for a gate."""

    def __init__(self, limits: ProgramLimits, place: SandboxPlace) -> None:
        self._programs = limits
        self._place = place
        self._starting = asyncio.Lock()
        self._sandbox: Sandbox | None = None

    async def start(self) -> Sandbox:
        """Raises ConfigError where the system does not offer the isolation."""
        async with self._starting:
            if self._sandbox is None:
                place = self._place
                sandbox = Sandbox(self._programs, isolation=place.isolation, workers=place.workers)
                self._sandbox = await sandbox.__aenter__()
            return self._sandbox

    async def close(self) -> None:
        """Ends its processes."""
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            await sandbox.__aexit__(None, None, None)
