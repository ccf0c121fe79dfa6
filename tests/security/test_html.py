"""Text from a corpus, a model or a server is shown in the report, never obeyed: read by a parser and a browser."""

import subprocess
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings

from actors.report.facts import facts_of
from actors.report.manifest import manifest_of
from actors.report.page import render
from deployments.config.load import load_text
from tests.actors.dataset.conftest import NOW
from tests.doubles.ledgers import MemoryLedger
from tests.needs import needs
from tests.security.evil import BREAKOUTS, MARK, markup, poisoned

CONFIG = """
corpus: {{paths: [./corpus]}}
task: {{kind: grounded_answer}}
name: towns
pools:
  generator: {{engine: {{kind: transformers, model: {model}}}}}
gates:
  faithfulness: {{form: classifier, engine: {{kind: transformers, model: /models/judge}}}}
  reward: {{form: classifier, engine: {{kind: transformers, model: /models/reward}}}}
"""


def page_with(evil: str) -> str:
    """The report of a run whose every foreign text holds the evil."""
    ledger = MemoryLedger(poisoned(evil))
    facts = facts_of(enumerate(ledger.records, 1), seed=0)
    manifest = manifest_of(facts, [], None, versions={"python": evil, evil: "1"})
    return render(facts, manifest, ledger, now=NOW)


class Read(HTMLParser):
    """What a reader of HTML finds in a page: tags with their attributes' names, comments, text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.links: list[str | None] = []
        self.comments: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.update(name for name, _ in attrs)
        self.links += [value for name, value in attrs if name in ("href", "src", "action", "srcdoc", "data")]

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


PLAIN = Read(page_with("harmless"))


def assert_shown_and_not_obeyed(page: str) -> Read:
    """No tag, attribute, link or comment that the same page of harmless texts has not."""
    read = Read(page)
    assert set(read.tags) == set(PLAIN.tags)
    assert set(read.attributes) == set(PLAIN.attributes)
    assert (read.tags["style"], read.tags["title"]) == (1, PLAIN.tags["title"])
    assert read.links == PLAIN.links == []
    assert read.comments == []
    assert not [name for name in read.attributes if name.startswith("on") or MARK in name]
    return read


@settings(max_examples=60, deadline=None)
@given(markup)
def test_no_markup_of_any_text_survives(evil: str) -> None:
    """A passage, an answer, a server's error and a file's name hold the worst that its pieces can make."""
    assert_shown_and_not_obeyed(page_with(evil))


@pytest.mark.parametrize("evil", BREAKOUTS)
def test_what_was_written_is_what_is_read(evil: str) -> None:
    """The reader sees the script tag itself, letter by letter, as the passage has it."""
    read = assert_shown_and_not_obeyed(page_with(evil))
    assert "".join(read.text).count(evil) >= 10


def test_no_script_can_run_at_all() -> None:
    """Were there a hole, the page's own policy closes it: nothing is fetched, nothing runs."""
    page = page_with("harmless")
    assert "Content-Security-Policy\" content=\"default-src 'none'" in page
    assert {"script", "iframe", "object", "embed", "link", "base", "form", "a", "img"}.isdisjoint(PLAIN.tags)


def test_a_models_name_is_text_too() -> None:
    """The configuration's own strings may come from somebody else's file."""
    config = load_text(CONFIG.format(model=f"'/models/<{MARK}> \" onload=1'"), Path("run.yaml"))
    ledger = MemoryLedger(poisoned("harmless"))
    facts = facts_of(enumerate(ledger.records, 1), seed=0)
    page = render(facts, manifest_of(facts, [], config, versions={}), ledger, now=NOW)
    read = Read(page)
    assert MARK in page
    assert MARK not in "".join([*read.tags, *read.attributes])


@pytest.mark.slow
@needs("chromium", "chromium")
def test_a_browser_builds_the_same_page(tmp_path: Path) -> None:
    """Browsers mend broken HTML in ways of their own: the elements that Chromium makes are those that we wrote."""
    path = tmp_path / "report.html"
    path.write_text(page_with("".join(BREAKOUTS)), encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", path.as_uri()]
    built = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    read = Read(built)
    assert set(read.tags) - set(PLAIN.tags) <= {"tbody"}
    assert set(read.attributes) == set(PLAIN.attributes)
