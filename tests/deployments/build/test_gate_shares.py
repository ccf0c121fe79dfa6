"""A gate that judges a share of the orders, from the YAML to what a run leaves (docs/gates.md)."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

import gleaner
from actors.dataset.manifest import read_manifest
from deployments.cli import app
from deployments.config.load import load_text
from schemas.config_gates import CustomGate
from schemas.errors import ConfigError
from schemas.shares import GateShares
from schemas.verdicts import FAITHFULNESS
from tests.oracle.life import live
from tests.oracle.worlds import GROUNDED, World, grounded

RUN = """corpus: {paths: [unused]}
task: {kind: grounded_answer}
pools: {generator: {engine: {kind: custom, factory: "tests.doubles.engines:instant"}}}
gates:
"""


def run_of(*lines: str) -> str:
    """A run with these gates; what follows them is not indented."""
    return RUN + "".join(f"{line}\n" if line.startswith("judging") else f"  {line}\n" for line in lines if line)


def world() -> World:
    """The oracle's passages, of whose orders the judge sees four of ten."""
    faithfulness = "faithfulness:\n    form: classifier"
    assert faithfulness in GROUNDED
    return replace(grounded(), config=load_text(GROUNDED.replace(faithfulness, f"{faithfulness}\n    share: 0.4")))


async def test_a_run_says_what_was_not_judged(tmp_path: Path) -> None:
    """Ledger, dataset, manifest, card, report and export agree, and the proof draws every order anew."""
    folder = tmp_path / "run"
    folder.mkdir()
    await live(world(), folder, None)
    assert gleaner.verify(folder).ok
    manifest = read_manifest(folder)
    assert manifest is not None
    (rest,) = manifest.unjudged
    rows = [row for path in (folder / "dataset").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    shares = GateShares(7, {FAITHFULNESS: 0.4})
    assert [tuple(row["unjudged"]) for row in rows] == [shares.unjudged(row["id"]) for row in rows]
    assert {row["scores"]["faithfulness"] for row in rows if row["unjudged"]} == {None}
    assert rest.gate == FAITHFULNESS and rest.unjudged == sum(bool(row["unjudged"]) for row in rows) > 10
    assert rest.precision.trials > 5 and 0 < (rest.precision.value or 0) < 1
    assert "What was not judged" in (folder / "report.html").read_text()
    card = (folder / "README.md").read_text()
    assert "each accepted by every gate that judged it" in card and "accepted without faithfulness" in card
    gleaner.export(folder, "sft", tmp_path / "sft")
    exported = pq.read_table(tmp_path / "sft" / "train").to_pylist()
    assert {tuple(row["origin"]["unjudged"]) for row in exported} == {(), ("faithfulness",)}
    ended = CliRunner().invoke(app, ["status", str(folder)])
    assert f"{rest.unjudged} accepted without faithfulness" in " ".join(ended.stdout.split())


@pytest.mark.parametrize(
    ("gates", "judging", "said"),
    [
        (
            ("a: {form: custom, check: 'm:f', share: 0}",),
            "",
            "gates.a.share: must be a number greater than 0 and at most 1, not 0",
        ),
        (
            ("a: {form: custom, check: 'm:f', share: 1.1}",),
            "",
            "gates.a.share: must be a number greater than 0 and at most 1, not 1.1",
        ),
        (("a: {form: rule, check: 'True', share: 0.1}",), "", "gates.a.share: unknown key"),
        (
            ("a: {form: custom, check: 'm:f', share: 0.1}", "b: {form: rule, check: \"score('a') > 0.5\"}"),
            "",
            "gates.b.check: reads the score of 'a', which has none for orders outside its share",
        ),
        (
            ("a: {form: custom, check: 'm:f', share: 0.1}", "b: {form: rule, check: 'True'}"),
            "judging: {short_circuit: true}",
            "gates.a.share: with judging.short_circuit a gate that judges a share must come last, after all others",
        ),
    ],
)
def test_a_share_that_makes_no_sense(gates: tuple[str, ...], judging: str, said: str) -> None:
    """One line, before anything is asked."""
    with pytest.raises(ConfigError) as refused:
        load_text(run_of(*gates, judging))
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_share_comes_last_in_a_row() -> None:
    """What the others reject is not paid for, and what they pass is compared whole."""
    last = ("b: {form: rule, check: 'True'}", "a: {form: custom, check: 'm:f', share: 0.1}")
    assert load_text(run_of(*last, "judging: {short_circuit: true}")).gates["a"] == CustomGate("m:f", share=0.1)
