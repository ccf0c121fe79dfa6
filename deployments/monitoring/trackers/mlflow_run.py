"""MLflow: one run of it for one folder, however many processes work on the folder.

Law: the run has the folder's id as a tag, by which a later process finds it; steps are seconds of work, which do not
begin again either. The client tries nothing again: the next moment does.
"""

import os
from pathlib import Path

# before mlflow is imported, which reads them then; a user's own values hold
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag

from actors.metrics.curves import news
from actors.metrics.metric import Seen
from deployments.monitoring.trackers.messages import REPORTED, ToldBegin
from schemas.config_trackers import MlflowTracker

FOLDER, VERSION = "gleaner.folder", "gleaner.version"
LARGEST_BATCH = 1_000
"""Metrics in one request, by MLflow's own limit."""


class MlflowRun:
    """One run at an MLflow server, or in a store of its client's."""

    def __init__(self, config: MlflowTracker, begin: ToldBegin, folder: str) -> None:
        self._experiment = config.experiment
        self._begin = begin
        self._folder = folder
        self._client = MlflowClient(tracking_uri=config.uri)
        self._run_id: str | None = None
        self._told: dict[str, float] = {}

    def follow(self, seen: Seen, curves: dict[str, float]) -> None:
        """Logs the curves that have changed. Raises what the client does."""
        run_id = self._running()
        changed = news(curves, self._told)
        at, step = int(seen.moment.at * 1000), int(seen.snapshot.summary.worked_s)
        metrics = [Metric(name, value, at, step) for name, value in changed.items()]
        for start in range(0, len(metrics), LARGEST_BATCH):
            self._client.log_batch(run_id, metrics[start : start + LARGEST_BATCH])
        self._told |= changed

    def finish(self, *, complete: bool) -> None:
        """The report and the configuration as artefacts; then the run is over."""
        run_id = self._running()
        for name in REPORTED:
            path = Path(self._begin.output) / name
            if path.is_file():
                self._client.log_artifact(run_id, str(path))
        self._client.set_terminated(run_id, "FINISHED" if complete else "KILLED")
        self._run_id = None

    def close(self) -> None:
        run_id, self._run_id = self._run_id, None
        if run_id is not None:
            self._client.set_terminated(run_id, "KILLED")

    def _running(self) -> str:
        """The folder's run, as one that goes on: found by its tag, or made."""
        if self._run_id is None:
            experiment = self._client.get_experiment_by_name(self._experiment)
            of = experiment.experiment_id if experiment else self._client.create_experiment(self._experiment)
            found = self._client.search_runs([of], f"tags.`{FOLDER}` = '{self._folder}'", max_results=1)
            if found:
                self._run_id = found[0].info.run_id
                self._client.update_run(self._run_id, status="RUNNING", name=self._begin.run.name)
            else:
                tags = {FOLDER: self._folder}
                self._run_id = self._client.create_run(of, tags=tags, run_name=self._begin.run.name).info.run_id
            self._client.log_batch(self._run_id, tags=[RunTag(VERSION, self._begin.run.version)])
        return self._run_id
