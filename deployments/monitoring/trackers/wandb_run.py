"""Weights & Biases: one run of it for one folder, however many processes work on the folder.

Law: the run's id is the folder's, so a later process goes on with the same curves; steps are seconds of work, which do
not begin again either. Nothing is collected but what is told here: no console, no code, no machine.
"""

import os
from pathlib import Path
from typing import Any

import msgspec
import wandb

from actors.ledger.door import TRACKERS
from actors.metrics.curves import news
from actors.metrics.metric import Seen
from deployments.monitoring.trackers.messages import REPORTED, ToldBegin
from schemas.config_trackers import WandbTracker

INIT_S = 6.0
"""A server that does not answer for so long is away."""


class WandbRun:
    """One run at W&B, or in the folder (`offline`)."""

    def __init__(self, config: WandbTracker, begin: ToldBegin, folder: str) -> None:
        self._config = config
        self._begin = begin
        self._folder = folder
        self._output = Path(begin.output)
        self._run: Any = None
        self._told: dict[str, float] = {}

    def follow(self, seen: Seen, curves: dict[str, float]) -> None:
        """Logs the curves that have changed. Raises what the client does where it cannot begin; from then
        on it keeps what a server does not take, tries again by itself and says nothing."""
        run = self._run = self._run or self._started()
        changed = news(curves, self._told)
        if changed:
            run.log(changed, step=int(seen.snapshot.summary.worked_s))
            self._told |= changed

    def finish(self, *, complete: bool) -> None:
        """The report and the configuration as an artefact; then the run is over."""
        run = self._run = self._run or self._started()
        report = wandb.Artifact(f"gleaner-{self._folder}", type="report")
        for name in REPORTED:
            if (self._output / name).is_file():
                report.add_file(str(self._output / name))
        run.log_artifact(report)
        self._run = None
        run.finish(exit_code=0 if complete else 1)

    def close(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.finish(exit_code=1)

    def _started(self) -> Any:
        place = self._output / TRACKERS
        place.mkdir(exist_ok=True)
        os.environ.setdefault("WANDB_DATA_DIR", str(place / "wandb"))  # copies of artefacts, until they are synced
        settings = wandb.Settings(
            console="off",
            silent=True,
            init_timeout=INIT_S,
            disable_git=True,
            disable_code=True,
            save_code=False,
            disable_job_creation=True,
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_disable_stats=True,
            x_save_requirements=False,
        )
        return wandb.init(
            project=self._config.project,
            entity=self._config.entity,
            id=self._folder,
            name=self._begin.run.name,
            dir=str(place),
            mode=self._config.mode,
            resume="allow",
            config=msgspec.to_builtins(self._begin.config),
            settings=settings,
        )
