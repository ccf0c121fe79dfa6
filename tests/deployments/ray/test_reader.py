"""The corpus reader of a run, without Ray around it: what it leaves in the folder before the queue hears of it."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from deployments.config.load import load_text
from deployments.ray import actors
from schemas.corpus import DocumentRefused, Passage
from tests.actors.corpus.extract.made import docx, paragraph, pdf
from tests.deployments.build.test_own_readers import run_of


class _Queue:
    """Takes every passage, and looks whether its text is kept by then."""

    def __init__(self, output: Path) -> None:
        self.kept: list[bool] = []
        self.refusals: list[str] = []
        self._output = output

    def documents(self) -> dict[bytes, tuple[bytes, ...]]:
        return {}

    def refused(self) -> list[DocumentRefused]:
        return []

    def refuse(self, document: DocumentRefused) -> None:
        self.refusals.append(document.uri.rsplit("/", 1)[-1])

    def offer(self, passages: Sequence[Passage]) -> bool:
        digests = [passage.provenance.document_sha256 for passage in passages]
        self.kept += [(self._output / "documents" / f"{digest}.txt").exists() for digest in digests]
        return True

    def corpus_ended(self, *counts: object) -> None:
        assert counts[:2] == (3, 3)


def test_extracted_texts_are_kept_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill between the two leaves a text without passages, never passages without their text."""

    def ask(method: Callable[..., Any], *arguments: object) -> Any:
        return method(*arguments)

    monkeypatch.setattr(actors, "ask", ask)
    monkeypatch.setattr(actors, "ask_each", lambda methods: [method() for method in methods])
    data, output = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    output.mkdir()
    (data / "a.pdf").write_bytes(pdf(["A page.", None]))
    (data / "b.docx").write_bytes(docx(paragraph("A letter.")))
    (data / "c.txt").write_text("Plain.")
    queue = _Queue(output)
    config = replace(load_text(run_of("text_field: text", f"[{data}]")), name="reader")
    actors.ReaderShell(config, [queue], str(output)).run()
    assert (queue.kept, queue.refusals) == ([True, True, False], ["a.pdf#page=2"])
    for path in (output / "documents").iterdir():
        assert path.name == sha256(path.read_bytes()).hexdigest() + ".txt"
