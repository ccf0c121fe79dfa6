"""Dashboard and alerts, checked against the existing metrics and with a real Prometheus that watches a real run."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from actors.metrics.metric import Type
from actors.metrics.table import METRICS
from benchmarks.loop import configuration, write_corpus
from deployments.monitoring.endpoint import HOST, Metrics
from deployments.run import RunEnd, run
from schemas.config import Pool, RunConfig
from schemas.config_deployed import Replicas
from schemas.config_engines import CustomEngine
from schemas.config_gates import Retrieved
from schemas.config_probes import NamedInjector, Probing
from tests.doubles import gpu_exporter
from tests.doubles.gates import changed_gate
from tests.doubles.ports import free_port
from tests.doubles.prometheus import MONITORING, Prometheus, panels, watching
from tests.needs import needs

ROOT = MONITORING.parents[1]
SELECTOR = re.compile(r"\b(gleaner_\w+|up)(?:\{([^}]*)\})?")
GPU = re.compile(r"\b(DCGM_\w+)(?:\{([^}]*)\})?")
GRAFANA = {"$__rate_interval": "5s", "$instance": ".*", "$gpus": ".*"}
"""What Grafana puts in place of its variables."""
LONGEST_S = 60.0
"""A wait that ends a hanging test, no claim about speed."""
RULES_S = 2.5
"""After the run's last scrape: rules have been evaluated on it."""


def rules() -> list[dict[str, Any]]:
    return yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]


def queries(*, gpus: bool = False) -> dict[str, str]:
    """Every query of the dashboard file, by its panel and letter: those of its row of GPUs, or the others."""
    row, found = "", {}
    for panel in panels():
        row = panel["title"] if panel["type"] == "row" else row
        if (row == "What do the GPUs do?") == gpus:
            found |= {f"{panel['title']} {target['refId']}": target["expr"] for target in panel.get("targets", ())}
    return found


def asked(expr: str) -> str:
    for variable, value in GRAFANA.items():
        expr = expr.replace(variable, value)
    return expr


ALL = queries() | queries(gpus=True)
EXPRESSIONS = {
    **{name: expr for name, expr in ALL.items() if "gleaner_" in expr},
    **{rule["alert"]: rule["expr"] for rule in rules()},
}


@pytest.mark.parametrize("query", ALL.values(), ids=ALL.keys())
def test_every_query_is_of_the_selected_runs_and_nodes(query: str) -> None:
    """Two runs are watched, one is selected: a panel shows that one alone, and its GPUs the selected nodes'."""
    assert all('instance=~"$instance"' in labels for _, labels in SELECTOR.findall(query))
    assert all(labels == 'Hostname=~"$gpus"' for _, labels in GPU.findall(query))


@pytest.mark.slow
@needs("prometheus", "prometheus")
def test_the_row_of_gpus_shows_what_an_exporter_tells(tmp_path: Path) -> None:
    """No GPU is here: a double tells what NVIDIA's exporter tells, and each query gives numbers within its bounds."""
    asked_for = {name for query in ALL.values() for name, _ in GPU.findall(query)}
    assert asked_for == set(gpu_exporter.GAUGES)
    began_at = time.time()
    with gpu_exporter.gpu_exporter() as target, watching(target, tmp_path) as prometheus:
        until = time.monotonic() + LONGEST_S
        told: dict[str, list[float]] = {}
        while not all(told.get(name) for name in queries(gpus=True)) and time.monotonic() < until:
            time.sleep(0.5)
            now = time.time()
            told = {name: prometheus.finite(asked(query), began_at, now) for name, query in queries(gpus=True).items()}
    assert {name for name, values in told.items() if not values} == set()
    assert told["Busy slots, and what their GPUs do A"][-1] == pytest.approx(0.75)
    assert told["GPU memory A"][-1] == pytest.approx(0.875)


def test_panels_have_numbers_of_their_own_and_do_not_lie_on_each_other() -> None:
    """Somebody adds a panel by hand: Grafana shows one of two that have a number or a place in common."""
    numbers = [panel["id"] for panel in panels()]
    assert len(numbers) == len(set(numbers))
    places = [panel["gridPos"] for panel in panels()]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24
    assert all(panel["type"] == "row" or panel["description"] for panel in panels())


