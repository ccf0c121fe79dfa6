"""The finished folder: what it says about itself is true, ordinary tools can check it, and it loads and trains."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import yaml
from msgspec.structs import replace

from actors.dataset.manifest import read_config, read_manifest
from actors.report.finish import CARD_NAME, begin, build_report, finish
from schemas.config_engines import TransformersEngine
from schemas.errors import OutputError
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned
from tests.actors.dataset.conftest import NOW
from tests.actors.dataset.folders import keep, write_shards
from tests.doubles.ledgers import STARTED_AT, Scale, plausible_run
from tests.needs import needs

CONFIG = """
corpus: {paths: [./corpus]}
task: {kind: grounded_answer}
name: towns
seed: 5
pools:
  generator: {engine: {kind: transformers, model: /models/almanac-m}}
  strong: {engine: {kind: transformers, model: /models/almanac-l}}
gates:
  faithfulness: {form: classifier, threshold: 0.6, engine: {kind: transformers, model: /models/judge}}
  reward: {form: classifier, engine: {kind: transformers, model: /models/reward}}
"""
Reading = Callable[[Path], object]
VERSIONS = {"python": "3.11", "gleaner": "0.1.0"}


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A complete run's folder, in several shards, before it is finished."""
    output = tmp_path / "run"
    output.mkdir()
    (output / "run.yaml").write_text(CONFIG)
    keep(output, plausible_run(5, Scale(passages=40)))
    await write_shards(output, rows_per_shard=50)
    return output


def test_the_manifest_counts_what_the_ledger_holds(folder: Path) -> None:
    """Every headline number can be counted again by hand from the records."""
    records = list(plausible_run(5, Scale(passages=40)))
    manifest = finish(folder, now=NOW, versions=VERSIONS)
    issued = sum(len(record.orders) for record in records if isinstance(record, Planned))
    accepted = [record for record in records if isinstance(record, AcceptedEnd)]
    dead = [record for record in records if isinstance(record, DeadLetteredEnd)]
    recovered = [record for record in accepted if record.attempt.number > 1]
    counts = manifest.counts
    assert (counts.issued, counts.accepted, counts.dead_lettered, counts.outstanding) == (
        issued,
        len(accepted),
        len(dead),
        0,
    )
    assert (counts.first_pass, counts.recovered) == (len(accepted) - len(recovered), len(recovered))
    assert manifest.yield_ == len(accepted) / issued
    assert manifest.recovery_rate == counts.recovered / counts.rejected
    assert manifest.complete and manifest.seed == 5 and manifest.name == "towns"
    assert manifest.models["strong"] == "/models/almanac-l" and manifest.thresholds["faithfulness"] == 0.6
    assert manifest.first_accepted_seconds == pytest.approx(min(end.at for end in accepted) - STARTED_AT)
    assert sum(shard.rows for shard in manifest.shards) == len(accepted) + len(dead) + counts.refused_documents
    assert read_manifest(folder) == manifest
    told = msgspec.json.decode((folder / "manifest.json").read_bytes())
    assert {"counts", "yield", "recovery_rate", "versions", "seed", "config_sha256", "overlap", "roles"} <= set(told)


@needs("sha256sum", "coreutils")
def test_checksums_hold_and_catch_a_changed_file(folder: Path) -> None:
    """`sha256sum -c checksums.txt` in the folder, as a downloader would; one changed byte is found."""
    finish(folder, now=NOW, versions=VERSIONS)
    check = ["sha256sum", "--quiet", "--strict", "-c", "checksums.txt"]
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 0
    assert len((folder / "checksums.txt").read_text().splitlines()) >= 6
    shard = folder / "dataset/part-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 1


def test_finishing_again_changes_nothing_that_was_fixed(folder: Path) -> None:
    """A run is resumed with nothing to do: manifest, card and checksums stay byte for byte."""
    names = ("manifest.json", "README.md", "checksums.txt")
    finish(folder, now=NOW, versions=VERSIONS)
    first = [(folder / name).read_bytes() for name in names]
    finish(folder, now=NOW + 1000, versions=VERSIONS)
    assert [(folder / name).read_bytes() for name in names] == first
    assert not list(folder.glob(".*"))


def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    """Ctrl-C half way: the folder is finished all the same, and tells that orders are outstanding."""
    keep(tmp_path, plausible_run(5, Scale(passages=40, finished=0.5)))
    manifest = finish(tmp_path, now=NOW, versions=VERSIONS)
    assert not manifest.complete and manifest.counts.outstanding > 0 and manifest.ended_at is None
    assert "not finished" in (tmp_path / "README.md").read_text()


def test_a_run_without_any_end_is_finished_too(tmp_path: Path) -> None:
    """Interrupted while models load: no sample, no shard, no division by zero."""
    keep(tmp_path, list(plausible_run(5, Scale(passages=1, finished=0.0, refused=0)))[:1])
    manifest = finish(tmp_path, now=NOW, versions=VERSIONS)
    assert (manifest.yield_, manifest.recovery_rate, manifest.counts.issued) == (0.0, 0.0, 0)


