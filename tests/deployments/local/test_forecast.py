"""The plan of a run beside the run itself, which goes on in this process: the same orders, and figures that hold it."""

import json
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from actors.corpus.chunker import Chunker
from actors.corpus.files import CorpusFile
from actors.corpus.records import Text
from actors.ledger.sqlite import MemoryLedger, SqliteLedger
from deployments.build.readers import read_corpus
from deployments.cli import app
from deployments.config.load import load, load_text
from deployments.local.census import take_census
from deployments.local.forecast import forecast
from deployments.local.likeness import Earlier, EndedOrder, as_there
from deployments.local.loop import conduct_in_process
from deployments.local.token_counts import PromptCounter, prompt_counter
from deployments.terminal.planning import plan_view
from deployments.terminal.screen import Screen
from schemas.config import RunConfig, Stopping
from schemas.config_deployed import Price
from schemas.corpus import Document
from schemas.forecast import Amounts, LikeFolder, RoleForecast, RunForecast, SpendForecast
from schemas.ledger import AcceptedEnd, DeadLetteredEnd, Planned, Rejoined
from schemas.orders import calls_of
from schemas.samples import Message
from tests.doubles.ledgers import Scale, plausible_run

QUICKSTART = Path("examples/quickstart.yaml")
RUN = """
corpus: {paths: [FOLDER]}
task:
  kind: prompted
  samples_per_passage: 2
  vary:
    level: {easy: 0.2, hard: 0.8}
    reader: [a pilot, a cook, a nurse]
  fields: [{name: question, what: a question}, {name: answer, what: its answer}]
  ask: "{{ passage }} Write a {{ level }} question for {{ reader }}.{% if previous %} Not: {{ previous }}{% endif %}"
  student:
    - {role: user, content: "{{ question }}"}
    - {role: assistant, content: "{{ answer }}"}
pools:
  generator: {engine: {kind: custom, factory: "tests.doubles.engines:instant"}}
gates: {CHECK}
recovery: {max_attempts: 3}
"""
REJECTED = '{low: {form: rule, check: "words(answer) < 0"}}'
INSTANT = 'engine: {kind: custom, factory: "tests.doubles.engines:instant"}'
JUDGED = f"""
corpus: {{paths: [FOLDER]}}
task: {{kind: grounded_answer, samples_per_passage: 3, samples_per_call: 2}}
pools:
  generator: {{{INSTANT}, price: {{prompt_tokens: 10, completion_tokens: 20}}}}
gates:
  faithfulness: {{form: llm, {INSTANT}}}
  labels: {{form: token, kind: faithfulness, {INSTANT}}}
  likely: {{form: likelihood, {INSTANT}}}
  nli: {{form: classifier, kind: faithfulness, reads: sentences, {INSTANT}}}
  reward: {{form: classifier, {INSTANT}, share: 0.5}}
"""


def written(folder: Path, count: int = 7) -> Path:
    (folder / "texts").mkdir()
    for number in range(count):
        (folder / "texts" / f"{number}.md").write_text(f"Town {number} lies on the river. " * (1 + number % 7))
    return folder / "texts"


def config_of(text: str, folder: Path, check: str = "{}") -> RunConfig:
    return load_text(text.replace("FOLDER", str(folder)).replace("{CHECK}", check))


async def plan(config: RunConfig, like: Path | None = None) -> RunForecast:
    return await forecast(config, like=like, clock=lambda: 0.0)


def role(spend: SpendForecast, name: str) -> RoleForecast:
    return next(each for each in spend.roles if each.role == name)


def holds(amounts: Amounts, value: float) -> bool:
    return amounts.least <= value <= amounts.most


async def ran(config: RunConfig, shards: int = 1) -> list[MemoryLedger]:
    """The ledgers of the run in this process."""
    chunker, ledgers = Chunker(config.corpus.chunking), [MemoryLedger() for _ in range(shards)]
    documents = [found for found in read_corpus(config.corpus) if isinstance(found, Document)]
    await conduct_in_process(config, [each for document in documents for each in chunker.passages(document)], *ledgers)
    return ledgers