@pytest.mark.parametrize("expr", EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_every_expression_asks_for_metrics_that_there_are(expr: str) -> None:
    """A metric is renamed or loses a label: the panel or alert that used it is named here, not found empty in need."""
    suffixes = {Type.HISTOGRAM: ("_bucket", "_sum", "_count"), Type.COUNTER: ("",), Type.GAUGE: ("",)}
    known = {metric.name + suffix: metric for metric in METRICS for suffix in suffixes[metric.type]}
    found = [(name, labels) for name, labels in SELECTOR.findall(expr) if name != "up"]
    assert found
    for name, labels in found:
        allowed = {"instance", "job", *(label.value for label in known[name].labels)}
        assert {part.split("=")[0].strip("!~ ") for part in labels.split(",") if part} <= allowed, name


def test_every_alert_has_a_story_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    """An alert that was never seen to fire is a guess; one that was never seen quiet is noise."""
    stories = yaml.safe_load((MONITORING / "alerts_test.yml").read_text())["tests"]
    seen = [(case["alertname"], bool(case["exp_alerts"])) for story in stories for case in story["alert_rule_test"]]
    assert set(seen) == {(rule["alert"], fires) for rule in rules() for fires in (True, False)}


@pytest.mark.slow
@needs("promtool", "prometheus")
def test_the_alerts_stories_come_true() -> None:
    """Prometheus' own test runner plays each story."""
    played = subprocess.run(
        ["promtool", "test", "rules", str(MONITORING / "alerts_test.yml")], capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, played.stdout + played.stderr


@needs("promtool", "prometheus")
def test_the_configuration_is_one_that_prometheus_reads() -> None:
    """Scrapes, discovery files and rules, checked by Prometheus' own tool."""
    checked = subprocess.run(
        ["promtool", "check", "config", str(MONITORING / "prometheus.yml")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_grafana_asks_the_prometheus_that_is_started_for_it() -> None:
    """`make monitor` and the provisioned data source name one port."""
    source = yaml.safe_load((MONITORING / "grafana/provisioning/datasources/prometheus.yml").read_text())
    makefile = (ROOT / "Makefile").read_text()
    port = re.search(r"^MONITOR_PORT \?= (\d+)$", makefile, re.MULTILINE)
    assert port is not None
    assert source["datasources"][0]["url"] == f"http://127.0.0.1:{port[1]}"


@needs("prometheus", "prometheus")
def test_make_monitor_starts_it_and_says_where(tmp_path: Path) -> None:
    """One command beside a run: it says the address, answers there with the alerts loaded, and Ctrl-C ends it."""
    port = free_port()
    command = ["make", "--silent", "monitor", f"MONITOR_PORT={port}", f"MONITOR_DATA={tmp_path}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        prometheus = Prometheus(port)
        try:
            prometheus.wait()
            names = {rule["name"] for group in prometheus.get("rules")["groups"] for rule in group["rules"]}
            read = yaml.safe_load(prometheus.get("status/config")["yaml"])
        finally:
            os.killpg(process.pid, signal.SIGINT)
    assert f"http://127.0.0.1:{port}" in told
    assert names == {rule["alert"] for rule in rules()}
    assert [job["job_name"] for job in read["scrape_configs"]] == ["gleaner", "ray", "vllm", "gpus"]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """Half a minute of all that a dashboard shows: repairs, failing calls, replicas that come, searches, probes."""
    corpus = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    write_corpus(corpus, 500)
    engine = CustomEngine(
        factory="tests.doubles.engines:instant",
        options={"malformed": 0.1, "failing": 0.01, "median_s": 0.3, "slots": 32},
    )
    generator = Pool(engine=engine, replicas=Replicas(min=1, max=2, num_cpus=0.1))
    plain = configuration(corpus, rejected=0.2, concurrency=256)
    return replace(
        changed_gate(plain, provenance=Retrieved(k=2)),
        pools={"generator": generator},
        probes=Probing(rate=0.2, injector=NamedInjector(factory="tests.doubles.probed:wrong_name")),
    )


@pytest.fixture(scope="module")
def watched(
    config: RunConfig, ray_session: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Prometheus, float, float]]:
    """A Prometheus that has watched a whole run; when that began and ended."""
    folder, port, began_at = tmp_path_factory.mktemp("prometheus"), free_port(), time.time()
    with watching(f"{HOST}:{port}", folder) as prometheus:
        with Metrics(config, port=port, say=print) as metrics:
            assert run(config, folder / "run", watch=metrics).end is RunEnd.COMPLETE
        time.sleep(RULES_S)
        yield prometheus, began_at, time.time()


@pytest.mark.ray
@pytest.mark.slow
@needs("prometheus", "prometheus")
class TestALiveRun:
    """One run, watched by a real Prometheus."""

    @pytest.mark.parametrize("query", queries().values(), ids=queries().keys())
    def test_every_panel_shows_something(self, watched: tuple[Prometheus, float, float], query: str) -> None:
        """Each query of the dashboard gives numbers during a run."""
        prometheus, began_at, ended_at = watched
        assert prometheus.finite(asked(query), began_at, ended_at)

    @pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
    def test_every_alert_looks_at_something(
        self, watched: tuple[Prometheus, float, float], rule: dict[str, Any]
    ) -> None:
        """Each alert is evaluated without an error, on series that a run tells."""
        prometheus, began_at, ended_at = watched
        for name, labels in SELECTOR.findall(rule["expr"]):
            assert prometheus.get("series", **{"match[]": f"{name}{{{labels}}}", "start": began_at, "end": ended_at})
        loaded = {each["name"]: each for group in prometheus.get("rules")["groups"] for each in group["rules"]}
        assert (loaded[rule["alert"]]["health"], loaded[rule["alert"]].get("lastError")) == ("ok", None)

    def test_a_good_run_alarms_nobody(self, watched: tuple[Prometheus, float, float]) -> None:
        """Nothing critical or to warn of, and no order unaccounted for at any second."""
        prometheus, began_at, ended_at = watched
        told = prometheus.finite('ALERTS{alertstate="firing", severity!="info"}', began_at, ended_at)
        assert told == []
        assert set(prometheus.finite("gleaner_orders_unaccounted", began_at, ended_at)) == {0.0}

    def test_the_last_scrape_saw_the_whole_run(
        self, watched: tuple[Prometheus, float, float], config: RunConfig
    ) -> None:
        """1,500 orders planned, all ended: the process waited for the scrape that says so."""
        prometheus, began_at, ended_at = watched
        assert max(prometheus.finite("sum(gleaner_orders_ended_total)", began_at, ended_at)) == 1500
        assert prometheus.finite('gleaner_run_phase{phase="done"} == 1', began_at, ended_at)
