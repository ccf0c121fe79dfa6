"""Provenance modes and probes as a person writes them, and what each mistake is told."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from deployments.build.probes import build_maker
from deployments.build.tasks import build_task
from deployments.config.load import difference, differences, load, load_text, resolve, to_yaml
from deployments.config.rules import engines
from schemas.config_base import Change
from schemas.config_engines import TransformersEngine, VllmEngine
from schemas.config_gates import Classifier, Exact, LlmJudge, Retrieved, Unseen
from schemas.config_probes import NamedInjector, Probing
from schemas.errors import ConfigError
from schemas.flaws import FlawKind
from tests.deployments.config.test_load import WHOLE

MATH = Path(__file__).parents[3] / "examples" / "math.yaml"
BM25 = "provenance: {mode: retrieved, retriever: bm25, k: 5, query: answer}"
VECTORS = "provenance: {mode: retrieved, retriever: embedding, encoder: {kind: transformers, model: ./models/encoder}}"


def gates(line: str) -> str:
    return WHOLE.replace("gates:\n", f"gates:\n  {line}\n")


def shown(text: str) -> object:
    """What the judge of the source is shown: its own key, which once stood beside it."""
    judge = load_text(text).gates["faithfulness"]
    assert isinstance(judge, Classifier | LlmJudge)
    return judge.provenance


def probes(text: str) -> str:
    return f"{WHOLE}probes: {text}\n"


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_text(text, "x")
    return str(raised.value).removeprefix("x: ")


def test_every_mode_is_read_and_written() -> None:
    """Exact unless said otherwise; each mode comes back from the resolved file as it went in."""
    assert shown(WHOLE) == Exact()
    assert shown(gates("provenance: {mode: none}")) == Unseen()
    assert shown(gates(BM25)) == Retrieved(k=5, query="answer")
    for text in (WHOLE, gates("provenance: {mode: none}"), gates(BM25), gates(VECTORS)):
        assert load_text(to_yaml(load_text(text))) == load_text(text)


def test_an_encoder_is_a_model_like_others(tmp_path: Path) -> None:
    """Its path is resolved against the file's folder, it is looked for, and another one makes another run."""
    (tmp_path / "run.yaml").write_text(gates(VECTORS))
    config = load(tmp_path / "run.yaml")
    engine = dict(engines(config))["gates.faithfulness.provenance.encoder"]
    assert engine == TransformersEngine(model=str(tmp_path / "models/encoder"))
    other = load_text(gates(VECTORS.replace("models/encoder", "models/other")))
    assert difference(load_text(gates(VECTORS)), other) == [
        "gates.faithfulness.provenance.encoder.model: './models/encoder' → './models/other'"
    ]


def test_an_encoder_may_be_a_model_in_vllm_or_a_server() -> None:
    """A file that says no kind means transformers, as it did when there was no other; a server's model is no path."""
    kinds = {"vllm": VllmEngine, "transformers": TransformersEngine}
    for kind, engine in kinds.items():
        found = dict(engines(load_text(gates(VECTORS.replace("kind: transformers", f"kind: {kind}")))))
        assert isinstance(found["gates.faithfulness.provenance.encoder"], engine)
    assert load_text(gates(VECTORS.replace("kind: transformers, ", ""))) == load_text(gates(VECTORS))
    server = VECTORS.replace(
        "kind: transformers, model: ./models/encoder", 'kind: http, base_url: "http://127.0.0.1/v1", model: ./m'
    )
    config = resolve(load_text(gates(server)), Path("/somewhere"))
    assert dict(engines(config))["gates.faithfulness.provenance.encoder"].model == "./m"


def test_another_mode_makes_another_run_and_another_bound_does_not() -> None:
    """What the judge saw decides what was accepted; how much memory a replica may take does not."""
    exact, found = load_text(WHOLE), load_text(gates(BM25))
    assert "gates.faithfulness.provenance.mode: 'exact' → 'retrieved'" in difference(exact, found)
    assert {each.change for each in differences(exact, found)} == {Change.REPLAY, Change.ANY_RESUME}
    assert difference(found, load_text(gates(BM25.replace("k: 5", "k: 5, max_passages: 7")))) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "provenance: {mode: guessed}",
            ".mode: must be one of exact, retrieved, none, not 'guessed'",
        ),
        (
            BM25.replace("bm25", "bm52"),
            ".retriever: must be one of bm25, embedding, not 'bm52'; did",
        ),
        (
            BM25.replace("k: 5", "k: 0"),
            ".k: must be a whole number at least 1 and at most 32, not 0",
        ),
        (
            BM25.replace("bm25", "embedding"),
            ".encoder: missing; retriever: embedding needs a model",
        ),
        (
            VECTORS.replace("embedding", "bm25"),
            ".encoder: retriever: bm25 asks no model; did you mean",
        ),
        ("provenance: {mode: retrieved, encoder: null, kk: 3}", ".kk: unknown key"),
    ],
)
def test_mistakes_in_a_mode(line: str, says: str) -> None:
    """One line, with the key's path: that of today, wherever it was written."""
    assert refusal(gates(line)).startswith(f"gates.faithfulness.provenance{says}")


