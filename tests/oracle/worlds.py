"""Fixed worlds on instant engines, with every way an order can go: accepted at once, repaired, rejected, malformed,
failed, credited and restarted. Nothing depends on time, on order of arrival or on a path."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from deployments.config.load import load_text
from schemas.config import RunConfig
from schemas.corpus import Passage, Provenance
from schemas.ids import DocumentId
from tests.doubles.engines import InstantEngine
from tests.doubles.step_solver import StepSolver, StepWorld

GROUNDED = """
name: oracle-grounded
seed: 7
corpus: {paths: [unused]}
task: {kind: grounded_answer, samples_per_passage: 3, prompts: embedded}
pools:
  generator:
    engine:
      kind: custom
      factory: "tests.doubles.engines:instant"
      options: {malformed: 0.15, failing: 0.05}
gates:
  faithfulness:
    form: classifier
    engine: {kind: custom, factory: "tests.doubles.engines:instant", options: {rejected: 0.45}}
  reward:
    form: classifier
    engine: {kind: custom, factory: "tests.doubles.engines:instant"}
recovery: {policy: rules, max_attempts: 3}
conductors: {count: 2, concurrency: 8, hop_retries: 1}
dataset: {rows_per_shard: 10, flush_s: 1}
"""

MATH = """
name: oracle-math
seed: 7
corpus: {paths: [unused], text_field: question, answer_field: answer}
task: {kind: math, samples_per_passage: 3}
pools:
  generator: {engine: {kind: custom, factory: "tests.doubles.engines:instant"}}
gates:
  verifier: {timeout_s: 20, processes: 1}
recovery: {policy: rules, max_attempts: 3}
credit: {token_share: 1.0, max_rollouts: 24}
conductors: {count: 1, concurrency: 8}
dataset: {rows_per_shard: 10, flush_s: 1}
"""


TOGETHER = """
name: oracle-together
seed: 7
corpus: {paths: [unused]}
task: {kind: custom, task: "tests.oracle.threes:Threes", samples_per_passage: 5}
pools:
  generator:
    engine:
      kind: custom
      factory: "tests.doubles.engines:instant"
      options: {malformed: 0.15, failing: 0.05}
gates:
  faithfulness:
    form: classifier
    engine: {kind: custom, factory: "tests.doubles.engines:instant", options: {rejected: 0.45}}
recovery: {policy: rules, max_attempts: 3}
conductors: {count: 2, concurrency: 8, hop_retries: 1}
dataset: {rows_per_shard: 10, flush_s: 1}
"""


PROBES = """
probes: {rate: 0.7, good: 0.3, injector: {factory: "tests.doubles.probed:wrong_name"}}
"""


class World(Struct, frozen=True):
    """A run's configuration and passages. `pools`: engines that a configuration cannot name."""

    config: RunConfig
    passages: tuple[Passage, ...]
    solver: Callable[[], InstantEngine] | None = None


def grounded() -> World:
    """Questions and answers that a classifier scores by their words."""
    texts = [
        " ".join(f"entry{number}word{place}" for place in range(40)) for number in range(14)
    ]  # as `benchmarks.loop` has them: no sentence that a reader could take for another's
    return World(load_text(GROUNDED), tuple(_passage(number, text) for number, text in enumerate(texts)))


def math() -> World:
    """Problems whose solver goes wrong at a step that is known; rollouts look for it."""
    passages = tuple(_passage(number, f"What is {number} times 7?", str(7 * number)) for number in range(8))
    answers = {passage.text: str(passage.reference) for passage in passages}
    return World(load_text(MATH), passages, lambda: StepSolver(answers, StepWorld(steps=5, breaks=0.15)))


def together() -> World:
    """Five samples of a passage, by threes of one completion."""
    return replace(grounded(), config=load_text(TOGETHER))


def probed() -> World:
    """The grounded world with a probe beside most orders, spoilt ones repaired."""
    return replace(grounded(), config=load_text(GROUNDED + PROBES))


WORLDS = {"grounded": grounded, "math": math, "together": together, "probed": probed}


def _passage(number: int, text: str, reference: str | None = None) -> Passage:
    where = Provenance(f"memory://oracle#record={number}", DocumentId(f"o{number}"), "0" * 64, 0, len(text), "oracle/1")
    return Passage.of(text, where, reference)
