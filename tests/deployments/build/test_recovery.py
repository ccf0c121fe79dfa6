"""What the diagnoser looks things up in, from a run's configuration."""

import logging
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from deployments.build.evidence import passages_of
from deployments.build.recovery import build_elsewhere, task_recovery
from deployments.build.tasks import build_task
from deployments.config.load import load
from schemas.config import GroundedAnswer, Recovery, RunConfig
from schemas.errors import ConfigError
from schemas.recovery import FORM_REPAIRS
from schemas.samples import qa
from studies.almanac.prose import ask_about
from studies.almanac.truth import facts_of


@pytest.fixture
def config() -> RunConfig:
    return load(Path("examples/quickstart.yaml"))


def test_the_whole_corpus_is_indexed(config: RunConfig) -> None:
    """A passage that the run has not come to yet tells whose fact it is."""
    passages = {passage.id: passage for passage in passages_of(config.corpus)}
    first, *_, last = passages.values()
    fact = facts_of(last.text)[0]
    index = build_elsewhere(config)
    assert index is not None
    told = index.tells(qa(ask_about(fact.entity, fact.attribute, Random(0)), fact.value), first)
    assert told is not None
    assert fact in facts_of(passages[told].text)


@pytest.mark.parametrize("limit", [0, 7])
def test_too_many_passages_are_not_indexed_in_part(config: RunConfig, limit: int) -> None:
    """Otherwise a diagnosis would depend on where the reading stopped."""
    assert build_elsewhere(config, limit=limit) is None


def test_a_corpus_that_is_not_there_is_the_readers_to_say(config: RunConfig, caplog: pytest.LogCaptureFixture) -> None:
    """A conductor on a node without the corpus diagnoses by what it has, and the log says so."""
    away = replace(config, corpus=replace(config.corpus, paths=("./nowhere.jsonl",)))
    with caplog.at_level(logging.WARNING, "gleaner.recovery"):
        assert build_elsewhere(away) is None
    assert "no other passages" in caplog.text


def test_problems_have_no_facts_to_mix_up() -> None:
    """Math is verified by computation."""
    assert build_elsewhere(load(Path("examples/math.yaml"))) is None


def test_a_repair_of_form_that_the_prompts_do_not_know_is_refused(config: RunConfig) -> None:
    """The shipped models would be told words that they never saw."""
    listed = replace(config, recovery=Recovery(repairs={"malformed": ("restate_form", "resample")}))
    with pytest.raises(ConfigError, match=r"recovery\.repairs\.malformed: the task's prompts do not know restate_form"):
        task_recovery(listed, build_task(listed))
    assert isinstance(listed.task, GroundedAnswer)
    other = replace(listed, task=replace(listed.task, prompts="instruct"))
    assert task_recovery(other, build_task(other)).forms == FORM_REPAIRS