def test_the_card_names_the_files_that_are_there(folder: Path) -> None:
    """The dataset is pushed to a hub: the card's head leads to the shards."""
    finish(folder, now=NOW, versions=VERSIONS)
    text = (folder / "README.md").read_text()
    head = yaml.safe_load(text.split("---\n")[1])
    for config in head["configs"]:
        for files in config["data_files"]:
            assert list(folder.glob(files["path"]))
    assert "threshold 0.6" in text and "/models" not in text


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [("manifest.json", "{", read_manifest), ("run.yaml", "corpus: [", read_config), ("run.yaml", "a: 1", read_config)],
)
def test_a_damaged_file_is_reported_in_one_line(tmp_path: Path, name: str, content: str, read: Reading) -> None:
    """Someone edited a file of the folder by hand: which file, and what to do."""
    (tmp_path / name).write_text(content)
    with pytest.raises(OutputError, match=name) as told:
        read(tmp_path)
    assert "\n" not in str(told.value)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    """`gleaner report` on the wrong folder."""
    with pytest.raises(OutputError, match="holds no run"):
        build_report(tmp_path, NOW)


@pytest.mark.slow
async def test_it_loads_with_datasets(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`load_dataset` on the folder (through the card) and on the shards, both kinds, without a network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    manifest = finish(folder, now=NOW, versions=VERSIONS)
    cache = str(tmp_path / "cache")
    train = datasets.load_dataset(str(folder), split="train", cache_dir=cache)
    again = datasets.load_dataset(
        "parquet", data_files=str(folder / "dataset/part-*.parquet"), split="train", cache_dir=cache
    )
    dead = datasets.load_dataset(str(folder), "dead_letters", split="train", cache_dir=cache)
    assert train.num_rows == again.num_rows == manifest.counts.accepted
    assert dead.num_rows == manifest.counts.dead_lettered + manifest.counts.refused_documents
    assert train[0]["messages"][0]["role"] == "user"


@pytest.mark.slow
async def test_it_trains_with_sft_as_it_is(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TRL's SFTTrainer takes the loaded dataset with no preparation and makes a step, loss on the answers alone."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from tests.actors.dataset.student import train_one_step

    loss = train_one_step(str(folder / "dataset/part-*.parquet"), tmp_path)
    assert 0 < loss < 50


@pytest.mark.slow
async def test_an_unfinished_run_loads_with_datasets(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user looks at the first shards while the run goes on: without a card, `datasets` takes all files for one
    table."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    config = read_config(folder)
    assert config is not None
    begin(folder, config)
    told = (folder / CARD_NAME).read_text()
    assert "not finished" in told
    train = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert train.num_rows > 0 and train[0]["messages"][0]["role"] == "user"


async def test_a_card_that_is_there_stays(folder: Path) -> None:
    """A run continues: the files of its last end stay until it ends again."""
    finish(folder, now=NOW, versions=VERSIONS)
    before = (folder / CARD_NAME).read_text()
    config = read_config(folder)
    assert config is not None
    begin(folder, config)
    assert (folder / CARD_NAME).read_text() == before


@pytest.mark.parametrize("evil", ["<img src=x onerror=alert(1)>", "[m](javascript:alert(1))", "a`b<b>", "x\n# y"])
async def test_names_of_a_configuration_are_text_in_the_card(folder: Path, evil: str) -> None:
    """A stranger's run.yaml names a model so that a page which shows the card would run it."""
    config = read_config(folder)
    assert config is not None
    pool = config.pools["generator"]
    assert isinstance(pool.engine, TransformersEngine)
    named = replace(config, name=evil, pools={"generator": replace(pool, engine=replace(pool.engine, model=evil))})
    begin(folder, named)
    _, _, body = (folder / CARD_NAME).read_text().split("---\n", 2)
    for bad in ("<img", "<b>", "](javascript", "\n# y"):
        assert all(bad not in piece for piece in body.replace("\\`", "").split("`")[::2])


@pytest.mark.parametrize(("isolation", "warned"), [("process", True), ("namespaces", False)])
def test_what_kept_programs_apart_is_said(tmp_path: Path, isolation: str, warned: bool) -> None:
    """A weak isolation is the reader's business, too: manifest, report and card name it."""
    gates = f"gates:\n  proof: {{form: tests, isolation: {isolation}}}\n"
    (tmp_path / "run.yaml").write_text(CONFIG.partition("gates:")[0].replace("grounded_answer", "code") + gates)
    keep(tmp_path, [])
    manifest = finish(tmp_path, now=NOW, versions=VERSIONS)
    assert manifest.isolations == {"proof": isolation}
    for text in (build_report(tmp_path, NOW), (tmp_path / CARD_NAME).read_text()):
        assert f"kept apart by {isolation}" in text
        assert ("which holds accidents and no attack" in text) is warned


def test_a_folder_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """Its run.yaml holds keys that no longer exist: they are ignored, and the folder can be used."""
    server = "{kind: http, base_url: 'http://h/v1', model: m, breaker_failures: 16, breaker_open_s: 1.0}"
    (tmp_path / "run.yaml").write_text(CONFIG.replace("{kind: transformers, model: /models/almanac-l}", server))
    config = read_config(tmp_path)
    assert config is not None
    assert config.pools["strong"].engine.model == "m"


def test_a_name_that_is_gone_in_one_section_stays_in_others(tmp_path: Path) -> None:
    """A factory of the user's own may take an option that has the name of a key that is gone elsewhere."""
    custom = "{kind: custom, factory: 'a:b', options: {breaker_failures: 3}}"
    (tmp_path / "run.yaml").write_text(CONFIG.replace("{kind: transformers, model: /models/almanac-l}", custom))
    config = read_config(tmp_path)
    assert config is not None
    assert getattr(config.pools["strong"].engine, "options", None) == {"breaker_failures": 3}
