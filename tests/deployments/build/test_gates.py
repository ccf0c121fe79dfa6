"""Gates as a configuration names them: what is refused, what an older file means, and a gate of one's own in a run."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.audit.configured import configured
from actors.dataset.rows import sample_schema
from actors.gates.rules import NAMES
from actors.ledger.sqlite import MemoryLedger
from actors.metrics.metric import ENGINE
from deployments.build.gates import inside_gates
from deployments.cli import app
from deployments.config.identity import differences
from deployments.config.load import load_text, to_yaml
from deployments.local.loop import conduct_in_process
from deployments.run import run
from schemas.config import RunConfig
from schemas.config_base import Change
from schemas.config_gates import RESERVED, Judging, kinds
from schemas.credit import ROLLOUTS
from schemas.errors import ConfigError
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Rejoined
from schemas.orders import STALE, Attempt
from schemas.probes import PROBES
from schemas.stages import GENERATE, SETTLE
from schemas.verdicts import ALWAYS_ASKED, FAITHFULNESS, KNOWN_GATES, Passed, Rejected
from tests.oracle.worlds import GROUNDED, grounded

ROOT = Path(__file__).parents[3]
INSTANT = '{kind: custom, factory: "tests.doubles.engines:instant"}'
LENGTH = '{form: rule, check: "examples.gates.length:check"}'


def run_of(*gates: str) -> str:
    """The oracle's grounded run with these entries beside the usual two."""
    return GROUNDED.replace("gates:\n", "gates:\n" + "".join(f"  {gate}\n" for gate in gates))


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_text(text, "run.yaml")
    assert "\n" not in str(raised.value)
    return str(raised.value).removeprefix("run.yaml: ")


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ("Short: {form: rule, check: 'True'}", "gates.Short: a gate's name is of lower-case letters, digits and _"),
        ("format: {form: rule, check: 'True'}", "gates.format: is the name of something that every run has"),
        ("settle: {form: rule, check: 'True'}", "gates.settle: is the name of something that every run has"),
        ("generator: {form: rule, check: 'True'}", "gates.generator: is the name of a pool too"),
        ("short: {form: rule}", "gates.short.check: missing; it must be text"),
        ("short: {form: rule, check: 'words(anser) < 3'}", "gates.short.check: 'anser' is unknown; a rule may name"),
        ("short: {form: rule, check: 'answer.x'}", "gates.short.check: cannot stand in a rule"),
        ("short: {form: rule, check: \"matches(answer, '(')\"}", "gates.short.check: no pattern: missing ):"),
        ("short: {form: rule, check: 'True', modes: {Bad: resample}}", "gates.short.modes.Bad: a failure mode's name"),
        (
            "short: {form: rule, check: 'True', modes: {bad: restart}}",
            "gates.short.modes.bad: there is no repair",
        ),
        ("short: {form: rule, check: 'True', modes: {a: resample, b: resample}}", "gates.short.modes: an expression's"),
        ("mine: {form: custom, check: my_gate}", "gates.mine.check: must be 'module:function', not 'my_gate'"),
        (
            "mine: {form: custom, check: 'a:b', options: {api_key: x}}",
            "gates.mine.options.api_key: looks like a secret",
        ),
        ("mine: {form: custom, chek: 'a:b'}", "gates.mine.chek: unknown key; did you mean 'check'?"),
        (f"strict: {{form: classifier, engine: {INSTANT}}}", "gates.strict.kind: missing; it must be one of faithful"),
        (
            f"strict: {{form: likelihood, engine: {INSTANT}, provenance: {{mode: none}}}}",
            "gates.strict.provenance.mode: must be exact or retrieved; form: likelihood weighs what a source adds",
        ),
        (
            f"strict: {{form: token, kind: faithfulness, engine: {INSTANT}, preset: minichek}}",
            "gates.strict.preset: must be one of minicheck or null, not 'minichek'",
        ),
        (
            f"strict: {{form: token, kind: faithfulness, engine: {INSTANT}, preset: minicheck, ask: 'Well?'}}",
            "gates.strict.ask: preset: minicheck has its own; leave one of them out",
        ),
        (
            f"strict: {{form: token, kind: reward, engine: {INSTANT}, preset: minicheck}}",
            "gates.strict.preset: minicheck judges against a source; kind must be faithfulness",
        ),
        (
            f"a: {{form: token, kind: faithfulness, engine: {INSTANT}, preset: minicheck, provenance: {{mode: none}}}}",
            "gates.a.provenance.mode: must be exact or retrieved; preset: minicheck is shown a source",
        ),
        (
            "a: {form: classifier, kind: reward, reads: pair, engine: {kind: http, base_url: 'http://x/v1', model: m}}",
            "gates.a.reads: pair: a server's /classify reads one text, no pairs",
        ),
        (
            f"a: {{form: classifier, kind: reward, reads: sentences, engine: {INSTANT}}}",
            "gates.a.reads: sentences: each is held against a source; kind must be faithfulness, or reads: pair",
        ),
        (
            f"a: {{form: classifier, kind: faithfulness, reads: pair, engine: {INSTANT}, provenance: {{mode: none}}}}",
            "gates.a.provenance.mode: must be exact or retrieved; reads: pair needs a source",
        ),
        (
            f"a: {{form: token, kind: reward, engine: {INSTANT}, scale: [1, 2, 10]}}",
            "gates.a.scale: '10' begins with the letter of '1', and the first token may hold no more of it",
        ),
        (
            f"a: {{form: token, kind: reward, engine: {INSTANT}, scale: [1]}}",
            "gates.a.scale: must have two labels or more, from the worst to the best",
        ),
        (
            f"a: {{form: token, kind: reward, engine: {INSTANT}, scale: [1, 2], positive: Good}}",
            "gates.a.scale: stands in place of positive and negative; leave one of them out",
        ),
        (
            f"a: {{form: token, kind: reward, engine: {INSTANT}, scale: 5}}",
            "gates.a.scale: must be a list, each text or a whole number or null, not 5",
        ),
        (
            "a: {form: llm, kind: reward, drafts_per_call: 4, engine: {kind: vllm, model: m, max_model_len: 2048}}",
            "gates.a.max_tokens: drafts_per_call (4) times max_tokens (512) is 2,048, and its model's max_model_len",
        ),
        (
            "a: {form: llm, kind: reward, max_tokens: 999, engine: {kind: vllm, model: m, max_model_len: 900}}",
            "gates.a.max_tokens: max_tokens is 999, and its model's max_model_len (900) leaves no room for a prompt",
        ),
        ("verifier: {form: rule, check: 'True'}", "gates.verifier.form: must be verifier, as the name says"),
        ("verifier: {}", "gates.verifier: has nothing to check when task.kind is grounded_answer"),
        (
            f"strict: {{form: llm, kind: reward, engine: {INSTANT}, provenance: {{mode: none}}}}",
            "gates.strict.provenance: says what a faithfulness judge is shown, and this is none",
        ),
        (
            f"strict: {{form: token, kind: reward, engine: {INSTANT}, positive: Yes}}",
            "gates.strict.positive: must be a text (Yes and No in quotes) or a list of texts, not true",
        ),
        (
            f"strict: {{form: token, kind: reward, engine: {INSTANT}, negative: [false, ' ']}}",
            "gates.strict.negative[0]: must be text, not false",
        ),
        (
            f"strict: {{form: token, kind: reward, engine: {INSTANT}, negative: [' ']}}",
            "gates.strict.negative: empty, or with an",
        ),
        (
            f"strict: {{form: token, kind: reward, engine: {INSTANT}, positive: []}}",
            "gates.strict.positive: empty, or with an",
        ),
        (
            f"strict: {{form: token, kind: reward, engine: {INSTANT}, positive: [Good, Nice]}}",
            "gates.strict.negative: 'No' begins with the letter of 'Nice', and the first token may hold no more of it",
        ),
    ],
)
def test_what_is_refused(gate: str, says: str) -> None:
    """When the configuration is loaded, in one line with the place."""
    assert refusal(run_of(gate)).startswith(says)