@pytest.mark.parametrize(("shards", "orders"), [(1, None), (1, 9), (3, None), (3, 9)])
async def test_the_run_issues_the_orders_that_were_planned(tmp_path: Path, shards: int, orders: int | None) -> None:
    """As many, of as many passages, with the same draws, however many queues and with `stop.orders`."""
    config = config_of(RUN, written(tmp_path))
    config = replace(config, stop=Stopping(orders=orders), queue=replace(config.queue, shards=shards))
    census = take_census(config, sample=200, clock=lambda: 0.0)
    planned = [each for ledger in await ran(config, shards) for each in ledger.kept if isinstance(each, Planned)]
    issued = [order for each in planned for order in each.orders]
    assert (census.corpus.passages, census.orders.issued) == (len(planned), len(issued))
    assert census.corpus.read_whole or orders is not None
    for name, counts in census.orders.vary.items():
        assert counts == dict(Counter(order.vary[name] for order in issued))
    assert {order.id for each in census.sample for order in each.orders} == {order.id for order in issued}


async def test_both_bounds_are_what_such_a_run_does(tmp_path: Path) -> None:
    """Nothing rejected: exactly the lower bound's calls. All rejected: exactly the upper bound's."""
    folder = written(tmp_path)
    for check, bound in (("{}", "at_once"), (REJECTED, "at_most")):
        config = config_of(RUN, folder, check)
        (ledger,) = await ran(config)
        attempts = [each.attempt for each in ledger.kept if isinstance(each, AcceptedEnd | Rejoined | DeadLetteredEnd)]
        calls = [call for attempt in attempts if attempt is not None for call in calls_of(attempt)]
        said = role(getattr(await plan(config), bound), "generator")
        assert said.calls == Amounts(len(calls), len(calls))
        # the double counts characters by four: within the bounds of any tokenizer
        prompts = sum(sum(len(message.content) for message in call.prompt) / 4 for call in calls)
        assert prompts <= said.prompt_tokens.most and sum(call.cost.completion_tokens for call in calls) <= (
            said.completion_tokens.most
        )
        assert bound == "at_most" or said.prompt_tokens.least <= prompts


async def test_every_kind_of_gate_is_counted_with_its_own_prompts(tmp_path: Path) -> None:
    """Shared calls, shares of orders, several passes, prices of tokens."""
    config = config_of(JUDGED, written(tmp_path))
    said = await plan(config)
    assert (said.orders.issued, said.orders.per_call) == (21, 2)
    assert role(said.at_once, "generator").calls == Amounts(14, 14)  # two samples by one call, one by another
    for gate in ("faithfulness", "labels", "likely", "nli"):
        assert role(said.at_once, gate).calls == Amounts(21, 21)
        assert role(said.at_most, gate).calls.most == 21 * config.recovery.max_attempts
    assert 0 < said.orders.judged["reward"] < 21
    assert role(said.at_once, "reward").calls.most == pytest.approx(said.orders.judged["reward"])
    labels, likely = (role(said.at_once, gate) for gate in ("labels", "likely"))
    assert labels.completion_tokens == Amounts(21, 21) and likely.completion_tokens == Amounts(0, 0)
    cost, generator = said.at_once.cost, role(said.at_once, "generator")
    assert cost is not None
    tokens = 10 * generator.prompt_tokens.most + 20 * generator.completion_tokens.most
    assert cost.most == pytest.approx(tokens / 1e6)


SCRIPTS = "".join(path.read_text() for path in Path("examples/sql/schemas").glob("*.sql"))


async def test_second_queries_are_counted() -> None:
    """Of `form: execution`: one for each attempt, under the gate's name and at its pool's price; each shows the whole
    script, and perhaps a question as long as a completion."""
    config = load(Path("examples/sql.yaml"))
    second = replace(config.pools["second"], price=Price(prompt_tokens=1e6))
    said = await plan(replace(config, pools={**config.pools, "second": second}))
    once, most = role(said.at_once, "execution"), role(said.at_most, "execution")
    assert once.calls == Amounts(60, 60) and most.calls == Amounts(240, 240)
    assert once.completion_tokens == Amounts(60, 60 * 512) and once.cost == once.prompt_tokens
    scripts = PromptCounter().text(SCRIPTS)
    assert scripts.times(3).least < once.prompt_tokens.least < role(said.at_once, "generator").prompt_tokens.least
    assert once.prompt_tokens.most > 60 * 512
    assert {"generator", "second", "execution"} == {each.role for each in said.counted}


async def test_of_a_cascade_the_judge_may_be_asked_of_every_draft_or_of_none(tmp_path: Path) -> None:
    """Which drafts it is spared no one knows before the run; the cheap gate is asked of all."""
    text = JUDGED.replace("  faithfulness: {form: llm,", "  careful: {form: llm, kind: faithfulness,")
    text += "  faithfulness: {form: cascade, cheap: labels, judge: careful}\n"
    said = await plan(config_of(text + "probes: {rate: 0.1, labelled: [rows.jsonl]}\n", written(tmp_path)))
    assert role(said.at_once, "labels").calls == Amounts(21, 21)
    judge = role(said.at_once, "careful")
    assert judge.calls == Amounts(0, 21) and judge.prompt_tokens.least == 0 < judge.prompt_tokens.most
    assert any("'careful' is spared" in note for note in said.notes)
    assert "faithfulness" not in [each.role for each in said.at_once.roles]


