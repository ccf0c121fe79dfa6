"""The page about monitoring says what the code says: each metric, each alert, each question of the dashboard."""

import re

import yaml

from actors.metrics.table import METRICS
from deployments.monitoring.endpoint import USUAL_PORT
from deployments.monitoring.page import PAGE, renewed
from tests.doubles.prometheus import MONITORING, panels


def test_the_tables_are_up_to_date() -> None:
    """A metric changed without its page: `python -m deployments.monitoring.page` writes the page again."""
    page = PAGE.read_text()
    assert page == renewed(page)
    assert all(page.count(f"| `{metric.name}` |") == 1 for metric in METRICS)


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    """Somebody is woken: the page has a section of the alert's name, with both; and none of an alert that is gone."""
    sections = re.findall(r"^### (\w+)\n\n(.*?)(?=^### |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    alerts = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
    assert [name for name, _ in sections] == [alert["alert"] for alert in alerts]
    assert all("**Means:**" in words and "**Do:**" in words for _, words in sections)


def test_panels_that_the_page_names_are_there() -> None:
    """The page sends a reader to a panel by its title."""
    titles = {panel["title"] for panel in panels()}
    rows = [panel["title"] for panel in panels() if panel["type"] == "row"]
    named = {" ".join(name.split()) for name in re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", PAGE.read_text())}
    questions = {name for name in named if name.count("?") > 1}
    assert named - questions <= titles, named - titles
    assert all(row in " ".join(questions) for row in rows)


def test_the_page_names_the_usual_port() -> None:
    """Page, scrape configuration and code agree on where a run answers."""
    assert f"http://127.0.0.1:{USUAL_PORT}/metrics" in PAGE.read_text()
    assert f'"127.0.0.1:{USUAL_PORT}"' in (MONITORING / "prometheus.yml").read_text()
