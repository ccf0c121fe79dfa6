"""What is done of the study, part by part, in files. Law: a part that has its file is never done again; a file is
whole or not there; an output folder holds one plan."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import msgspec

from schemas.errors import ConfigError
from studies.provenance import modes, runs, world
from studies.provenance.modes import Labelled
from studies.provenance.plan import LABELLED_SCALE, POLICIES, Plan, Setting
from studies.provenance.tries import Try

T = TypeVar("T")
Say = Callable[[str], None]


class Parts:
    """The files of an output folder."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self._made: world.World | None = None
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "plan.json"
        if path.exists() and msgspec.json.decode(path.read_bytes(), type=Plan) != plan:
            raise ConfigError(f"{folder}: holds parts of another plan; choose another --output")
        write(path, plan)

    def tries(self, setting: Setting, seed: int, policy: str) -> list[Try]:
        """Every attempt of an arm."""
        return _read(self._tries(setting, seed, policy), list[Try])

    def labelled(self, seed: int) -> list[Labelled]:
        """Drafts that both judges read in every mode."""
        return _read(self._labelled(seed), list[Labelled])

    def has(self, name: str) -> bool:
        """Whether the part of that name is done."""
        return self._part(name).exists()

    def get(self, name: str, type_: type[T]) -> T:
        """What a part holds."""
        return _read(self._part(name), type_)

    def put(self, name: str, value: object) -> None:
        """The part is done."""
        write(self._part(name), value)

    async def do(self, say: Say) -> None:
        """All that the almanac's models are needed for, seed by seed; what every claim needs comes first."""
        first = Setting(LABELLED_SCALE, self.plan.temperature)
        for settings in (self.plan.settings, self.plan.other_settings):
            for seed in self.plan.seeds:
                await self._arms(seed, settings, say)
                if not self._labelled(seed).exists():
                    found = await modes.measured(
                        self.plan, self.world(seed), self.tries(first, seed, POLICIES[0]), self.memory(seed)
                    )
                    write(self._labelled(seed), found)
                    say(f"seed {seed}: {len(found)} drafts read by both judges in every mode")

    async def _arms(self, seed: int, settings: Mapping[Setting, tuple[str, ...]], say: Say) -> None:
        for setting, policies in settings.items():
            missing = [policy for policy in policies if not self._tries(setting, seed, policy).exists()]
            if not missing:
                continue
            async with AsyncExitStack() as stack:
                shared = await runs.machines(stack, setting.scale, self.memory(seed))
                for policy in missing:
                    tries = await runs.arm(self.plan, self.world(seed), shared, setting=setting, policy=policy)
                    write(self._tries(setting, seed, policy), tries)
                    where = f"{setting.scale} generator at {setting.temperature:g}"
                    say(f"seed {seed}, {where}, {policy}: {len(tries)} attempts")

    def world(self, seed: int) -> world.World:
        """A seed's world, made when it is first needed."""
        if self._made is None or self._made.seed != seed:
            self._made = world.build(self.plan, seed, self.folder / "corpora")
        return self._made

    def _tries(self, setting: Setting, seed: int, policy: str) -> Path:
        return self.folder / "parts" / f"tries-{setting.scale}-{setting.temperature:g}-{seed}-{policy}.json"

    def _part(self, name: str) -> Path:
        return self.folder / "parts" / f"{name}.json"

    def _labelled(self, seed: int) -> Path:
        return self.folder / "parts" / f"labelled-{seed}.json"

    def memory(self, seed: int) -> Path:
        """Where a seed's models keep what they answered."""
        return self.folder / "memory" / str(seed)


def write(path: Path, value: object) -> None:
    """The value as JSON; the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_bytes(msgspec.json.encode(value))
    beside.replace(path)


def _read(path: Path, type_: type[T]) -> T:
    return msgspec.json.decode(path.read_bytes(), type=type_)