async def test_a_repair_may_ask_a_stronger_pool(tmp_path: Path) -> None:
    """Only for the last attempt of each order, by the rules."""
    strong = RUN.replace("gates:", f"  strong: {{{INSTANT}}}\ngates:").replace("attempts: 3", "attempts: 3, ESCALATE")
    config = config_of(strong.replace("ESCALATE", "escalate_to: strong"), written(tmp_path), REJECTED)
    said = await plan(config)
    assert [each.role for each in said.at_once.roles] == ["generator"]
    assert role(said.at_most, "strong").calls.most == said.orders.issued


async def test_so_many_samples_take_so_many_orders_at_least(tmp_path: Path) -> None:
    """What can come of the corpus is said, and what cannot."""
    config = config_of(RUN, written(tmp_path))
    said = await plan(replace(config, stop=Stopping(accepted=4)))
    assert said.at_once.orders == Amounts(4, 4) and said.at_most.orders == Amounts(14, 14)
    assert role(said.at_once, "generator").calls == Amounts(4, 4)
    assert not any("cannot come" in note for note in said.notes)
    too_many = await plan(replace(config, stop=Stopping(accepted=15)))
    assert "stop.accepted: 15 samples cannot come of 14 orders" in too_many.notes


async def test_quotas_are_so_many_samples_together(tmp_path: Path) -> None:
    """What one value's orders cannot give is said of it."""
    config = config_of(RUN, written(tmp_path))
    easy = (await plan(config)).orders.vary["level"]["easy"]
    said = await plan(replace(config, stop=Stopping(accepted_of={"level": {"easy": easy + 1, "hard": 2}})))
    assert said.at_once.orders == Amounts(easy + 3, easy + 3)
    assert f"stop.accepted_of: {easy + 1} samples of easy cannot come of {easy} orders" in said.notes


async def test_figures_of_a_sample_hold_those_of_the_whole(tmp_path: Path) -> None:
    """The interval of 200 of 400 passages holds the tokens of all of them, for this seed."""
    config = config_of(RUN, written(tmp_path, 400))
    whole = take_census(config, sample=400, clock=lambda: 0.0).sample
    count = PromptCounter()
    said = await plan(config)
    assert said.sampled == 200
    texts = sum(count.text(each.passage.text).least * len(each.orders) for each in whole)
    around = count.text("Passage: <<<\n\n>>> Write a hard question for a pilot.").least * said.orders.issued
    assert holds(role(said.at_once, "generator").prompt_tokens, texts + around)


async def test_the_quickstart_is_counted_by_its_own_tokenizers() -> None:
    """No interval where all is known: every passage was looked at, by the model's own tokenizer."""
    said = await plan(load(QUICKSTART))
    assert (said.corpus.documents, said.orders.issued, said.sampled) == (200, 600, 200)
    generator = role(said.at_once, "generator")
    assert generator.prompt_tokens.least == generator.prompt_tokens.most
    assert generator.completion_tokens.most == 600 * 48
    assert all(each.by == "its own tokenizer and chat template" for each in said.counted)


def test_tokens_are_counted_as_the_engine_counts_them() -> None:
    """With the template's marks and the tokens around a text; without a tokenizer by characters."""
    config = load(QUICKSTART)
    counter = prompt_counter(config, config.pools["generator"].engine)
    assert counter.chat([Message("user", "hello world")]) == Amounts(14, 14)  # as `ChatTokenizer` writes it
    unknown = PromptCounter()
    assert unknown.text("a" * 12) == Amounts(2, 6) and unknown.text("山河") == Amounts(2 / 3, 5)
    assert unknown.text("123") == Amounts(1, 3) and unknown.text("") == Amounts(0, 0)


async def test_what_is_no_document_is_said(tmp_path: Path) -> None:
    """Refusals by reason, files that are not read, and documents of a reader of the user's own."""
    folder = written(tmp_path)
    (folder / "empty.md").write_text(" ")
    (folder / "program.exe").write_text("MZ")
    (folder / "rows.csv").write_text("text\none\ntwo\n")
    readers = f'paths: [{folder}], readers: {{".csv": {{reader: "{__name__}:rows", in_place_of: ours}}}}'
    said = await plan(config_of(RUN.replace("paths: [FOLDER]", readers), folder))
    assert said.corpus.documents == 7 + 2
    assert [(each.reason.value, each.documents) for each in said.corpus.refusals] == [("empty", 1)]
    assert said.corpus.skipped == {".exe": 1}


