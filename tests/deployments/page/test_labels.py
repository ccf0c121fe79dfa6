"""A label becomes a row that `gleaner audit` and probes read, and nothing else of the folder changes."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.ledger.history import Life, life_of
from actors.ledger.sqlite import SqliteLedger
from actors.probes.labelled import Labelled, labelled_rows
from deployments.folder.proof import verified
from deployments.page.labels import NAME, GivenLabel, labels_of, row_of, set_label
from schemas.errors import OutputError, UserError
from schemas.flaws import FlawKind, Worth
from schemas.ids import OrderId
from schemas.ledger import AcceptedEnd, Record
from schemas.verdicts import FAITHFULNESS, VERIFIER, GateName
from tests.doubles.ledgers import MemoryLedger, Scale, plausible_run

RECORDS = list(plausible_run(4, Scale(passages=8)))
GOOD, BAD = GivenLabel(Worth.GOOD), GivenLabel(Worth.BAD, FlawKind.PARAMETRIC, FAITHFULNESS)


def lives(records: Sequence[Record] = RECORDS) -> list[Life]:
    ledger = MemoryLedger(records)
    ids = [OrderId(record.order_id) for record in records if isinstance(record, AcceptedEnd)]
    return [life_of(order_id, ledger.story(order_id)) for order_id in ids]


def audited(folder: Path, gate: GateName = FAITHFULNESS) -> list[Labelled]:
    return list(labelled_rows(iter((folder / NAME).read_bytes().splitlines()), gate, NAME))


def test_a_label_is_a_row_as_an_audit_reads_it(tmp_path: Path) -> None:
    """Two samples are labelled on the page; `gleaner audit --labelled DIR/labels.jsonl` asks the gate about both."""
    one, other = lives()[:2]
    set_label(tmp_path, one.order.id, row_of(one, GOOD, at=1.0))
    set_label(tmp_path, other.order.id, row_of(other, BAD, at=2.0))
    rows = audited(tmp_path)
    assert [(row.label, row.flaw, row.gate) for row in rows] == [
        (True, None, None),
        (False, "parametric", FAITHFULNESS),
    ]
    for life, row in zip((one, other), rows, strict=True):
        assert life.draft is not None
        assert row.request.passage.text == life.passage.text
        assert (row.request.draft.question, row.request.draft.answer) == (life.draft.question, life.draft.answer)
    assert labels_of(tmp_path) == {str(one.order.id): GOOD, str(other.order.id): BAD}


def test_a_problem_is_a_row_for_the_verifier_too(tmp_path: Path) -> None:
    """A solution of a problem with a reference answer: the verifier compares the two."""
    life = lives()[0]
    problem = replace(life, passage=replace(life.passage, reference="42"))
    set_label(tmp_path, life.order.id, row_of(problem, GOOD, at=1.0))
    (row,) = audited(tmp_path, VERIFIER)
    assert life.draft is not None and row.request.draft.answer == life.draft.answer
    assert row.request.passage.reference == "42"


def test_the_last_label_of_a_sample_is_its_label(tmp_path: Path) -> None:
    """A person changes their mind, and then takes it back: one row, then none, and the neighbour's stays."""
    one, other = lives()[:2]
    for life, label in ((one, GOOD), (other, GOOD), (one, BAD)):
        set_label(tmp_path, life.order.id, row_of(life, label, at=1.0))
    assert list(labels_of(tmp_path).items()) == [(str(other.order.id), GOOD), (str(one.order.id), BAD)]
    set_label(tmp_path, one.order.id, None)
    assert list(labels_of(tmp_path)) == [str(other.order.id)]


def test_rows_of_others_stay_as_they_are(tmp_path: Path) -> None:
    """Somebody has put rows of their own into the file, and a line that is nothing."""
    own = b'{"passage": "p",  "question": "q", "answer": "a", "label": 1}\nnot json\n[1]\n'
    (tmp_path / NAME).write_bytes(own)
    life = lives()[0]
    set_label(tmp_path, life.order.id, row_of(life, GOOD, at=1.0))
    assert (tmp_path / NAME).read_bytes().startswith(own)
    set_label(tmp_path, life.order.id, None)
    assert (tmp_path / NAME).read_bytes() == own


def test_what_has_no_draft_gets_no_label() -> None:
    """A dead letter whose completions could never be read: there is nothing to judge."""
    with pytest.raises(UserError, match="has no draft that could be read"):
        row_of(replace(lives()[0], attempts=()), GOOD, at=1.0)


def test_verify_has_nothing_against_labels(tmp_path: Path) -> None:
    """A folder with labels is the same proof as without."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(RECORDS)
    before = verified(tmp_path)
    life = lives()[0]
    set_label(tmp_path, life.order.id, row_of(life, GOOD, at=1.0))
    assert verified(tmp_path) == before


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    """A stranger's folder points labels.jsonl at a file of ours: it is neither read nor written."""
    ours = tmp_path / "ours"
    ours.write_text("secret\n")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / NAME).symlink_to(ours)
    life = lives()[0]
    with pytest.raises(OutputError, match=r"labels\.jsonl"):
        set_label(folder, life.order.id, row_of(life, GOOD, at=1.0))
    with SqliteLedger(folder) as ledger:
        ledger.append(RECORDS)
    assert ours.read_text() == "secret\n"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A disk that takes nothing: one line, and the labels so far are whole."""
    life = lives()[0]
    set_label(tmp_path, life.order.id, row_of(life, GOOD, at=1.0))
    before = (tmp_path / NAME).read_bytes()
    (tmp_path / f".{NAME}.{os.getpid()}.writing").mkdir()
    with pytest.raises(OutputError, match=r"labels\.jsonl"):
        set_label(tmp_path, life.order.id, None)
    assert (tmp_path / NAME).read_bytes() == before and json.loads(before)["label"] is True