def test_no_gate_takes_a_name_that_metrics_know() -> None:
    """A series means one thing: stages, roles, checks and what stands for several gates."""
    taken = {PROBES, ROLLOUTS, STALE, ENGINE, GENERATE, SETTLE, *ALWAYS_ASKED, "none", "both", "several"}
    assert taken == RESERVED


def test_two_gates_repair_one_mode_in_one_way() -> None:
    """Who rejected first is chance; the repair is not."""
    gates = ("a: {form: rule, check: 'True', modes: {bad: resample}}",)
    other = "b: {form: rule, check: 'True', modes: {bad: lower_temperature}}"
    assert refusal(run_of(*gates, other)) == "gates.b.modes.bad: another gate has it repaired by resample"
    load_text(run_of(*gates, other.replace("lower_temperature", "resample")))


def test_an_older_file_means_what_it_meant() -> None:
    """Settings that stood among the gates, a null for a gate that there is not, a verifier without its form."""
    old = run_of("short_circuit: true", "duplicate_similarity: 0.8", "verifier: null", "provenance: {mode: none}")
    config = load_text(old)
    assert config.judging == Judging(True, 0.8)
    assert list(config.gates) == ["faithfulness", "reward"]
    assert load_text(to_yaml(config)) == config
    assert refusal(old + "judging: {short_circuit: false}\n").startswith(
        "gates.short_circuit: is judging.short_circuit now"
    )
    alone = old.replace("faithfulness:\n", "other:\n    kind: faithfulness\n")
    assert refusal(alone).startswith(
        "gates.provenance: says what gates.faithfulness is shown, and there is no such gate"
    )


