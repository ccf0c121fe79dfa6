"""README.md of a pushed dataset."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from msgspec.structs import replace

from actors.counts.rates import rate
from actors.report.facts import ReportFold
from actors.report.manifest import manifest_of
from deployments.config.load import load_text
from deployments.hub.card import MARK, CardFacts, card, head_of
from deployments.hub.parts import Splitting
from schemas.exports import SplitShare
from schemas.probes import ProbedGate, ProbeRates, Probes
from schemas.pushes import PushSplit
from schemas.verdicts import GateName
from tests.deployments.hub.folders import CONFIGURATION

CONFIG = load_text(CONFIGURATION)
SCHEMA = pa.schema([("id", pa.string()), ("scores", pa.struct([("reward", pa.float64())]))])
NONE = rate(0, 0)


def facts(**changes: object) -> CardFacts:
    """A card's facts, of a run without probes."""
    whole = CardFacts(
        repo="harbour/town-questions",
        revision="ab" * 32,
        manifest=manifest_of(ReportFold(seed=0), (), CONFIG, versions={"gleaner": "0.1.0"}),
        config=CONFIG,
        splitting=Splitting((SplitShare("test", 0.1),), seed=3),
        splits=(PushSplit("train", 900, 90), PushSplit("test", 120, 10)),
        licenses={None: 20, "cc-by-4.0": 1000},
        shared_passages=0,
        schema=SCHEMA,
        license=None,
    )
    return replace(whole, **changes)


def gate(name: str, *, last: bool = True) -> ProbedGate:
    rates = ProbeRates(recall=rate(45, 50), precision=rate(45, 48), good_passed=rate(47, 50))
    return ProbedGate(
        gate=GateName(name), version=name, judged=100, errored=0, whole=rates, window=rates, in_window=100, flaws=(),
        drift=(), last=last,
    )  # fmt: skip


def test_the_head_is_what_the_hub_reads() -> None:
    """Licence, size, and each split with its files."""
    head = head_of(card(facts(license="cc-by-4.0")))
    assert head["license"] == "cc-by-4.0" and head["size_categories"] == ["1K<n<10K"]
    (config,) = head["configs"]
    assert config["data_files"] == [
        {"split": "train", "path": "data/train/part-*.parquet"},
        {"split": "test", "path": "data/test/part-*.parquet"},
    ]
    assert "license" not in head_of(card(facts()))


def test_a_person_finds_what_they_must_know() -> None:
    """How to load it, what is in which split, whose words it rests on, and how good the gates were."""
    probes = Probes(issued=100, ended=100, gates=(gate("faithfulness"), gate("faithfulness", last=False)))
    told = facts()
    said = card(replace(told, manifest=replace(told.manifest, probes=probes)))
    assert 'load_dataset("harbour/town-questions")' in said and f"the revision `{'ab' * 32}`" in said
    assert "| test | 120 | 10 |" in said and "the seed 3 (test 10.0% of the documents, the rest train)" in said
    assert "| `cc-by-4.0` | 1,000 |\n| none stated | 20 |" in said
    rates = "93.8% (83–98%; 45 of 48) | 90.0% (79–96%; 45 of 50) | 94.0% (84–98%; 47 of 50)"
    assert said.count(f"| `faithfulness` | 0.5 | 100 | {rates} |") == 1
    assert "The run goes on" in said


def test_what_is_not_known_is_said() -> None:
    """No probes: nobody knows how good the samples are. A leak is no secret."""
    said = card(facts(shared_passages=2))
    assert "They were not measured in this run" in said
    assert "2 passages of other splits stand in train too" in said
    assert "No passage of another split" in card(facts())


def test_names_are_no_markup() -> None:
    """A licence out of a stranger's document, a name of the configuration."""
    told = facts(licenses={"<img src=x> | a\n# b `c`": 1})
    said = card(told)
    assert "\n# b" not in said and "| `<img src=x> ¦ a # b ’c’` | 1 |" in said


def test_what_a_person_wrote_stays() -> None:
    """Keys of the head that a push does not set, and the text below the mark; a card pushed again is the same."""
    first = card(facts())
    edited = first.replace("- 1K<n<10K", "- n>1T\nlanguage: en") + "\n## Mine\n\nAsk me.\n"
    second = card(facts(), edited)
    assert head_of(second)["language"] == "en" and head_of(second)["size_categories"] == ["1K<n<10K"]
    assert second.endswith(f"{MARK}\n## Mine\n\nAsk me.\n")
    assert card(facts(), second) == second and card(facts(), first) == first


@pytest.mark.parametrize(
    "there", ["", "# Words alone\n", "---\n- a list\n---\n", "---\na: [\n---\n", "---\na: &a [*a]\n"]
)
def test_a_card_that_cannot_be_read_is_replaced(there: str) -> None:
    """By hand, by another tool, half a head."""
    assert card(facts(), there) == card(facts())


def test_shards_with_other_columns_load_together(tmp_path: Path) -> None:
    """A gate came with a replay: its scores are in later shards alone, and the head names the columns of all."""
    datasets = pytest.importorskip("datasets")
    later = pa.schema([("id", pa.string()), ("scores", pa.struct([("reward", pa.float64()), ("own", pa.float64())]))])
    both = pa.unify_schemas([SCHEMA, later], promote_options="permissive")
    (tmp_path / "data" / "train").mkdir(parents=True)
    for name, schema, scores in (("part-0", SCHEMA, {"reward": 0.5}), ("part-1", later, {"reward": 0.6, "own": 0.7})):
        table = pa.Table.from_pylist([{"id": name, "scores": scores}], schema=schema)
        pq.write_table(table, tmp_path / "data" / "train" / f"{name}.parquet")
    told = facts(schema=both, splits=(PushSplit("train", 2, 2),))
    (tmp_path / "README.md").write_text(card(told))
    rows = datasets.load_dataset(str(tmp_path), split="train", cache_dir=str(tmp_path / "cache")).to_list()
    assert [row["scores"] for row in rows] == [{"reward": 0.5, "own": None}, {"reward": 0.6, "own": 0.7}]
    assert yaml.safe_load((tmp_path / "README.md").read_text().split("---")[1])["dataset_info"]