def rows(file: CorpusFile, corpus: object) -> list[Text]:
    """A reader of the user's own."""
    return [Text(uri=f"{file.uri}#record={number}", text=f"Town {number}.") for number in range(2)]


async def test_of_a_finished_folder_acceptance_and_tokens_are_measured(tmp_path: Path) -> None:
    """The interval of acceptance holds the folder's own; the needed orders follow from it."""
    config = config_of(RUN, written(tmp_path, 100))
    (folder := tmp_path / "run").mkdir()
    with SqliteLedger(folder) as ledger:
        ledger.append(list(plausible_run(7, Scale())))
    said = await plan(replace(config, stop=Stopping(accepted=100)), folder)
    assert said.like is not None and said.as_there is not None
    assert said.like.ended == 120 and holds(said.like.share, said.like.accepted / 120)
    assert holds(said.as_there.orders, 100 * 120 / said.like.accepted)
    generator = role(said.as_there, "generator")
    assert 100 <= generator.calls.least <= generator.calls.most


def test_orders_like_earlier_ones_take_what_those_took() -> None:
    """Where all were alike, what is left is that 50 of 50 accepted may be a few less, and the chance of orders."""
    price = {"generator": Price(prompt_tokens=1e6)}
    alike = [EndedOrder(True, {"generator": [2.0, 30.0, 5.0]})] * 50
    like = LikeFolder("runs/a", 50, 50, 50, Amounts(1, 1))
    said = as_there(Earlier(like, alike), 1_000, 10, price)
    cost = role(said, "generator").cost
    assert cost is not None
    for amounts, known in ((said.orders, 10), (role(said, "generator").calls, 20), (cost, 300)):
        assert amounts.least == pytest.approx(known, rel=0.001) and known < amounts.most < 1.2 * known
    half = [EndedOrder(bool(number % 2), {"generator": [1.0, 1.0, 1.0]}) for number in range(400)]
    said = as_there(Earlier(like, half), 1_000, 100, {})
    assert 150 < said.orders.least < 200 < said.orders.most < 250
    assert said.accepted == Amounts(100, 100)
    bound = as_there(Earlier(like, half), 120, 100, {})
    assert bound.orders == said.orders and bound.accepted.most < 80  # of 120 orders not so many come
    assert role(bound, "generator").calls.most == pytest.approx(120)


async def test_what_a_plan_says_fits_a_screen(tmp_path: Path) -> None:
    """Of 80 columns, with prices and a folder to compare with."""
    (folder := tmp_path / "run").mkdir()
    with SqliteLedger(folder) as ledger:
        ledger.append(list(plausible_run(7, Scale())))
    config = replace(config_of(JUDGED, written(tmp_path)), stop=Stopping(accepted=20))
    screen = Screen(width=80)
    with screen.capture() as shown:
        screen.print(plan_view(await plan(config, folder), QUICKSTART))
    lines = shown.get().splitlines()
    assert max(map(len, lines)) <= 80
    heads = [line.split("  ")[0].strip() for line in lines]
    assert [head for head in heads if head in ("lower bound", "as there", "upper bound")] == [
        "lower bound",
        "as there",
        "upper bound",
    ]
    assert any(line.split()[:2] == ["likely", "20"] for line in lines), shown.get()


def test_the_command_says_one_document_or_one_mistake(tmp_path: Path) -> None:
    """With --json nothing else is on stdout; a mistake is one line and exit code 2."""
    run = tmp_path / "run.yaml"
    run.write_text(RUN.replace("FOLDER", str(written(tmp_path))).replace("{CHECK}", "{}"))
    done = CliRunner().invoke(app, ["plan", str(run), "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["orders"]["issued"] == 14
    (tmp_path / "broken.yaml").write_text("corpus: {pahts: [a]}\n")
    for asked in ([str(tmp_path / "broken.yaml")], [str(run), "--like", str(tmp_path / "none")]):
        mistake = CliRunner().invoke(app, ["plan", *asked])
        assert mistake.exit_code == 2 and mistake.stdout == ""
        assert len(mistake.stderr.splitlines()) == 1 and mistake.stderr.startswith("gleaner: error: ")
