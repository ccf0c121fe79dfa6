"""An embedder as a configuration names it: what is refused, and near-duplicates that only vectors find, in a run."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.ledger.sqlite import MemoryLedger
from deployments.build.judges import embedder_version
from deployments.config.identity import differences
from deployments.config.load import load_text, resolve
from deployments.local.loop import conduct_in_process
from schemas.config import EmbedderModel, RunConfig, TransformersEngine, deployed
from schemas.config_base import Change
from schemas.errors import ConfigError
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Rejoined
from schemas.orders import Attempt
from schemas.vectors import EMBEDDER
from schemas.verdicts import DIVERSITY, Rejected
from tests.doubles.tiny_models import save_generator
from tests.oracle.worlds import grounded

TEXT = """
corpus: {paths: [corpus.jsonl]}
task: {kind: grounded_answer}
pools: {generator: {engine: {kind: custom, factory: "tests.doubles.engines:instant"}}}
gates: {}
judging: {embedder: {engine: {kind: transformers, model: ./m}}}
"""


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "gates: {}",
            "gates: {embedder: {form: rule, check: 'True'}}",
            "gates.embedder: is the name of judging.embedder's",
        ),
        (
            "pools: {",
            "pools: {embedder: {engine: {kind: custom, factory: 'a:b'}}, ",
            "pools.embedder: is the name of judging.embedder's",
        ),
        ("kind: transformers, model: ./m", "kind: custom, factory: 'a:b'", "judging.embedder.engine.kind: must be"),
        (
            "{kind: transformers, model: ./m}",
            '{kind: http, base_url: "http://127.0.0.1/v1", model: m}, pooling: mean',
            "judging.embedder.pooling: a server pools in its own way",
        ),
        ("model: ./m}", "model: ./m}, similarity: 0", "judging.embedder.similarity: must be a number greater than 0"),
        ("model: ./m}", "model: ./m}, pooling: max", "judging.embedder.pooling: must be"),
        (
            "paths: [corpus.jsonl]}\ntask: {kind: grounded_answer}",
            "paths: [corpus.jsonl], answer_field: answer}\ntask: {kind: math}",
            "judging.embedder: has nothing to compare when task.kind is math",
        ),
    ],
)
def test_what_cannot_be_an_embedder(before: str, after: str, says: str) -> None:
    """One line, with the key's place."""
    with pytest.raises(ConfigError, match="run") as raised:
        load_text(TEXT.replace(before, after), "run.yaml")
    assert str(raised.value).removeprefix("run.yaml: ").startswith(says)


def test_it_is_a_part_with_a_deployment_and_a_path(tmp_path: Path) -> None:
    """Its model is looked for beside the file, and it is counted wherever pools and gates are."""
    config = resolve(load_text(TEXT), tmp_path)
    (part,) = (each for each in deployed(config) if each.role == EMBEDDER)
    assert (part.path, part.part.engine.model) == ("judging.embedder", str(tmp_path / "m"))


def test_a_change_of_it_is_a_replays(tmp_path: Path) -> None:
    """A run goes on with the embedder that it began with; how alike is too alike may be rescored."""
    plain = load_text(TEXT.replace("judging: {embedder: {engine: {kind: transformers, model: ./m}}}", ""))
    found = {each.change for each in differences(plain, load_text(TEXT)) if "engine" in each.path}
    assert Change.REPLAY in found and Change.NEVER not in found
    (changed,) = differences(load_text(TEXT), load_text(TEXT.replace("model: ./m}", "model: ./m}, similarity: 0.8")))
    assert (changed.path, changed.change) == ("judging.embedder.similarity", Change.REPLAY)


def test_vectors_know_who_made_them(tmp_path: Path) -> None:
    """Where the model lies, and on what it runs, says nothing; its weights, pooling and prefix do."""
    one, other = (TransformersEngine(model=str(save_generator(tmp_path / name / "m"))) for name in "ab")
    version = embedder_version(EmbedderModel(engine=one))
    assert version.startswith("m@")
    assert version == embedder_version(EmbedderModel(engine=replace(other, max_batch=1), similarity=0.5))
    assert version != embedder_version(EmbedderModel(engine=one, pooling="cls"))
    assert version != embedder_version(EmbedderModel(engine=one, prefix="query: "))
    (tmp_path / "a" / "m" / "1_Pooling").mkdir()
    (tmp_path / "a" / "m" / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    assert version != embedder_version(EmbedderModel(engine=one))


@pytest.mark.slow
async def test_a_near_duplicate_by_vectors_is_refused_and_says_so(tmp_path: Path) -> None:
    """Drafts that share hardly a word, under a threshold that a tiny model's vectors reach: one of a passage is
    accepted, the others are repaired until they end, and each verdict says that vectors counted."""
    config = _with_embedder(grounded().config, tmp_path, similarity=0.01)
    attempts = await _attempts(config)
    refused = [said for each in attempts for said in each.verdicts if said.gate == DIVERSITY]
    assert refused and all(isinstance(said, Rejected) for said in refused)
    assert any(isinstance(said, Rejected) and "(by vectors, " in said.evidence.note for said in refused)
    made = [each.embedded.vector.by for each in attempts if each.embedded is not None]
    assert len(set(made)) == 1 and made[0].startswith("m@")


async def _attempts(config: RunConfig) -> list[Attempt]:
    ledger = MemoryLedger()
    await conduct_in_process(config, grounded().passages, ledger)
    records = [each for each in ledger.kept if isinstance(each, AcceptedEnd | Rejoined | DeadLetteredEnd)]
    attempts = [record.attempt for record in records if record.attempt is not None]
    accepted = [record for record in records if isinstance(record, AcceptedEnd)]
    assert accepted and all(record.attempt.embedded is not None for record in accepted)
    return attempts


def _with_embedder(config: RunConfig, folder: Path, *, similarity: float) -> RunConfig:
    engine = TransformersEngine(model=str(save_generator(folder / "m")), device="cpu")
    judging = replace(config.judging, embedder=EmbedderModel(engine=engine, similarity=similarity))
    return replace(config, judging=judging)
