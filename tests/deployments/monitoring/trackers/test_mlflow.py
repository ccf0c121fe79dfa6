"""MLflow: what its real client, in a process of its own, brings to a real server on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from schemas.config_trackers import MlflowTracker, Trackers
from tests.deployments.monitoring.trackers.folders import LAST, PLAYED, REPORT, folder_at, following, id_of, told, until
from tests.doubles.mlflow_server import mlflow_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.mark.slow
def test_a_run_at_a_server(tmp_path: Path, server: str) -> None:
    """A run breaks off, and the next process goes on with the run that the first began. Its curves, its end and its
    report can be read from the server."""
    folder = folder_at(tmp_path / "run")
    trackers = Trackers(mlflow=MlflowTracker(server, experiment="towns"))
    client = MlflowClient(tracking_uri=server)
    experiment = client.create_experiment("towns")
    with following(folder, trackers) as followers:
        followers.tell(PLAYED[len(PLAYED) // 2])
        assert until(lambda: any(run.data.metrics for run in client.search_runs([experiment])), 60)
    (begun,) = client.search_runs([experiment])
    assert (begun.info.run_name, begun.info.status) == ("quickstart", "KILLED")
    assert told(folder, trackers) == {}
    (run,) = client.search_runs([experiment])
    assert (run.info.run_id, run.info.status) == (begun.info.run_id, "FINISHED")
    assert run.data.tags["gleaner.folder"] == id_of(folder)
    assert LAST.snapshot is not None
    summary = LAST.snapshot.summary
    assert run.data.metrics["gleaner_orders_planned_total/fresh"] == 120.0
    assert run.data.metrics["gleaner_yield"] == pytest.approx(summary.counts.yield_)
    assert run.data.metrics["gleaner_recovery_rate"] == pytest.approx(summary.counts.recovery_rate)
    curve = client.get_metric_history(run.info.run_id, "gleaner_yield")
    assert [point.step for point in curve][-1] == int(summary.worked_s) and len(curve) == 2
    assert Path(client.download_artifacts(run.info.run_id, "report.html", str(tmp_path))).read_text() == REPORT


@pytest.mark.slow
def test_a_server_that_is_away(tmp_path: Path) -> None:
    """Nobody listens: the run says so, and why."""
    folder = folder_at(tmp_path / "run")
    with following(folder, Trackers(mlflow=MlflowTracker("http://127.0.0.1:9"))) as followers:
        followers.tell(LAST)
        assert until(lambda: "NewConnectionError" in str(followers.pauses), 60)
        assert "127.0.0.1:9" in followers.pauses[0].why
