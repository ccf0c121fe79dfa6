"""Bases from nothing: each by its own seed of the plan's, once."""

from dataclasses import replace
from pathlib import Path

import pytest
from transformers import LlamaForCausalLM

from studies.arithmetic import train
from studies.frame.commit import PlanStamp, Stamp
from studies.stepwise.bases import make


def test_bases_differ_by_number_and_plan_and_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe cut to a step or two."""
    monkeypatch.setattr(train, "SKILLS", replace(train.SKILLS, tuning=replace(train.SKILLS.tuning, steps=1, rows=2)))
    monkeypatch.setattr(train, "lengthened", lambda net, words, **_: 0)
    plans = [Stamp(PlanStamp(sha, "commit"), "code") for sha in ("a", "b")]
    found = [make(tmp_path / marked.plan.sha256, marked, n) for marked in plans for n in (0, 1, "development")]
    weights = {(path / "model.safetensors").read_bytes() for path in found}
    assert len(weights) == 6
    assert LlamaForCausalLM.from_pretrained(found[0]).num_parameters() > 100_000
    before = (found[0] / "model.safetensors").stat().st_mtime_ns
    assert make(tmp_path / "a", plans[0], 0) == found[0]
    assert (found[0] / "model.safetensors").stat().st_mtime_ns == before


def test_a_base_that_is_cut_short_keeps_its_skills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are most of the work. The base is the one that it would have been."""
    monkeypatch.setattr(train, "SKILLS", replace(train.SKILLS, tuning=replace(train.SKILLS.tuning, steps=1, rows=2)))
    monkeypatch.setattr(train, "lengthened", lambda net, words, **_: 0)
    marked = Stamp(PlanStamp("a", "commit"), "code")
    whole = make(tmp_path / "whole", marked, 0)

    def killed(net: object, words: object, **_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr(train, "lengthened", killed)
        make(tmp_path / "cut", marked, 0)

    def never(*_: object, **__: object) -> int:
        raise AssertionError("the skills are taught once")

    monkeypatch.setattr(train, "taught", never)
    again = make(tmp_path / "cut", marked, 0)
    assert (again / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