CUSTOM = "injector: {factory: 'a:b'}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{rate: 2}", "probes.rate: must be a number at least 0 and at most 1, not 2"),
        ("{rate: 0.01}", "probes.labelled: missing; name labelled files, or a probes.injector"),
        ("{rate: 0.01, labelled: ['']}", "probes.labelled: with an empty entry"),
        (f"{{rate: 0.1, labelled: [x], {CUSTOM}}}", "probes.injector: probes are rows of probes.labelled, or made by"),
        ("{rate: 0.1, kinds: {parametrik: 1}}", "probes.kinds.parametrik: unknown key; did you mean 'parametric'?"),
        ("{rate: 0.1, kinds: {parametric: -1}}", "probes.kinds.parametric: must be a number at least 0, not -1"),
        (
            f"{{rate: 0.1, {CUSTOM}, kinds: {{" + ", ".join(f"{kind.value}: 0" for kind in FlawKind) + "}}",
            "probes.kinds: every weight is 0, but probes.rate is 0.1",
        ),
        ("{injector: {factory: 'a:b', verifier: x}}", "probes.injector.verifier: is for the place of a factory"),
        ("{injector: {verifier: large}}", "probes.injector.verifier: there is no pool 'large'"),
        (
            "{injector: {verifier: generator}}",
            "probes.injector.verifier: the pool 'generator' writes the flaws, so it cannot check them",
        ),
        (
            "{injector: {verifier: generator-large}}",
            "probes.injector.verifier: the pool 'generator-large' has replicas.min 0; autoscaling does not see",
        ),
        (
            "{injector: {factory: 'a:b', options: {api_key: x}}}",
            "probes.injector.options.api_key: looks like a secret",
        ),
    ],
)
def test_mistakes_in_probes(text: str, says: str) -> None:
    """One line, with the key's path."""
    assert refusal(probes(text)).startswith(says)


def test_who_vouches_for_no_good_sample_is_asked_for_none() -> None:
    """A verifier sees a flaw or sees none: that nothing is wrong it does not say."""
    checked = WHOLE.replace("replicas: {min: 0", "replicas: {min: 1")
    verified = "injector: {verifier: generator-large}"
    assert refusal(f"{checked}probes: {{{verified}}}\n").startswith(
        "probes.good: 0.5, but a verifier vouches for no good sample"
    )
    assert load_text(f"{checked}probes: {{rate: 0.1, good: 0, {verified}}}\n").probes.good == 0


@pytest.mark.parametrize(
    "text", ["{rate: 0.2, labelled: [x]}", f"{{rate: 0.1, {CUSTOM}, kinds: {{parametric: 3}}, repair: false}}"]
)
def test_probes_may_change_on_any_resume(text: str) -> None:
    """No sample is made otherwise, and the ledger says of each probe all that its rates are made of."""
    assert difference(load_text(WHOLE), load_text(probes(text))) == []


@pytest.mark.parametrize(
    ("old", "says"),
    [
        ("injection: {rate: 0.1}", "injection: is probes now (its rate, kinds and injector)"),
        ("audit: {rate: 0.1}", "audit: is probes now (its rate, good and labelled)"),
    ],
)
def test_the_sections_of_earlier_versions_are_refused_with_the_new_name(old: str, says: str) -> None:
    """Their rates meant something else: spoilt orders, beside canaries."""
    assert refusal(f"{WHOLE}{old}\n").startswith(says)


def test_a_run_without_a_faithfulness_gate_has_nobody_to_show_passages_to() -> None:
    """Math is judged by its final answer, and its problems cannot be spoilt: both keys are refused by name."""
    math = MATH.read_text(encoding="utf-8")
    searching = math.replace("gates:\n", f"gates:\n  {BM25}\n")
    assert refusal(searching).startswith("gates.provenance: says what gates.faithfulness is shown")
    spoilt = f"{math}\nprobes: {{rate: 0.1, {CUSTOM}}}\n"
    assert refusal(spoilt).startswith("probes.labelled: missing; probes of math are rows of a labelled file")


def test_every_flaw_has_a_weight() -> None:
    """A flaw added later can be chosen and left out by its name."""
    assert set(Probing().weights) == {kind.value for kind in FlawKind}


def _spoils(injector: NamedInjector, rate: float = 0.1) -> bool:
    config = replace(load_text(WHOLE), probes=Probing(rate=rate, injector=injector))
    return build_maker(config, build_task(config)).spoiling is not None


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        ("nowhere:there", "cannot be imported"),
        ("studies.almanac.injector:nobody", "cannot be imported"),
        ("builtins:dict", "does not take these options"),
        ("builtins:pow", "does not take these options"),
    ],
)
def test_a_factory_that_cannot_be_used_is_told_before_anything_starts(factory: str, says: str) -> None:
    """A typing mistake in the factory's name: one line with the key, not a conductor that dies on a cluster."""
    with pytest.raises(ConfigError, match=says):
        _spoils(NamedInjector(factory=factory))


def test_nothing_is_built_for_a_rate_of_nothing() -> None:
    """The default sends no probe, and a factory nobody needs is not even looked for."""
    assert not _spoils(NamedInjector())
    assert not _spoils(NamedInjector(factory="nowhere:there"), rate=0.0)
    assert _spoils(NamedInjector(factory="tests.doubles.probed:wrong_name"))
    assert _spoils(NamedInjector(verifier="generator-large"))
