"""What a cascade may be made of, and the one line that each mistake is told."""

import pytest

from deployments.config.load import load_text, to_yaml
from schemas.config_cascade import judging
from schemas.config_gates import gate_models, kinds, shares, thresholds
from schemas.errors import ConfigError

WHOLE = """
corpus: {paths: [./documents]}
task: {kind: grounded_answer}
pools:
  generator: {engine: {kind: custom, factory: "doubles:writer"}}
gates:
  nli: {form: classifier, kind: faithfulness, engine: {kind: custom, factory: "doubles:judge"}}
  careful: {form: llm, kind: faithfulness, threshold: 0.7, engine: {pool: generator}}
  reward: {form: llm, engine: {pool: generator}}
  faithfulness: {form: cascade, cheap: nli, judge: careful}
probes: {rate: 0.02, labelled: [rows.jsonl]}
"""


def test_its_gates_give_no_verdict_of_their_own() -> None:
    """What a sample must pass is the cascade, at its judge's threshold; deployments are of its gates."""
    config = load_text(WHOLE)
    assert judging(config.gates) == ("reward", "faithfulness")
    assert thresholds(config.gates) == {"reward": 0.5, "faithfulness": 0.7}
    assert set(gate_models(config.gates)) == {"nli"} and shares(config.gates) == {}
    assert set(kinds(config.gates).values()) == {"faithfulness", "reward"}
    assert load_text(to_yaml(config)) == config


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("cheap: nli", "cheap: nil", "gates.faithfulness.cheap: there is no gate 'nil'; did you mean 'nli'?"),
        (
            "cheap: nli",
            "cheap: careful",
            "gates.faithfulness.cheap: 'careful' must be of form classifier, token or likelihood",
        ),
        (
            "judge: careful",
            "judge: nli",
            "gates.faithfulness.judge: 'nli' is the cheap gate too; a cascade is of two gates",
        ),
        (
            "judge: careful",
            "judge: reward",
            "gates.faithfulness.judge: 'reward' is of kind reward, and the cascade of kind faithfulness; they must "
            "judge the same thing",
        ),
        (
            "judge: careful",
            "judge: faithfulness",
            "gates.faithfulness.judge: 'faithfulness' must be of form classifier, token, likelihood or llm",
        ),
        (
            "judge: careful}",
            "judge: careful, bad_passed: 0, good_rejected: 0}",
            "gates.faithfulness: bad_passed and good_rejected are both 0, so the cheap gate decides nothing; use its "
            "judge",
        ),
        (
            "judge: careful}",
            "judge: careful, bad_passed: 0.6}",
            "gates.faithfulness.bad_passed: must be a number at least 0 and at most 0.5, not 0.6",
        ),
        (
            "judge: careful}",
            "judge: careful, threshold: 0.6}",
            "gates.faithfulness.threshold: unknown key; the keys here are cheap, judge, kind, bad_passed, "
            "good_rejected, share",
        ),
        (
            "rate: 0.02",
            "rate: 0",
            "gates.faithfulness: only probes calibrate its band: without probes.rate the judge would decide everything",
        ),
        (
            "nli: {form: classifier,",
            "nli: {form: classifier, share: 0.5,",
            "gates.nli.share: it judges for the cascade 'faithfulness' alone; give that the share",
        ),
        (
            "nli: {form: classifier,",
            "nli: {form: classifier, threshold: 0.9,",
            "gates.nli.threshold: nothing is decided by it: the cascade 'faithfulness' has a band that probes "
            "calibrate; leave it out",
        ),
        (
            "  reward: {",
            "  again: {form: cascade, kind: faithfulness, cheap: nli, judge: careful}\n  reward: {",
            "gates.faithfulness.cheap: 'nli' is a gate of the cascade 'again' already; give each its own",
        ),
        (
            "  reward: {",
            "  rule: {form: rule, check: 'score(\"nli\") > 0.5'}\n  reward: {",
            "gates.rule.check: reads the score of 'nli', but which gate of a cascade scores depends on the draft",
        ),
        (
            "  faithfulness: {form: cascade,",
            "  checked: {form: cascade,",
            "gates.checked.kind: missing; it must be one of faithfulness, reward",
        ),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(old: str, new: str, says: str) -> None:
    """Before anything starts, with the key and what to do."""
    assert old in WHOLE
    with pytest.raises(ConfigError) as raised:
        load_text(WHOLE.replace(old, new, 1), "run.yaml")
    assert str(raised.value) == f"run.yaml: {says}"


def test_with_gates_in_turn_a_share_stands_last_whatever_its_gates_do() -> None:
    """Where its two gates stand says nothing: they are asked when the cascade is."""
    text = WHOLE.replace("judge: careful}", "judge: careful, share: 0.5}") + "judging: {short_circuit: true}\n"
    assert shares(load_text(text).gates) == {"faithfulness": 0.5}
    moved = text.replace("  reward: {form: llm, engine: {pool: generator}}\n", "")
    moved = moved.replace("probes:", "  reward: {form: llm, engine: {pool: generator}}\nprobes:")
    with pytest.raises(ConfigError, match="must come last, after all others"):
        load_text(moved)