def test_a_gate_is_a_key_that_a_replay_may_change() -> None:
    """One that comes, goes or judges otherwise: never a plain resume."""
    plain, more = load_text(GROUNDED), load_text(run_of(f"length: {LENGTH}"))
    found = differences(plain, more)
    assert {each.path for each in found} == {f"gates.length.{key}" for key in ("form", "check", "threshold", "modes")}
    assert {each.change for each in found} == {Change.REPLAY}


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ("nowhere:check", "gates.mine.check: nowhere:check cannot be imported: No module named 'nowhere'"),
        ("examples.gates.length:chek", "gates.mine.check: examples.gates.length:chek is not there"),
        ("actors.gates.own:errored", None),
        ("time:time", "gates.mine.check: time:time cannot be used"),
        ("asyncio:Lock", "gates.mine.check: asyncio:Lock is not there"),
    ],
)
def test_a_function_that_cannot_be_used(check: str, says: str | None) -> None:
    """Found before anything is asked."""
    config = load_text(run_of(f"mine: {{form: custom, check: '{check}'}}"))
    if says is None:
        inside_gates(config.gates)
        return
    with pytest.raises(ConfigError) as raised:
        inside_gates(config.gates)
    assert str(raised.value).startswith(says)


def test_a_run_without_its_function_does_not_begin(tmp_path: Path) -> None:
    """Before Ray is started and before the folder is made: one line."""
    (tmp_path / "corpus.jsonl").write_text('{"text": "Velmora was founded in 1623."}')
    text = run_of("mine: {form: custom, check: 'nowhere:check'}").replace("[unused]", f"[{tmp_path / 'corpus.jsonl'}]")
    with pytest.raises(ConfigError, match=r"gates\.mine\.check: nowhere:check cannot be imported"):
        run(load_text(text), tmp_path / "run")
    assert not (tmp_path / "run").exists()


async def attempts_of(config: RunConfig) -> tuple[list[Attempt], MemoryLedger]:
    ledger = MemoryLedger()
    await conduct_in_process(config, grounded().passages, ledger)
    ended = [r for r in ledger.kept if isinstance(r, Rejoined | AcceptedEnd | DeadLetteredEnd)]
    return [record.attempt for record in ended if record.attempt is not None], ledger


async def test_a_gate_in_one_file_and_one_line() -> None:
    """examples/gates/length.py and a line of YAML: asked of every draft, beside the usual two."""
    attempts, _ = await attempts_of(load_text(run_of(f"length: {LENGTH}")))
    judged = [attempt for attempt in attempts if attempt.candidate is not None and attempt.candidate.draft is not None]
    assert len(judged) > 30
    said = [verdict for attempt in judged for verdict in attempt.verdicts if verdict.gate == "length"]
    assert len(said) == len(judged)
    assert all(isinstance(verdict, Passed) and verdict.evidence.note.endswith(" words") for verdict in said)


async def test_a_rule_that_rejects_is_repaired_as_it_says() -> None:
    """Its mode is the diagnosis, its repair the next attempt's, its rejections are counted under its name."""
    rule = '{form: rule, check: "words(answer) > 99", modes: {too_short: strict_grounding}}'
    attempts, ledger = await attempts_of(load_text(run_of(f"long: {rule}")))
    rejected = [a for a in attempts if any(isinstance(v, Rejected) and v.gate == "long" for v in a.verdicts)]
    assert rejected and not any(isinstance(record, AcceptedEnd) for record in ledger.kept)
    assert {a.diagnosis.mode for a in rejected if a.diagnosis is not None} == {"too_short"}
    assert {a.repair.kind for a in attempts if a.repair is not None and a.number == 2} >= {"strict_grounding"}


