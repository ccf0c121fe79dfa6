"""The benchmark of peers: its server is a real one, its counts are the log's, and its barriers are barriers."""

import asyncio
import json
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import msgspec
import pytest

from benchmarks.peers import ray_data_run
from benchmarks.peers.__main__ import main
from benchmarks.peers.arms import ARMS, Ask, configuration
from benchmarks.peers.asked import digest_of, read
from benchmarks.peers.calls import Call, Load, load_of, paid_again, read_log
from benchmarks.peers.part import Killed, Measured
from benchmarks.peers.plan import ARMS as ARM_NAMES
from benchmarks.peers.plan import CURATORKIT, REPEATS, TUNED, Part, Setting, parts
from benchmarks.peers.rounds import Doors, Round
from benchmarks.peers.rows import Kept, Row, kept
from benchmarks.peers.service import Pace, Service
from benchmarks.peers.table import goals, tables
from benchmarks.peers.watch import Took
from benchmarks.simulated.corpus import fact_sheet
from benchmarks.simulated.model import Quality, SimulatedModel
from benchmarks.simulated.text import is_faithful
from deployments.config.load import load

TEXT = fact_sheet(7, 1).text
SAMPLES = [{"question": "Who?", "answer": "A."}, {"question": "When?", "answer": "B."}]


def call(at: float, *, unit: str = "", answered: bool = True, took: float = 1.0, wrote: tuple[str, ...] = ()) -> Call:
    """A call of a slot from `at` on that waited a second before it."""
    key = unit or str(at)
    passage = digest_of(TEXT)
    return Call("judge", key, at - 1, at, at + took, answered, 10, 5, (key,), passage, wrote)


# what is measured


def test_every_part_has_a_name_of_its_own_and_each_repeat_begins_with_another_system() -> None:
    names = [part.name for part in parts()]
    assert len(set(names)) == len(names)
    first = [part for part in parts() if fnmatch(part.name, "200-0.6-64/*/run-*")]
    assert [part.arm for part in first[:5]] == list(ARM_NAMES)
    assert len({part.arm for part in first[:: len(ARM_NAMES)]}) == REPEATS
    assert len({part.seed for part in first}) == REPEATS


@pytest.mark.parametrize("name", ["plain.yaml", "tuned.yaml"])
def test_the_configurations_can_be_loaded(name: str, tmp_path: Path) -> None:
    """With the slots of the setting, and both thresholds that every system has."""
    ask = Ask(Part(Setting(slots=512), TUNED, 1), tmp_path, tmp_path / "corpus.jsonl", 1234, Path("python"))
    path = tmp_path / name
    path.write_text(configuration(name, ask))
    config = load(path)
    assert {gate.threshold for gate in config.gates.values()} == {0.7}  # type: ignore[union-attr]
    assert config.pools["generator"].engine.concurrency == 512  # type: ignore[union-attr]


# the server


def pair_of(payload: dict[str, object]) -> tuple[str, object]:
    """The kind of a payload, and what the server answers to it."""
    asked = read(payload)
    return asked.kind, json.loads(asked.text(SimulatedModel(Quality())))


def test_ray_datas_prompts_are_understood_and_their_replies_read() -> None:
    """Three samples are written; those that pass the two gates are kept under their own numbers."""
    row = {"id": "1", "text": TEXT}
    kind, said = pair_of(ray_data_run.to_write(row)["payload"])
    assert kind == "several" and len(said["samples"]) == 3  # type: ignore[index]
    row = ray_data_run.written({**row, **answer(said)})
    for to, back, kind in (
        (ray_data_run.to_rate, ray_data_run.rated, "reward"),
        (ray_data_run.to_judge, ray_data_run.judged, "judge"),
    ):
        heard, said = pair_of(to(row)["payload"])
        drafts = json.loads(row["samples"])
        assert heard == kind and [verdict["draft"] for verdict in said["verdicts"]] == [1, 2, 3][: len(drafts)]  # type: ignore[index]
        row = back({**row, **answer(said)})
    assert ray_data_run.any_left(row) == bool(ray_data_run.rows_of(row))


def test_a_sample_without_a_verdict_passes_no_gate_of_ray_datas() -> None:
    row = {"id": "1", "text": TEXT, "samples": json.dumps(SAMPLES)}
    said = {"verdicts": [{"draft": 2, "score": 0.7}]}
    assert json.loads(ray_data_run.judged({**row, **answer(said)})["samples"]) == SAMPLES[1:]
    assert not ray_data_run.any_left(ray_data_run.judged({**row, **answer("no object")}))


def answer(said: object) -> dict[str, object]:
    text = json.dumps(said) if not isinstance(said, str) else said
    return {"http_response": {"choices": [{"message": {"content": text}}]}}


