"""What is done of the study, part by part, in files. Law: a part that has its file is never done again; a file is
whole or not there; an output folder holds one plan."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import msgspec

from schemas.errors import ConfigError
from studies.provenance import modes, runs, world
from studies.provenance.modes import Labelled
from studies.provenance.plan import LABELLED_SCALE, SCALES, Plan
from studies.provenance.tries import Try

T = TypeVar("T")
Say = Callable[[str], None]


class Parts:
    """The files of an output folder."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "plan.json"
        if path.exists() and msgspec.json.decode(path.read_bytes(), type=Plan) != plan:
            raise ConfigError(f"{folder}: holds parts of another plan; choose another --output")
        write(path, plan)

    def tries(self, scale: str, seed: int, policy: str) -> list[Try]:
        """Every attempt of an arm."""
        return _read(self._tries(scale, seed, policy), list[Try])

    def labelled(self, seed: int) -> list[Labelled]:
        """Drafts that both judges read in every mode."""
        return _read(self._labelled(seed), list[Labelled])

    async def do(self, policies: tuple[str, ...], say: Say) -> None:
        """All that the models are needed for, seed by seed."""
        for seed in self.plan.seeds:
            missing = [s for s in SCALES if any(not self._tries(s, seed, p).exists() for p in policies)]
            if not missing and self._labelled(seed).exists():
                continue
            here = await asyncio.to_thread(world.build, self.plan, seed, self.folder / "corpora")
            for scale in missing:
                await self._arms(here, scale, policies, say)
            if not self._labelled(seed).exists():
                first = self.tries(LABELLED_SCALE, seed, policies[0])
                found = await modes.measured(self.plan, here, first, self._memory(seed))
                write(self._labelled(seed), found)
                say(f"seed {seed}: {len(found)} drafts read by both judges in every mode")

    async def _arms(self, here: world.World, scale: str, policies: tuple[str, ...], say: Say) -> None:
        async with AsyncExitStack() as stack:
            shared = await runs.machines(stack, scale, self._memory(here.seed))
            for policy in policies:
                path = self._tries(scale, here.seed, policy)
                if not path.exists():
                    tries = await runs.arm(self.plan, here, shared, scale=scale, policy=policy)
                    write(path, tries)
                    say(f"seed {here.seed}, {scale} generator, {policy}: {len(tries)} attempts")

    def _tries(self, scale: str, seed: int, policy: str) -> Path:
        return self.folder / "parts" / f"tries-{scale}-{seed}-{policy}.json"

    def _labelled(self, seed: int) -> Path:
        return self.folder / "parts" / f"labelled-{seed}.json"

    def _memory(self, seed: int) -> Path:
        return self.folder / "memory" / str(seed)


def write(path: Path, value: object) -> None:
    """The value as JSON; the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_bytes(msgspec.json.encode(value))
    beside.replace(path)


def _read(path: Path, type_: type[T]) -> T:
    return msgspec.json.decode(path.read_bytes(), type=type_)