async def test_two_judges_of_one_kind() -> None:
    """Two models against the source, each with its own threshold, both in the verdicts."""
    strict = f"strict: {{form: classifier, kind: faithfulness, threshold: 0.99, engine: {INSTANT}}}"
    config = load_text(run_of(strict))
    assert kinds(config.gates) == {"strict": "faithfulness", "faithfulness": "faithfulness", "reward": "reward"}
    attempts, _ = await attempts_of(config)
    thresholds = {
        v.threshold
        for a in attempts
        for v in a.verdicts
        if isinstance(v, Passed | Rejected) and v.gate == "strict" and a.number == 1
    }
    assert thresholds == {0.99}


async def test_no_gate() -> None:
    """What can be read and has its exact passage is accepted."""
    text = GROUNDED[: GROUNDED.index("gates:")] + "gates: {}\n" + GROUNDED[GROUNDED.index("recovery:") :]
    attempts, ledger = await attempts_of(load_text(text))
    assert sum(isinstance(record, AcceptedEnd) for record in ledger.kept) > 30
    assert {verdict.gate for attempt in attempts for verdict in attempt.verdicts} <= set(KNOWN_GATES)


def test_own_gates_have_a_column_behind_the_usual_ones() -> None:
    """A reader of the usual columns finds them where they were."""
    names = [field.name for field in sample_schema(["reward", "length"]).field("scores").type]
    assert names == [*KNOWN_GATES, "length"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["examples.gates.length:check"], 0, "nothing failed"),
        (["tests.deployments.build.test_gates:gives_nothing"], 2, "failed  it judges a plain sample: it cannot judge"),
        (["length"], 2, "give module:function"),
        (["nowhere:check"], 2, "cannot be imported"),
        (["examples.gates.length:check", "--reply", "reply.txt"], 2, "--reply is for a task"),
        (["examples.repairs.shorter:shorter", "--draft", "draft.json"], 2, "--draft is for a gate"),
    ],
)
def test_the_check_of_a_gate(arguments: list[str], code: int, says: str) -> None:
    """A line for each check; exit code 2 where one failed: the mistake is the gate's author's."""
    done = CliRunner().invoke(app, ["check", *arguments])
    assert done.exit_code == code
    assert says in " ".join((done.output + done.stderr).split()).replace("failed it", "failed  it")


def test_the_check_of_a_runs_gate(tmp_path: Path) -> None:
    """By its name, with the configuration's threshold and modes; as JSON."""
    path = tmp_path / "run.yaml"
    path.write_text(run_of("short: {form: rule, check: 'words(answer) < 50', modes: {too_long: resample}}"))
    done = CliRunner().invoke(app, ["check", "short", "--config", str(path), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert {each["outcome"] for each in told["findings"]} <= {"passed", "noted"}


def gives_nothing(request: object) -> None:
    """A gate that forgot to return."""


def test_the_page_of_gates_is_a_configuration() -> None:
    """What a reader copies from docs/gates.md loads, and so does README's run."""
    page = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
    block = page.split("```yaml\n", 1)[1].split("```", 1)[0]
    before = GROUNDED[: GROUNDED.index("gates:")]
    config = load_text(before + block + GROUNDED[GROUNDED.index("recovery:") :])
    assert list(config.gates) == [
        "faithfulness",
        "reward",
        "second_opinion",
        "third_opinion",
        "short",
        "no_refusal",
        "mine",
    ]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert list(load_text(readme.split("```yaml\n", 1)[1].split("```", 1)[0]).gates) == ["faithfulness", "reward"]
    calls = {name for name in NAMES if f"{name}(" in page}
    assert calls == set(NAMES)


def test_the_audit_knows_who_judges_against_the_source() -> None:
    """Its second hand reads run.yaml by itself: a repaired sample's raised bar is accused of no form."""
    kind, engine = "kind: faithfulness", f"engine: {INSTANT}"
    gates = (f"a: {{form: classifier, {kind}, {engine}}}", f"b: {{form: token, {kind}, {engine}}}")
    config = load_text(run_of(*gates, f"c: {{form: likelihood, {engine}}}", f"d: {{form: llm, {kind}, {engine}}}"))
    read = configured(to_yaml(config).encode())
    assert read is not None
    assert read.against_source == {name for name, of in kinds(config.gates).items() if of == FAITHFULNESS}
    assert {"a", "b", "c", "d"} <= read.against_source