def test_a_judgement_is_one_unit_whoever_shares_its_call() -> None:
    """So that what is judged again in other company after a kill counts as paid again."""
    both = read(ray_data_run.to_judge({"text": TEXT, "samples": json.dumps(SAMPLES)})["payload"])
    alone = read(ray_data_run.to_judge({"text": TEXT, "samples": json.dumps(SAMPLES[:1])})["payload"])
    assert len(both.units) == 2 and alone.units == both.units[:1] and alone.key != both.key


def test_curatorkits_prompts_are_understood() -> None:
    """Its judge reads the passage between lines of dashes, and the answer behind its label."""
    prompt = f'Reply with "grounding_score".\n---\n{TEXT}\n---\n\nQuestion: What?\n\nAnswer: {TEXT.split(". ")[0]}.\n'
    kind, said = pair_of({"messages": [{"role": "user", "content": prompt}], "temperature": 0.1})
    assert kind == "judge" and said["supported_claims"] and not said["unsupported_claims"]  # type: ignore[index]


def test_a_prompt_of_no_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="no known kind"):
        read({"messages": [{"role": "user", "content": "Tell me a story."}]})


def test_the_server_has_so_many_slots_and_writes_down_what_it_did(tmp_path: Path) -> None:
    """Four calls of one slot take their turns; one whose client goes away is no answered call."""
    body = ray_data_run.to_write({"id": "1", "text": TEXT})["payload"]

    async def asked() -> None:
        service = Service(Pace(slots=1, call_ms=20, sigma=0.0), tmp_path / "log", seed=0)
        calls = [asyncio.create_task(service.answer({**body, "seed": seed})) for seed in range(4)]
        await asyncio.sleep(0.03)
        calls[3].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        service.close()
        assert service.answered == 3

    asyncio.run(asked())
    calls = read_log(tmp_path / "log")
    load = load_of(calls, 1)
    assert (load.calls, load.lost, load.kinds) == (3, 1, {"several": 3})
    assert 0.9 < load.busy <= 1.0 and load.window_s >= 0.06
    answered = [each for each in calls if each.answered]
    assert [len(each.wrote) for each in answered] == [3, 3, 3] and {each.passage for each in calls} == {digest_of(TEXT)}


# the log and the rows


def test_busy_slots_are_of_the_whole_window_with_its_queue() -> None:
    """Two slots; the window begins with the first arrival, one second before the first start."""
    load = load_of([call(1.0, took=3.0), call(1.0, took=1.0)], 2)
    assert (load.window_s, load.busy) == (4.0, 0.5)


def test_calls_paid_again_are_those_that_write_or_judge_what_was_paid() -> None:
    """A call that was lost with its client was not paid, so its repetition is not paid again."""
    calls = [
        call(1, unit="a"),
        call(2, unit="b", answered=False),
        call(3, unit="a"),
        call(4, unit="b"),
        call(5, unit="c"),
    ]
    assert paid_again(calls, 1) == 1
    assert paid_again(calls, 3) == 0


def test_a_row_is_true_only_if_the_server_wrote_it_about_its_passage() -> None:
    """A faithful answer of nobody's and an answer about another passage count as foreign; questions count once."""
    true = f"According to the text, {TEXT.split('. ')[0]}."
    false = true.replace("According", "7,777 times according")
    assert is_faithful(TEXT, true) and not is_faithful(TEXT, false)
    calls = [call(1.0, wrote=(true, false))]
    rows = [
        Row(TEXT, "What?", true),
        Row(f" {TEXT}", "what? ", false),
        Row(TEXT, "Which?", false),
        Row(TEXT, "Who?", TEXT.split(". ")[1]),
        Row("Another passage.", "What?", true),
    ]
    assert kept(rows, calls, [TEXT]) == Kept(rows=5, distinct=4, true=1, foreign=2)
    assert kept(rows, [call(1.0, answered=False, wrote=(true,))], [TEXT]).true == 0


# barriers


def test_a_door_opens_when_every_order_stands_before_it_or_has_ended() -> None:
    """Three orders: one ends without a draft, one is rejected at the first door."""
    stage = Round(3)
    stage.arrive(0)
    assert stage.opened() is None
    stage.settle()
    stage.arrive(0)
    assert stage.opened() == 0 and stage.opened() is None
    stage.arrive(1)
    assert stage.opened() is None
    stage.settle()
    assert stage.opened() == 1 and not stage.over
    stage.settle()
    assert stage.over
    with pytest.raises(ValueError, match="more orders"):
        stage.settle()


def test_who_comes_to_a_door_that_its_round_has_passed_is_a_fault() -> None:
    stage = Round(1)
    stage.arrive(0)
    assert stage.opened() == 0
    with pytest.raises(ValueError, match="late"):
        stage.arrive(0)


