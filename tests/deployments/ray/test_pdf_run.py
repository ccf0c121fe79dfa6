"""A whole run on a PDF document, on a real Ray: what is quoted stands in the text of its pages."""

from pathlib import Path

import pytest

import gleaner
from deployments.config.load import load_text
from deployments.run import RunEnd
from schemas.config import RunConfig
from tests.actors.corpus.extract.made import pdf, text_of

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_session")]
TOWNS = ("Ash", "Birch", "Cedar", "Elm", "Fir", "Gorse", "Hazel", "Ivy")
PAGES = [
    f"{name} was founded in 1{number}23 by a fisher. It has {number} bridges over the river and {number} mills."
    for number, name in enumerate(TOWNS, 1)
]
CONFIG = """
corpus: {paths: [FOLDER], chunking: {max_tokens: 30, min_characters: 20}}
task:
  kind: prompted
  samples_per_passage: 2
  fields:
    - {name: question, what: a question}
    - {name: answer, what: its answer}
    - {name: quote, what: a sentence of the passage}
  ask: "{{ passage }} Write question, answer and quote."
  student:
    - {role: user, content: "{{ question }}"}
    - {role: assistant, content: "{{ answer }}"}
pools:
  generator: {engine: {kind: custom, factory: "tests.doubles.quoting:quoting"}, replicas: {num_cpus: 0.1}}
gates: {}
recovery: {max_attempts: 2}
"""


def config_of(folder: Path) -> RunConfig:
    return load_text(CONFIG.replace("FOLDER", str(folder)))


def test_quotes_of_accepted_samples_stand_in_the_pages(tmp_path: Path) -> None:
    """A scan among them is passed over; three pages' quotes are invented, and none of those is accepted. The folder
    keeps the text, and is proved by it when the PDF is gone."""
    (folder := tmp_path / "papers").mkdir()
    data = pdf([*PAGES[:4], None, *PAGES[4:]])
    (folder / "towns.pdf").write_bytes(data)
    result = gleaner.run(config_of(folder), tmp_path / "run").wait()
    counts = result.manifest.counts
    assert (result.end, counts.issued, counts.accepted, counts.dead_lettered) == (RunEnd.COMPLETE, 16, 10, 6)
    text = text_of("towns.pdf", data).text
    for sample in gleaner.samples(tmp_path / "run"):
        place, quote = sample.passage.provenance, sample.draft.quote
        assert sample.passage.text == text[place.start : place.end]
        assert place.place == f"page {PLACES[quote_of(sample.passage.text)]}"
        assert quote is not None and quote == quote_of(sample.passage.text)
    (folder / "towns.pdf").unlink()
    assert gleaner.verify(tmp_path / "run").ok


def quote_of(text: str) -> str:
    return f"{text.partition('.')[0]}."


PLACES = {quote_of(text): number + (number > 4) for number, text in enumerate(PAGES, 1)}
"""The page of each sentence: the fifth is the scan."""
