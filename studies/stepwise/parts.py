"""Parts of the study as files. Laws: a part that is there is never made again; it is written beside and renamed; a
folder holds the parts of one plan. Several processes may work on one folder: a part that one makes the others leave."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import torch
from transformers import LlamaConfig

from schemas.errors import ConfigError
from studies.stepwise.net import Net

T = TypeVar("T")


@dataclass(frozen=True)
class Parts:
    """A folder with a file for each finished part. `within`: seconds since the start, after which no part begins."""

    folder: Path
    clock: Callable[[], float]
    within: float

    def hold(self, plan: object) -> None:
        """The parts are of this plan. Raises ConfigError where the folder holds those of another."""
        path, said = self.folder / "plan.json", msgspec.json.encode(plan)
        if path.exists() and path.read_bytes() != said:
            raise ConfigError(f"{self.folder}: holds parts of another plan or base; choose another --output")
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(said)

    def made(self, name: str, kind: type[T], make: Callable[[], T]) -> T | None:
        """The part's result, read or made now; None where it is missing, and time is up or another process makes it."""
        path = self.folder / f"{name}.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_suffix(".lock")) as alone:
            if path.exists():
                return msgspec.json.decode(path.read_bytes(), type=kind)
            if self.clock() > self.within or not alone:
                return None
            begun = self.clock()
            result = make()
            beside = path.with_suffix(".partial")
            beside.write_bytes(msgspec.json.encode(result))
            beside.rename(path)
            print(f"{name}: {self.clock() - begun:.0f} s, at {self.clock():.0f} s", flush=True)
            return result

    def net(self, name: str, config: LlamaConfig, make: Callable[[], Net]) -> Net:
        """A trained net, read or made now."""
        path = self.folder / f"{name}.pt"
        if not path.exists():
            net = make()
            self.folder.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(f".{os.getpid()}.partial")
            torch.save(net.state_dict(), beside)
            beside.rename(path)
            return net
        net = Net(config)
        net.load_state_dict(torch.load(path, weights_only=True))
        return net


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether no other process holds the file; the system lets go of it when its holder ends, however it ends."""
    with path.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
