"""Which changes of a configuration make another run, and what each one that does not may be taken by."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace

from deployments.config.identity import plain
from deployments.config.load import config_sha256, difference, differences, load, load_text
from schemas.config import RunConfig
from schemas.config_base import Change
from tests.deployments.config.test_load import CONFIG, WHOLE


def changed(change: Callable[[dict[str, Any]], None]) -> RunConfig:
    values = plain(CONFIG)
    change(values)
    return load_text(yaml.safe_dump(values))


def test_what_may_change_on_resume() -> None:
    """More replicas, other bounds, another machine: the same samples, so the same run."""

    def tuned(values: dict[str, Any]) -> None:
        values["name"] = "other"
        values["pools"]["generator"]["replicas"]["max"] = 9
        values["pools"]["generator"]["engine"] |= {"max_batch": 8, "device": "cpu"}
        values["pools"]["generator-large"]["engine"]["engine_args"] = {"max_num_seqs": 4}
        values["gates"]["reward"]["replicas"]["num_cpus"] = 2.0
        values["gates"]["reward"]["engine"] |= {"base_url": "http://other/v1", "api_key_env": "OTHER"}
        values["queue"]["capacity"] = 7
        values["conductors"]["count"] = 3
        values["budget"]["tokens"] = 10**9
        values["dataset"]["flush_s"] = 1.0
        values["corpus"]["base"] = "/elsewhere"

    assert difference(CONFIG, changed(tuned)) == []
    assert config_sha256(CONFIG) == config_sha256(changed(tuned))


def test_what_makes_another_run() -> None:
    """A changed threshold, model, seed or pool is named with both values, one line each."""

    def other(values: dict[str, Any]) -> None:
        values["seed"] = 1
        values["gates"]["faithfulness"]["threshold"] = 0.7
        values["pools"]["generator"]["engine"]["model"] = "./models/other"
        values["corpus"]["chunking"]["max_tokens"] = 64
        values["recovery"]["policy"] = "discard"
        values["pools"]["extra"] = {"engine": {"kind": "http", "model": "m", "base_url": "http://h/v1"}}

    new = changed(other)
    assert config_sha256(CONFIG) != config_sha256(new)
    assert difference(CONFIG, new) == [
        "corpus.chunking.max_tokens: 256 → 64",
        "gates.faithfulness.threshold: 0.5 → 0.7",
        "pools.extra.engine.body: absent → {}",
        "pools.extra.engine.chat_template_kwargs: absent → {}",
        "pools.extra.engine.kind: absent → 'http'",
        "pools.extra.engine.model: absent → 'm'",
        "pools.generator.engine.model: './models/small' → './models/other'",
        "recovery.policy: 'rules' → 'discard'",
        "seed: 0 → 1",
    ]


def test_what_vllm_is_told_of_its_model() -> None:
    """Quantised weights, or speculation, change texts: no resume takes them, where batches are any resume's."""

    def quantised(values: dict[str, Any]) -> None:
        values["pools"]["generator-large"]["engine"]["model_args"] = {"quantization": "fp8"}

    assert [line.split(":")[0] for line in difference(CONFIG, changed(quantised))] == [
        "pools.generator-large.engine.model_args",
        "pools.generator-large.engine.model_args.quantization",
    ]


def test_the_order_of_gates_counts_where_they_are_asked_in_turn() -> None:
    """What does not pass keeps the others silent: another order judges otherwise. Side by side it does not."""
    turned = replace(CONFIG, gates=dict(reversed(CONFIG.gates.items())))
    assert difference(CONFIG, turned) == []
    in_turn = replace(CONFIG.judging, short_circuit=True)
    (line,) = difference(replace(CONFIG, judging=in_turn), replace(turned, judging=in_turn))
    assert line == "gates (their order): ['faithfulness', 'reward'] → ['reward', 'faithfulness']"


def test_identity_survives_a_move(tmp_path: Path) -> None:
    """A clone that moves to another folder resumes its runs: models below the file count by their place there."""
    configs = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "run.yaml").write_text(WHOLE)
        configs.append(load(tmp_path / folder / "run.yaml"))
    assert configs[0] != configs[1]
    assert difference(*configs) == []


def test_each_difference_says_what_it_takes() -> None:
    """Replicas are taken on any resume, a threshold by a replay, the corpus never: one list, sorted by path."""

    def other(values: dict[str, Any]) -> None:
        values["pools"]["generator"]["replicas"]["max"] = 9
        values["gates"]["faithfulness"]["threshold"] = 0.7
        values["corpus"]["paths"] = ["./others"]

    assert [(str(each), each.change) for each in differences(CONFIG, changed(other))] == [
        ("corpus.paths: ['./documents'] → ['./others']", Change.NEVER),
        ("gates.faithfulness.threshold: 0.5 → 0.7", Change.REPLAY),
        ("pools.generator.replicas.max: 1 → 9", Change.ANY_RESUME),
    ]


def test_what_of_a_passages_orders_grows() -> None:
    """More orders than before may be asked for on any resume, as a number or by a rule; fewer are another run."""

    def orders(value: object) -> RunConfig:
        return changed(lambda values: values["task"].update(samples_per_passage=value))

    def grows(before: object, after: object) -> bool:
        (found,) = differences(orders(before), orders(after))
        return found.grows

    assert grows(2, 3) and not grows(3, 2)
    assert grows(3, "auto") and not grows("auto", 3) and not grows(20, "auto")
    assert grows("auto", {"at_most": 17}) and not grows({"at_most": 17}, "auto")
    assert grows("auto", {"patience": 3}) and not grows("auto", {"patience": 1})
    assert grows({"at_most": 8}, 8) and not grows(8, {"at_most": 8})
    (found,) = differences(orders(3), orders("auto"))
    assert str(found) == "task.samples_per_passage: 3 → {'at_most': 16, 'patience': 2}"
    assert config_sha256(orders("auto")) == config_sha256(orders({"at_most": 16}))