def test_no_order_goes_through_a_door_before_the_slowest_has_come() -> None:
    """And a round is over when all are settled."""

    async def worked() -> list[str]:
        doors, said = Doors(), list[str]()

        async def order(number: int) -> None:
            for _ in range(number):
                await asyncio.sleep(0)
            said.append("came")
            await doors.through(0)
            said.append("went")
            doors.settle()

        doors.begin(3)
        await asyncio.gather(*(order(number) for number in (1, 5, 20)))
        await doors.over()
        return said

    assert asyncio.run(worked()) == ["came"] * 3 + ["went"] * 3


# results


def measured(name: str, *, wall_s: float = 10.0, true: int = 100, why: str = "", faster: float = 1.0) -> Measured:
    took = Took(wall_s, 2.0, 20.0, 500.0, 0)
    load = Load(8.0, 0.96, 390, {"judge": 390}, 170_000, 4_000, 0)
    if why:
        return Measured(name, "", faster, why=why)
    return Measured(name, "", faster, took=took, load=load, kept=Kept(100, 100, true, 0))


def test_the_tables_tell_each_goal_and_each_absence() -> None:
    """Twice the peer's true samples a second; 1,740 tokens a sample; a peer that is not there; a kill."""
    killed = msgspec.structs.replace(
        measured("200-0.6-64/barrier/kill-1"), killed=Killed(50, 3, 1, Took(5, 1, 1, 1, 0))
    )
    said = tables(
        [
            *(
                measured(f"200-0.6-64/{TUNED}/run-{repeat}", wall_s=wall)
                for repeat, wall in ((1, 9.0), (2, 10.0), (3, 50.0))
            ),
            measured(f"200-0.6-64/{CURATORKIT}/run-1", wall_s=20.0),
            measured("200-0.6-64/ray-data/run-1", why="absent: ray is not installed"),
            killed,
        ]
    )
    assert "| gleaner-tuned | 10.0 (9.0–50.0) | 8.0 | 0.96 |" in said
    assert "| ray-data | absent: ray is not installed |" in said
    assert "| true/s of wall against CuratorKIT ≥ 1.3 | 2.00 | yes |" in said
    assert "| tokens each ≤ 1,750 | 1,740.00 | yes |" in said
    assert "| 200-0.6-64/barrier/kill-1 | 50 | 3 | 1 | 100 | 100 | 390 | 5.0 |" in said
    assert "a test, no figures" not in said and "a test, no figures" in tables(
        [measured("200-0.6-64/barrier/run-1", faster=5.0)]
    )


def test_a_goal_that_is_missed_is_told_as_such() -> None:
    results = [measured(f"200-0.6-64/{TUNED}/run-1", true=50), measured(f"200-0.6-64/{CURATORKIT}/run-1")]
    assert "≥ 1.3 | 0.50 | **no** |" in goals([Setting()], results)


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """Of the command, in an empty folder, without peers."""
    given = ["benchmarks.peers", "--folder", str(tmp_path), "--peers", str(tmp_path / "nowhere")]
    monkeypatch.setattr("sys.argv", given)
    yield given


def test_a_barriered_run_end_to_end_is_killed_and_goes_on(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real server and the real command on six passages, four times as fast; an absent peer is told; nothing is
    measured twice."""
    arguments += [
        "--passages",
        "6",
        "--faster",
        "4",
        "--only",
        "6-0.6-64/barrier/*-1",
        "--only",
        "6-0.6-64/curatorkit/run-1",
    ]
    assert main() == 0
    results = [
        msgspec.json.decode(line, type=Measured) for line in (tmp_path / "results.jsonl").read_bytes().splitlines()
    ]
    by_name = {each.part: each for each in results}
    whole, killed = by_name["6-0.6-64/barrier/run-1"], by_name["6-0.6-64/barrier/kill-1"]
    assert whole.why == killed.why == "" and by_name["6-0.6-64/curatorkit/run-1"].why.startswith("absent: ")
    assert whole.kept is not None and whole.load is not None and whole.took is not None
    assert whole.kept.rows == whole.kept.distinct > 12 and whole.kept.foreign == 0
    assert whole.kept.true == whole.kept.distinct
    assert whole.load.kinds["several"] == 6 and whole.took.cpu_s > 0 and whole.took.memory_mib > 20
    assert killed.kept is not None and killed.kept.distinct > 12 and killed.killed is not None
    assert killed.killed.took.code == 0 and 0 < killed.killed.before < whole.load.calls
    assert killed.load is not None and killed.load.calls <= 1.5 * whole.load.calls
    capsys.readouterr()
    assert main() == 0
    assert capsys.readouterr().out.count("left as it is") == 3
    assert len((tmp_path / "results.jsonl").read_bytes().splitlines()) == 3


def test_a_name_of_no_part_is_said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments += ["--only", "200/none"]
    assert main() == 2
    assert "no part has such a name" in capsys.readouterr().err


def test_every_arm_has_a_command_and_rows() -> None:
    assert set(ARMS) == set(ARM_NAMES)
