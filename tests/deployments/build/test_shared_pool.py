"""`engine: {pool: NAME}` in a gate: read, refused where it cannot be, and run in one process."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from actors.counts.tally import Tally
from actors.gates.pooled import PooledGate
from actors.ledger.sqlite import MemoryLedger
from actors.report.manifest import _models
from deployments.build.judges import judges
from deployments.config.load import load, load_text, to_yaml
from deployments.local.gates import local_gate
from deployments.local.loop import conduct_in_process
from deployments.serve.deployments import names
from deployments.terminal.preview import passages_of
from schemas.config_gates import gate_models, shared_pools
from schemas.errors import ConfigError
from schemas.orders import EndReason
from schemas.progress import Summary
from schemas.verdicts import REWARD

INSTANT = 'kind: custom, factory: "tests.doubles.engines:instant", model: instant-3b'
WHOLE = f"""
corpus: {{paths: [./docs]}}
task: {{kind: grounded_answer}}
pools:
  generator: {{engine: {{{INSTANT}, options: {{rejected: 0.3}}}}}}
gates:
  reward: {{form: llm, engine: {{pool: generator}}}}
"""


def refused(old: str, new: str) -> str:
    assert old in WHOLE
    with pytest.raises(ConfigError) as raised:
        load_text(WHOLE.replace(old, new))
    return str(raised.value).removeprefix("configuration: ")


def test_the_short_form_and_the_long_one() -> None:
    """What a run writes into its folder reads as what was written."""
    config = load_text(WHOLE)
    assert shared_pools(config.gates) == {REWARD: "generator"} and gate_models(config.gates) == {}
    assert config == load_text(WHOLE.replace("{pool: generator}", "{kind: pool, pool: generator}"))
    assert load_text(to_yaml(config)) == config
    assert "kind: pool" in to_yaml(config)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "form: llm",
            "form: classifier",
            "gates.reward.engine: a pool writes; only a gate of form llm or token can share one",
        ),
        (
            "{pool: generator}",
            "{pool: genrator}",
            "gates.reward.engine.pool: there is no pool 'genrator'; did you mean 'generator'?",
        ),
        (
            "{pool: generator}",
            "{pool: generator}, replicas: {max: 2}",
            "gates.reward.replicas: the gate has none: the pool 'generator' answers for it; leave them out",
        ),
        (
            "reward: {form: llm, engine: {pool: generator}}",
            "faithfulness: {form: llm, engine: {pool: generator}, provenance: {mode: retrieved}}",
            "gates.faithfulness.provenance: a search needs replicas of the gate's own, and this one shares a pool; "
            "give it an engine",
        ),
        (
            "{pool: generator}",
            "{pool: generator, model: x}",
            "gates.reward.engine.model: unknown key; the keys here are pool",
        ),
        (
            f"{{{INSTANT}, options: {{rejected: 0.3}}}}",
            "{kind: pool, pool: generator}",
            "pools.generator.engine.kind: only gates can ask a pool; name a model, a server or code of your own here",
        ),
    ],
)
def test_where_it_cannot_be(old: str, new: str, says: str) -> None:
    """One line each: what, where, what to do."""
    assert refused(old, new) == says


def test_its_model_is_the_pools() -> None:
    """In the manifest and in the version that probes are counted by: another model of the pool is another judge."""
    config = load_text(WHOLE)
    assert _models(config) == {"generator": "instant-3b", "reward": "instant-3b"}
    before = judges(config)[REWARD]
    assert before.startswith("instant-3b@")
    assert judges(load_text(WHOLE.replace("instant-3b", "instant-8b")))[REWARD].startswith("instant-8b@")
    assert judges(load_text(WHOLE.replace("rejected: 0.3", "rejected: 0.4")))[REWARD] != before
    assert names(config, "launch").gates == {}


async def run_in_process(folder: Path, text: str) -> Summary:
    """Twenty passages of the configuration to their end."""
    (folder / "docs").mkdir()
    for number in range(20):
        (folder / "docs" / f"{number}.txt").write_text(f"The harbour of Town {number} holds {number + 10} ships.")
    (folder / "run.yaml").write_text(text)
    config = load(folder / "run.yaml")
    ledger, tally = MemoryLedger(), Tally()
    await conduct_in_process(config, passages_of(config, 20), ledger)
    for record in ledger.kept:
        tally.apply(record)
    return tally.summary()


async def test_a_judge_is_not_starved_by_the_drafts_of_its_pool(tmp_path: Path) -> None:
    """Eight times as many samples as slots, all of which ask one engine: a verdict waits as long as a draft, for an
    engine serves requests as they come, and a sample that waits for its verdict asks for no further draft."""
    slow = WHOLE.replace("rejected: 0.3", "rejected: 0.3, median_s: 0.03, slots: 6")
    summary = await run_in_process(tmp_path, slow + "conductors: {concurrency: 48}\n")
    mean_s = {role.role: role.seconds / role.calls for role in summary.roles}
    assert summary.counts.ended == 60
    assert mean_s["reward"] < 2 * mean_s["generator"]


@pytest.mark.parametrize("form", ["llm", "token"])
async def test_one_engine_writes_and_judges(tmp_path: Path, form: str) -> None:
    """A whole run in this process: both roles are counted apart, rejected drafts are repaired, none is an error."""
    summary = await run_in_process(tmp_path, WHOLE.replace("form: llm", f"form: {form}"))
    assert (
        summary.counts.ended == 60
        and summary.counts.recovered > 0
        and {end.reason for end in summary.ends} <= {EndReason.REJECTED}
    )
    roles = {role.role: role for role in summary.roles}
    assert roles["reward"].calls == roles["generator"].calls == summary.counts.attempts > 60
    (said,) = [each for each in summary.verdicts if each.gate == REWARD]
    assert said.errored == 0 and said.rejected > 0


async def test_it_has_no_engine_of_its_own() -> None:
    """Nothing is loaded where the gate is made."""
    async with AsyncExitStack() as stack:
        assert isinstance(await local_gate(stack, load_text(WHOLE), REWARD), PooledGate)
