"""What a person may write into a run's YAML file, and what each mistake is told."""

# ruff: noqa: E501  (the table of mistakes reads best with each message on one line)

from pathlib import Path
from typing import Annotated

import pytest
from msgspec.structs import replace

from deployments.config.load import check_models, difference, load, load_text, to_yaml
from deployments.config.rules import is_local
from deployments.config.schema import Section, change_of, facts, is_section, sections
from schemas.config_base import Change, Config
from schemas.config_base import section as words_alone
from schemas.config_engines import TransformersEngine
from schemas.config_gates import gate_models
from schemas.errors import ConfigError, ModelError
from schemas.verdicts import FAITHFULNESS

WHOLE = """
corpus: {paths: [./documents]}
task: {kind: grounded_answer, samples_per_passage: 2}
pools:
  generator: {engine: {kind: transformers, model: ./models/small}}
  generator-large: {engine: {kind: vllm, model: org/large, max_model_len: 512}, replicas: {min: 0, max: 2}}
gates:
  faithfulness: {form: classifier, threshold: 0.5, engine: {kind: custom, factory: "doubles:judge", options: {bad: 0.1}}}
  reward: {form: llm, engine: {kind: http, model: x, base_url: "http://localhost:8000/v1", api_key_env: THE_KEY}}
recovery: {escalate_to: generator-large}
"""
CONFIG = load_text(WHOLE)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_text(text, "quick.yaml")
    message = str(raised.value)
    assert message.startswith("quick.yaml: ")
    assert "\n" not in message
    return message.removeprefix("quick.yaml: ")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("threshold", "treshold", "gates.faithfulness.treshold: unknown key; did you mean 'threshold'?"),
        ("threshold: 0.5", "threshold: 1.5", "gates.faithfulness.threshold: must be a number at least 0 and at most 1, not 1.5"),
        ("threshold: 0.5", "threshold: high", "gates.faithfulness.threshold: must be a number at least 0 and at most 1, not 'high'"),
        ("threshold: 0.5", "threshold: .nan", "gates.faithfulness.threshold: must be a number at least 0 and at most 1, not nan"),
        ("threshold: 0.5", "threshold: 50%", "gates.faithfulness.threshold: must be a number at least 0 and at most 1, not '50%'"),
        ("threshold: 0.5", "device: cpu", "gates.faithfulness.device: unknown key; the keys here are engine, replicas, price, kind, threshold, share, reads, positive_label, provenance"),
        ("form: classifier", "form: clasifier", "gates.faithfulness.form: must be one of classifier, token, likelihood, llm, cascade, verifier, execution, tests, rule, custom, not 'clasifier'; did you mean 'classifier'?"),
        ("form: classifier", "from: classifier", "gates.faithfulness.from: unknown key; did you mean 'form'?"),
        ("form: classifier, ", "", "gates.faithfulness.form: missing; it must be one of classifier, token, likelihood, llm, cascade, verifier, execution, tests, rule, custom"),
        ("kind: vllm", "kind: vlm", "pools.generator-large.engine.kind: must be one of vllm, transformers, http, custom, pool, not 'vlm'; did you mean 'vllm'?"),
        ("kind: vllm", "kind: [vllm]", "pools.generator-large.engine.kind: must be one of vllm, transformers, http, custom, pool, not a list; did you mean 'vllm'?"),
        ("kind: vllm, ", "kind: vllm, engine_args: {max_num_seq: 4}, ", "pools.generator-large.engine.engine_args.max_num_seq: unknown key; did you mean 'max_num_seqs'?"),
        ("kind: vllm, ", "kind: vllm, engine_args: {max_num_seqs: many}, ", "pools.generator-large.engine.engine_args.max_num_seqs: must be a whole number or a number or true or false, not 'many'"),
        ("kind: vllm, ", "kind: vllm, engine_args: {trust_remote_code: true}, ", "pools.generator-large.engine.engine_args.trust_remote_code: not passed to vLLM: code beside a model is never run"),
        ("kind: vllm, ", "kind: vllm, engine_args: {quantization: fp8}, ", "pools.generator-large.engine.engine_args.quantization: not passed to vLLM: it is model_args.quantization"),
        ("kind: vllm, ", "kind: vllm, engine_args: {seed: 1}, ", "pools.generator-large.engine.engine_args.seed: not passed to vLLM: each request has a seed of its own, from the run's"),
        ("kind: vllm, ", "kind: vllm, engine_args: {swap: 1}, ", "pools.generator-large.engine.engine_args.swap: unknown key; the keys here are block_size, cpu_offload_gb, disable_custom_all_reduce, enable_expert_parallel, enable_prefix_caching, enforce_eager, gpu_memory_utilization, kv_cache_memory_bytes, max_num_batched_tokens, max_num_seqs, pipeline_parallel_size, tensor_parallel_size"),
        ("kind: vllm, ", "kind: vllm, model_args: {seed: 1}, ", "pools.generator-large.engine.model_args.seed: unknown key; the keys here are kv_cache_dtype, quantization, speculative_config"),
        ("kind: vllm, ", "kind: vllm, model_args: {quantization: 8}, ", "pools.generator-large.engine.model_args.quantization: must be text or a section of keys, not 8"),
        ("kind: vllm, ", "kind: vllm, model_args: {quantization: {bits: 8}}, ", "pools.generator-large.engine.model_args.quantization: must be text, as vLLM has it"),
        ("kind: vllm, ", "kind: vllm, model_args: {speculative_config: {method: eagle}}, ", "pools.generator-large.engine.model_args.speculative_config.method: must be one of ngram, ngram_gpu, suffix, which load no second model"),
        ("kind: vllm, ", "kind: vllm, model_args: {speculative_config: {method: ngram, model: org/draft}}, ", "pools.generator-large.engine.model_args.speculative_config.model: a second model is not loaded; leave it out"),
        ("kind: vllm, ", "kind: vllm, model_args: {speculative_config: {method: ngram}}, dtype: fp16, ", "pools.generator-large.engine.dtype: must be one of auto, bfloat16, float16, float32, not 'fp16'"),
        ("kind: vllm, ", "kind: vllm, dtype: fp16, ", "pools.generator-large.engine.dtype: must be one of auto, bfloat16, float16, float32, not 'fp16'"),
        ("kind: grounded_answer", "kind: grounded", "task.kind: must be one of grounded_answer, math, sql, code, custom, prompted, not 'grounded'; did you mean 'grounded_answer'?"),
        ("samples_per_passage: 2", "samples_per_passage: 0", "task.samples_per_passage: must be a whole number at least 1 and at most 64, or auto, or a section of at_most and patience, not 0"),
        ("samples_per_passage: 2", "samples_per_passage: 2.5", "task.samples_per_passage: must be a whole number at least 1 and at most 64, or auto, or a section of at_most and patience, not 2.5"),
        ("samples_per_passage: 2", "samples_per_passage: yes", "task.samples_per_passage: must be a whole number at least 1 and at most 64, or auto, or a section of at_most and patience, not true"),
        ("samples_per_passage: 2", "samples_per_passage: atuo", "task.samples_per_passage: must be a whole number at least 1 and at most 64, or auto, or a section of at_most and patience, not 'atuo'"),
        ("samples_per_passage: 2", "samples_per_passage: {at_mots: 3}", "task.samples_per_passage.at_mots: unknown key; did you mean 'at_most'?"),
        ("samples_per_passage: 2", "samples_per_passage: {at_most: 0}", "task.samples_per_passage.at_most: must be a whole number at least 1 and at most 64, not 0"),
        ("samples_per_passage: 2", "samples_per_passage: {at_most: 2}, samples_per_call: 3", "task.samples_per_call: 3 is more than task.samples_per_passage (2)"),
        ("samples_per_passage: 2", "samples_per_passage: 2, samples_per_call: 3", "task.samples_per_call: 3 is more than task.samples_per_passage (2)"),
        ("samples_per_passage: 2", "samples_per_passage: 2, samples_per_call: 2, prompts: embedded", "task.samples_per_call: must be 1 with prompts: embedded, whose models were trained to write one sample at a time"),
        ("samples_per_passage: 2", "samples_per_passage: 2, samples_per_call: 2", "pools.generator-large.engine.max_model_len: 512 leaves no room for a prompt beside task.sampling.max_tokens of task.samples_per_call samples (512)"),
        ("  reward: {", "  second: {form: llm, kind: faithfulness, drafts_per_call: 2, provenance: {mode: none}, engine: {kind: custom, factory: \"a:b\"}}\n  reward: {", "gates.second.drafts_per_call: drafts share a call to be judged against their own passage; leave it out with this provenance.mode"),
        ("[./documents]", "./documents", "corpus.paths: must be a list, each text, not './documents'"),
        ("[./documents]", "[]", "corpus.paths: missing; name files or folders, or give corpus.none: the number of orders without passages"),
        ("[./documents]", "[a, 7]", "corpus.paths[1]: must be text, not 7"),
        ("[./documents]", "[' ']", "corpus.paths: empty, or with an empty entry"),
        ("[./documents]", '["a\\nb"]', "corpus.paths[0]: 'a\\nb' holds a character that cannot be printed"),
        ("[./documents]", "[a], encoding: utf8x", "corpus.encoding: 'utf8x' is no text encoding; did you mean 'utf-8'?"),
        ("corpus: {paths: [./documents]}", "", "corpus: missing; it must be a section of keys"),
        ("corpus: {paths: [./documents]}", "corpus: documents", "corpus: must be a section of keys, not 'documents'"),
        ("corpus: {paths: [./documents]}", "corpus:", "corpus: must be a section of keys, not null"),
        ("max: 2", "max: 0", "pools.generator-large.replicas.max: must be a whole number at least 1, not 0"),
        ("min: 0", "min: 3", "pools.generator-large.replicas.min: 3 is more than replicas.max (2)"),
        ("max_model_len: 512", "max_model_len: 256", "pools.generator-large.engine.max_model_len: 256 leaves no room for a prompt beside task.sampling.max_tokens (256)"),
        ("model: org/large", "model: ''", "pools.generator-large.engine.model: empty; name a model folder or a Hugging Face model"),
        ("  generator:", "  genarator:", "pools: there is no pool 'generator', where fresh orders go; did you mean 'genarator'?"),
        ("  generator:", "  Other: {engine: {kind: vllm, model: m}}\n  generator:", "pools.Other: a pool's name is of lower-case letters, digits, _ and -, beginning with a letter"),
        ("escalate_to: generator-large", "escalate_to: generator-lage", "recovery.escalate_to: there is no pool 'generator-lage'; did you mean 'generator-large'?"),
        ("recovery:", "name: Run 1\nrecovery:", "name: must be a name of lower-case letters, digits, _ and - that begins with a letter, not 'Run 1'"),
        ("recovery:", "ray_address: head\nrecovery:", "ray_address: must be auto, host:port or ray://host:port, not 'head'"),
        ("recovery:", "conductors: {hop_timeout_s: .inf}\nrecovery:", "conductors.hop_timeout_s: must be a finite number, not inf"),
        ("recovery:", "name: a\nname: b\nrecovery:", "line 11, column 1: the key 'name' is there twice"),
        ("recovery:", "on: a\nrecovery:", "line 10, column 1: the key true is not text; write it in quotes"),
        ("recovery:", "\tname: a\nrecovery:", "line 10, column 1: found character '\\t' that cannot start any token"),
        ("recovery:", "name: !!int x\nrecovery:", "a value that cannot be read: invalid literal for int() with base 10: 'x'"),
        ("recovery:", "name: !!python/name:os.system x\nrecovery:", "line 10, column 7: could not determine a constructor for the tag 'tag:yaml.org,2002:python/name:os.system'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line(old: str, new: str, says: str) -> None:
    """Where, what, what is allowed, and the nearest name: enough to mend it without the manual."""
    assert WHOLE.count(old) >= 1
    assert refusal(WHOLE.replace(old, new, 1)) == says


@pytest.mark.parametrize(
    "secret",
    [
        WHOLE.replace("THE_KEY", "sk-hunter2"),
        WHOLE.replace("http://localhost", "http://me:hunter2@localhost"),
        WHOLE.replace("./documents", "s3://me:hunter2@bucket"),
        WHOLE.replace("bad: 0.1", "api_key: hunter2"),
        WHOLE.replace("api_key_env: THE_KEY", "api_key: hunter2"),
    ],
)
def test_secrets_are_refused_and_not_repeated(secret: str) -> None:
    """A pasted key ends neither in the output folder nor on the screen."""
    assert "hunter2" in secret
    assert "hunter2" not in refusal(secret)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("[]", "must be a section of keys, not an empty list"),
        ("text", "must be a section of keys, not 'text'"),
        ("{", "line 1, column 2: expected the node content, but found '<stream end>'"),
        ("a: b: c", "line 1, column 5: mapping values are not allowed here"),
        ("a: &a [*a]", "a: unknown key; the keys here are corpus, task, pools"),
        ("[" * 3000, "a value that cannot be read: maximum recursion depth exceeded"),
        ("\0", "not YAML: unacceptable character #x0000"),
        ("--- a\n--- b", "line 2, column 1: but found another document"),
    ],
)
def test_what_is_no_configuration_at_all(text: str, says: str) -> None:
    """An empty file, another file, a broken one: one line as well, which says what is wrong and where."""
    assert refusal(text).startswith(says)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A wrong name, a folder, a binary file: the path and the nearest name."""
    (tmp_path / "quickstart.yaml").write_text(WHOLE)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (2 << 20))
    for name, says in {
        "quikstart.yaml": "No such file or directory; did you mean 'quickstart.yaml'?",
        "": "Is a directory",
        "binary.yaml": "not a YAML file in UTF-8 (byte 0)",
        "huge.yaml": "larger than 1 MiB, so hardly a configuration",
    }.items():
        with pytest.raises(ConfigError) as raised:
            load(tmp_path / name)
        assert str(raised.value) == f"{tmp_path / name}: {says}"


# Paths and models


def test_paths_begin_at_the_file(tmp_path: Path) -> None:
    """Models become absolute, hub names stay; corpus paths stay as written, and `base` says where they begin."""
    (tmp_path / "runs").mkdir()
    file = tmp_path / "runs/run.yaml"
    file.write_text(
        WHOLE.replace("./models/small", "../models/small").replace("]}\n", "], chunking: {tokenizer: ./t.json}}\n", 1)
    )
    config = load(file)
    assert config.pools["generator"].engine.model == str(tmp_path / "models/small")
    assert config.pools["generator-large"].engine.model == "org/large"
    assert config.corpus.paths == ("./documents",)
    assert config.corpus.base == str(tmp_path / "runs")
    assert config.corpus.chunking.tokenizer == str(tmp_path / "runs/t.json")


def test_a_resolved_configuration_is_itself(tmp_path: Path) -> None:
    """The run.yaml in the output folder, read from there, is the same run: nothing is resolved twice."""
    (tmp_path / "out").mkdir()
    (tmp_path / "run.yaml").write_text(WHOLE)
    config = load(tmp_path / "run.yaml")
    (tmp_path / "out/run.yaml").write_text(to_yaml(config))
    assert load(tmp_path / "out/run.yaml") == config


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("./a", True),
        ("../a", True),
        ("/a/b", True),
        ("~/a", True),
        ("a/b/c", True),
        ("a b", True),
        ("org/name-1.5_B", False),
        ("org/name@v1.2", False),
        ("./a@b", True),
        ("gpt2", False),
        ("s3://bucket/model", False),
    ],
)
def test_local_models_and_hub_names(name: str, local: bool) -> None:
    """`org/name` is of the hub; whatever cannot be, is a path."""
    assert is_local(name) is local


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    """A mistyped model folder is told before Ray starts, with the nearest name beside it."""
    (tmp_path / "models/smal").mkdir(parents=True)
    (tmp_path / "run.yaml").write_text(WHOLE)
    config = load(tmp_path / "run.yaml")
    with pytest.raises(ModelError) as raised:
        check_models(config)
    assert str(raised.value) == (
        f"pools.generator.engine.model: {tmp_path}/models/small does not exist: "
        f"there is no 'small' in {tmp_path}/models; did you mean 'smal'?"
    )
    (tmp_path / "models/small").mkdir()
    with pytest.raises(ModelError, match=r"small is not a model folder: it holds no config\.json$"):
        check_models(config)
    (tmp_path / "models/small/config.json").write_text("{}")
    check_models(config)
    chunking = replace(config.corpus.chunking, tokenizer=str(tmp_path / "models/small"))
    with pytest.raises(ModelError, match=r"^corpus\.chunking\.tokenizer: .* holds no tokenizer\.json$"):
        check_models(replace(config, corpus=replace(config.corpus, chunking=chunking)))


# Identity


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.cls.__name__)
def test_every_key_has_words_and_one_class(section: Section) -> None:
    """A setting added later fails here until somebody says what it is for and when it may change."""
    for field in section.type.fields:
        fact = facts(section.cls)[field.name]
        assert fact.words
        if not is_section(field.type) or field.default is None:
            assert isinstance(fact.change, Change)
    assert isinstance(section.choice, Change) or section.type.tag_field is None


def test_a_key_without_a_class_or_words_is_found() -> None:
    """The walk is no formality: a key that nobody classified or explained is named."""

    class Careless(Config, frozen=True):
        silent: int = 0

    class Unclassified(Config, frozen=True):
        some: Annotated[int, words_alone("Something.")] = 0

    with pytest.raises(LookupError, match=r"Careless\.silent has no words"):
        facts(Careless)
    with pytest.raises(LookupError, match=r"Unclassified\.some has no class"):
        change_of(Unclassified, "some")


def test_numbers_as_people_write_them() -> None:
    """1e-3 is a number and "1e-3" a text, written and read."""
    config = load_text(WHOLE.replace("threshold: 0.5", "threshold: 1e-3").replace("org/large", '"1e-3"'))
    assert gate_models(config.gates)[FAITHFULNESS].threshold == 0.001
    assert config.pools["generator-large"].engine.model == "1e-3"
    assert load_text(to_yaml(config)) == config


def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """`${NAME}` is a text like any other: what a file says does not depend on who reads it."""
    monkeypatch.setenv("GLEANER_TEST", "x")
    config = load_text(WHOLE.replace("./models/small", "'${GLEANER_TEST}'"))
    assert config.pools["generator"].engine == TransformersEngine(model="${GLEANER_TEST}")


MATH = """
corpus: {paths: [./p.jsonl], text_field: question, answer_field: answer}
task: {kind: math, samples_per_passage: 2}
pools: {generator: {engine: {kind: transformers, model: ./models/small}}}
gates: {verifier: {timeout_s: 2}}
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{verifier: {timeout_s: 2}}", "{}\ncredit: {}", "credit: rollouts are verified; gates needs one of form verifier"),
        (", answer_field: answer", "", "corpus.answer_field: missing; it must be the field that holds the problems' reference answers"),
        ("{verifier: {timeout_s: 2}}", "{verifier: {}, faithfulness: {form: llm, engine: {kind: vllm, model: m}}}", "gates.faithfulness: has nothing to check when task.kind is math"),
        ("timeout_s: 2", "timeout_s: 0", "gates.verifier.timeout_s: must be a number greater than 0, not 0"),
        ("timeout_s: 2", "memory_mib: 64", "gates.verifier.memory_mib: must be a whole number at least 128 and at most 65,536, not 64"),
        ("timeout_s: 2", "process: 2", "gates.verifier.process: unknown key; did you mean 'processes'?"),
        ("kind: math, ", "", "task.kind: missing; it must be one of grounded_answer, math, sql, code, custom, prompted"),
    ],
)  # fmt: skip
def test_mistakes_in_a_math_run(old: str, new: str, says: str) -> None:
    """What the task needs and what it has no use for, in one line."""
    assert refusal(MATH.replace(old, new)) == says


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  reward:", "  verifier: {}\n  reward:", "gates.verifier: has nothing to check when task.kind is grounded_answer"),
        ("{paths: [./documents]}", "{paths: [./documents], answer_field: a}", "corpus.answer_field: only problems (task.kind math or code) have reference answers"),
    ],
)  # fmt: skip
def test_reference_answers_are_for_math(old: str, new: str, says: str) -> None:
    """A grounded run has none to verify against."""
    assert refusal(WHOLE.replace(old, new)) == says


def test_a_run_has_as_many_gates_as_it_likes() -> None:
    """One of the usual pair, none, or a third beside them; but that there are none must be said."""
    text = "".join(line + "\n" for line in WHOLE.splitlines() if not line.startswith("  reward:"))
    assert list(load_text(text).gates) == ["faithfulness"]
    assert load_text(MATH.replace("{verifier: {timeout_s: 2}}", "{}")).gates == {}
    assert refusal(MATH.replace("gates: {verifier: {timeout_s: 2}}\n", "")).startswith("gates: missing")


def test_a_math_run_is_itself_again_and_may_be_resumed_with_other_limits() -> None:
    """Written out and read back it is the same; more time or processes make no other samples, another bound does."""
    config = load_text(MATH)
    assert load_text(to_yaml(config)) == config
    assert (
        difference(config, load_text(MATH.replace("timeout_s: 2", "timeout_s: 9, processes: 8, memory_mib: 512"))) == []
    )
    (line,) = difference(config, load_text(MATH.replace("timeout_s: 2", "max_characters: 99")))
    assert line == "gates.verifier.max_characters: 1000 → 99"
