"""What the page says of a run: the state in a word, why it waits in the terminal's words, each gate's level now."""

import os
import socket
import time
from pathlib import Path

import msgspec
import pytest

from actors.counts.tally import Tally
from actors.ledger.sqlite import SqliteLedger
from deployments.monitoring.standstill import words
from deployments.page.follower import FolderFollower
from deployments.page.moment import ShownMoment, Tone, Watch
from deployments.terminal.board import time_left
from deployments.terminal.rates import flow
from schemas.live import NAME, Live, Waiting
from schemas.stages import Pause
from schemas.verdicts import FAITHFULNESS, REWARD
from tests.deployments.page.asking import followed
from tests.deployments.terminal.progresses import REPLICAS, progress_at
from tests.doubles.ledgers import Scale, plausible_run

NOW = time.time()
LOADING = tuple(status for status in REPLICAS if status.role == FAITHFULNESS)
PAUSE = Pause(REWARD, since=NOW - 60, why="no answer from http://judge:8000/v1", waiting=12)
RECORDS = list(plausible_run(7, Scale(passages=30, finished=0.9)))


def live(**changes: object) -> Live:
    """A process of ours says that it runs."""
    told = Live(NOW, socket.gethostname(), os.getpid(), "running", launch="run", replicas=REPLICAS)
    return msgspec.structs.replace(told, **changes)


def folder_of(folder: Path, said: Live | None) -> FolderFollower:
    with SqliteLedger(folder) as ledger:
        ledger.append(RECORDS)
    if said is not None:
        (folder / NAME).write_bytes(msgspec.json.encode(said))
    return followed(folder)


def moment_of(folder: Path, said: Live | None, *, at: float = NOW + 1) -> ShownMoment:
    return Watch(folder_of(folder, said)).moment(at)


@pytest.mark.parametrize(
    ("said", "word", "tone"),
    [
        (None, "not finished", Tone.WARN),
        (live(), "running", Tone.GOOD),
        (live(phase="draining"), "draining", Tone.GOOD),
        (live(at=NOW - 300), "silent", Tone.BAD),
        (live(pid=2**22 + 1), "dead", Tone.BAD),
        (live(over=True), "not finished", Tone.WARN),
        (live(waiting=Waiting(pauses=(PAUSE,))), "held up", Tone.WARN),
    ],
)
def test_the_state_is_one_word(tmp_path: Path, said: Live | None, word: str, tone: Tone) -> None:
    """Whoever looks from across the room: it runs, it waits, or nobody works on it any more."""
    state = moment_of(tmp_path, said).state
    assert (state.word, state.tone) == (word, tone)


def test_why_it_waits_is_said_in_the_terminals_words(tmp_path: Path) -> None:
    """The same line as `gleaner status` has; no time left is promised meanwhile, and the gate says it too."""
    waiting = Waiting(pauses=(PAUSE,), still_s=70.0)
    moment = moment_of(tmp_path, live(waiting=waiting))
    assert list(moment.state.held) == words(waiting, now=NOW + 1) and "no answer from http" in moment.state.held[0]
    assert moment.state.left == ""
    assert {gate.gate: gate.state for gate in moment.gates if gate.gate == REWARD} == {REWARD: "cannot be asked"}


def test_the_flow_is_the_boards(tmp_path: Path) -> None:
    """A run goes on for ten seconds: rates and the time left are those of the terminal's board."""
    follower = folder_of(tmp_path, live())
    watch, board, moments = Watch(follower), [], []
    with SqliteLedger(tmp_path) as ledger:
        for second in range(1, 11):
            ledger.append(list(_more(second)))
            (tmp_path / NAME).write_bytes(msgspec.json.encode(live(at=NOW + second)))
            while follower.step():
                pass
            moments.append(watch.moment(NOW + second))
            board.append(_progress(follower, NOW + second))
    moment, expected = moments[-1], flow(board)
    assert moment.flow.ended_per_s == expected.ended_per_s is not None
    assert (moment.flow.attempts_per_s, moment.flow.left_s) == (expected.attempts_per_s, expected.left_s)
    assert moment.state.left == time_left(board[-1], expected)


def test_a_gates_level_is_of_the_last_minute(tmp_path: Path) -> None:
    """A gate that passed nearly everything begins to fail: the page says so within the minute, not after a day."""
    follower = folder_of(tmp_path, live())
    watch = Watch(follower)
    before = {gate.gate: gate for gate in watch.moment(NOW).gates}[FAITHFULNESS]
    assert before.recent is None and before.verdicts == before.passed.trials + before.errored.successes
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(list(_more(1)))
    while follower.step():
        pass
    after = {gate.gate: gate for gate in watch.moment(NOW + 5).gates}[FAITHFULNESS]
    gained = after.verdicts - before.verdicts
    assert after.recent == after.errored.trials == gained >= after.passed.trials > 0
    assert {gate.gate: gate for gate in watch.moment(NOW + 300).gates}[FAITHFULNESS].recent is None


def test_a_gate_that_loads_is_not_serving(tmp_path: Path) -> None:
    """Its replica is not there yet: that is neither an error nor a level."""
    loading = tuple(msgspec.structs.replace(status, running=0) for status in LOADING)
    gates = {gate.gate: gate for gate in moment_of(tmp_path, live(replicas=loading)).gates}
    assert (gates[FAITHFULNESS].state, gates[FAITHFULNESS].tone) == ("loading", Tone.WARN)


def _more(second: int):
    """Lives of further passages."""
    return plausible_run(100 + second, Scale(passages=4, finished=1.0 if second < 10 else 0.5, refused=0))


def _progress(follower: FolderFollower, at: float):
    tally = Tally()
    said = progress_at(at, tally)
    snapshot = msgspec.structs.replace(said.snapshot, summary=follower.summary) if said.snapshot else None
    return msgspec.structs.replace(said, snapshot=snapshot, conductors=(), note="")
