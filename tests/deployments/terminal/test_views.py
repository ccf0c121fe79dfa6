"""What is drawn, as text of a given width: nothing wider than the terminal, nothing hidden, nothing obeyed."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console, RenderableType

from actors.ledger.history import Life, life_of
from deployments.monitoring.progress import Phase, Progress
from deployments.terminal.board import board
from deployments.terminal.life import Prompts, attempt_view, life_view
from deployments.terminal.lines import Lines
from deployments.terminal.parts import cells
from deployments.terminal.rates import Window, flow
from deployments.terminal.summary import summary_view
from deployments.terminal.words import clock, number, one_line, percent, printable, spoken
from schemas.errors import ErrorKind
from schemas.flaws import FlawKind, Worth
from schemas.ids import OrderId
from schemas.ledger import DeadLetteredEnd, Planned, Rejoined
from schemas.probes import EndedProbes, FlawDiagnosis, FlawProbes, GateCatch, ProbeEnd, Probes
from schemas.progress import (
    CascadeCount,
    Counts,
    MalformedCount,
    ModeCount,
    Retrieval,
    RoleCost,
    RunSnapshot,
    Summary,
)
from schemas.recovery import Modes
from schemas.samples import Cost, MalformedReason, Message
from schemas.scaling import Idle, PoolDecision, ScalingDecision, Why
from schemas.verdicts import FAITHFULNESS, REWARD, Errored, Rejected
from tests.deployments.terminal.progresses import REPLICAS, play
from tests.doubles.ledgers import MemoryLedger, plausible_run
from tests.doubles.probes import attempt as probe_attempt
from tests.doubles.probes import ended, facts, issued, probe, rejoined

WIDTHS = (80, 120)


def drawn(view: RenderableType, width: int = 80) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as kept:
        console.print(view)
    return kept.get()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_board_fits_its_terminal_at_every_moment(width: int) -> None:
    """From the first second to the last, on a laptop's 80×24 and on a wide screen: no line is broken or cut."""
    window, text = Window(), ""
    for progress in play():
        told = flow(window.add(progress))
        for height in (24, 50):
            text = drawn(board(progress, told, name="quickstart", elapsed_s=75.0, height=height), width)
            assert all(cell_len(line) <= width for line in text.splitlines())
            assert len(text.splitlines()) <= height
            assert "…" not in text
    assert re.search(r"yield +95\.8% +115 accepted, 5 dead-lettered", text)
    assert re.search(r"recovery +83\.9% +26 of 31 rejected orders accepted later", text)
    assert re.search(r"generate +0 +170 ", text)
    assert re.search(r"strong +0/1 ", text)


def test_the_board_shows_slots_that_are_found() -> None:
    """A run over servers without a number: the requests that each replica sends at once stand beside its replicas."""
    progress, window = play()[-1], Window()
    told = flow(window.add(progress))
    assert "at once" not in drawn(board(progress, told, name="quickstart", elapsed_s=75.0, height=50))
    decision = PoolDecision(2, 2, 1.5, Why.STEADY, Idle.BUSY, slots=384)
    found = replace(progress, scaling=ScalingDecision(progress.at, {"generator": decision}, in_flight=500))
    text = drawn(board(found, told, name="quickstart", elapsed_s=75.0, height=50))
    assert re.search(r"model +replicas +at once", text)
    assert re.search(r"generator +2/2 +384 ", text)
    assert re.search(r"strong +0/1 +– ", text)


def test_the_board_keeps_its_height_while_a_run_goes_on() -> None:
    """A redraw that changes its height makes the terminal jump; once all that can fail has failed, it stands still."""
    window = Window()
    heights = [
        len(drawn(board(progress, flow(window.add(progress)), name="q", elapsed_s=1.0)).splitlines())
        for progress in play()
        if progress.snapshot is not None and len(progress.snapshot.summary.modes) >= 4
    ]
    assert len(heights) > 5
    assert len(set(heights)) == 1


def test_start_up_says_what_is_being_waited_for() -> None:
    """Models of gigabytes load for minutes: the view names the one that is not there yet."""
    progress = Progress(at=1.0, phase=Phase.STARTING, note="loading models: 3 of 4 ready", replicas=REPLICAS)
    text = drawn(board(progress, flow((progress,)), name="quickstart", elapsed_s=9.0))
    assert "loading models: 3 of 4 ready" in text
    assert re.search(r"strong +0/1 loading", text)
    assert re.search(r"generator +2/2 ready", text)


def test_while_the_corpus_is_read_the_time_left_is_of_what_is_known() -> None:
    """A reader that is behind makes an estimate of half the corpus; the board says so."""
    run = play()
    window = Window()
    told = [(progress, flow(window.add(progress))) for progress in run]
    reading = [
        pair for pair in told if pair[0].snapshot and not pair[0].snapshot.summary.corpus_ended and pair[1].left_s
    ]
    assert reading
    text = drawn(board(*reading[-1], name="q", elapsed_s=9.0))
    assert "read so far, more to read" in text
    assert "+" in text.splitlines()[2]


def test_draining_says_that_nothing_is_lost() -> None:
    """Ctrl-C: the person is told what is happening and what a second Ctrl-C would do."""
    last = play()[8]
    progress = Progress(at=last.at, phase=Phase.DRAINING, snapshot=last.snapshot)
    assert "finishing what is in flight (Ctrl-C again: stop at once" in drawn(
        board(progress, flow((progress,)), name="q", elapsed_s=9.0)
    )


def test_a_run_stopped_before_its_first_sample() -> None:
    """Ctrl-C while models load: no table of zeros, but what is being done."""
    snapshot = RunSnapshot(at=1.0, summary=Summary())
    for phase, words in ((Phase.DRAINING, "finishing what is in flight"), (Phase.DONE, "writing the last files")):
        progress = Progress(at=1.0, phase=phase, snapshot=snapshot, replicas=REPLICAS)
        text = drawn(board(progress, flow((progress,)), name="q", elapsed_s=9.0))
        assert words in text
        assert "yield" not in text


def test_a_narrow_terminal_is_no_error() -> None:
    """A phone's shell of 40 columns: lines may be cut, nothing is raised."""
    last = play()[-1]
    assert last.snapshot is not None
    for view in (
        board(last, flow(play()), name="quickstart", elapsed_s=9.0, height=10),
        summary_view(last.snapshot.summary, Path("runs/quickstart")),
        life_view(recovered_life()),
    ):
        assert all(cell_len(line) <= 40 for line in drawn(view, 40).splitlines())


@pytest.mark.parametrize("width", WIDTHS)
def test_the_summary_says_what_failed_and_what_repaired_it(width: int, tmp_path: Path) -> None:
    """The table a person reads at the end of a run."""
    snapshot = play()[-1].snapshot
    assert snapshot is not None
    text = drawn(summary_view(snapshot.summary, tmp_path, example=OrderId("ab" * 16)), width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert re.search(r"parametric +10 +strict_grounding 6 of 10", text)
    assert re.search(r"accepted +115 +89 at the first attempt", text)
    assert re.search(r"rejected +5", text)
    assert re.search(r"generator +168 +18,367 +5,040", text)
    assert "26 by faithfulness alone, 7 by reward alone, 9 by both" in " ".join(text.split())
    assert "gleaner explain" in text and "abababababab" in text.replace("\n", "")


def test_estimated_tokens_are_called_so(tmp_path: Path) -> None:
    """A server that counts no tokens: what is estimated is marked, what is counted is not."""
    roles = (RoleCost("generator", 2, 1_500, 20, 1.0, estimated_tokens=1_520), RoleCost("reward", 2, 40, 20, 1.0))
    text = " ".join(drawn(summary_view(Summary(roles=roles), tmp_path), 100).split())
    assert "~1,500 ~20" in text
    assert " 40 20 " in text
    assert "estimated from the text" in text


def test_who_decided_for_a_cascade_and_what_came_from_a_cache_is_told(tmp_path: Path) -> None:
    """Two thirds of the verdicts cost no judge; a quarter of what the generator read was computed before."""
    roles = (RoleCost("generator", 2, 2_000, 20, 1.0, cached_tokens=500), RoleCost("reward", 2, 40, 20, 1.0))
    summary = Summary(roles=roles, cascades=(CascadeCount(FAITHFULNESS, 20, 10),))
    text = " ".join(drawn(summary_view(summary, tmp_path), 100).split())
    assert "cascade faithfulness: 66.7% of 30 verdicts by its cheap gate alone" in text
    assert "from the engine's cache: generator 25.0%" in text


def test_a_run_that_never_began_has_a_summary_too(tmp_path: Path) -> None:
    """Interrupted before the first passage: zeros and dashes, no division by zero."""
    text = drawn(summary_view(Summary(), tmp_path))
    assert "not finished" in text
    assert re.search(r"yield +–", text)


def test_plain_lines_are_few_and_plain() -> None:
    """A CI log of a run: one line each few seconds or tenth of the way, without escape codes."""
    window, lines = Window(), Lines("quickstart", play()[0].at)
    run = play(every_s=0.25)
    told = [line for progress in run for line in lines.of(progress, flow(window.add(progress)))]
    assert 4 <= len(told) <= 12
    assert all("\x1b" not in line and "\n" not in line for line in told)
    assert any("100 of 120 ended, yield 82.5% · 99.0% of the ended, recovered 19 of 27" in line for line in told)


def test_plain_lines_tell_each_phase_once() -> None:
    """Loading for two minutes is not told four times a second."""
    lines = Lines("q", 0.0)
    waiting = [
        Progress(at=moment / 4, phase=Phase.STARTING, note="loading models: 0 of 3 ready") for moment in range(36)
    ]
    done = Progress(at=9.0, phase=Phase.DONE)
    told = [line for progress in [*waiting, done] for line in lines.of(progress, flow((progress,)))]
    assert told == ["0:00 q starting: loading models: 0 of 3 ready", "0:09 q done: starting"]


def recovered_life() -> Life:
    ledger = MemoryLedger(list(plausible_run(7)))
    rejoined = next(record for record in ledger.records if isinstance(record, Rejoined))
    return life_of(rejoined.order_id, ledger.story(rejoined.order_id))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_life_tells_everything(width: int) -> None:
    """`gleaner explain`: where the passage comes from, each attempt's verdicts, diagnosis and repair, the end."""
    life = recovered_life()
    text = drawn(life_view(life, prompts=Prompts()), width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    flat = " ".join(re.sub(r"[│\n]", " ", text).split())
    assert life.order.id in text and life.passage.provenance.document_sha256 in text
    assert f"characters 0–{len(life.passage.text)}" in text
    for attempt in life.attempts:
        assert f"attempt {attempt.number}" in text
        assert attempt.candidate is not None
        assert f"seed {attempt.candidate.sampling.seed}" in flat
        assert " ".join(attempt.candidate.prompt[0].content.split()) in flat
    assert text.count("user: as above") == len(life.attempts) - 1
    for attempt in life.attempts:
        for verdict in attempt.verdicts:
            assert verdict.gate in text
        if attempt.diagnosis is not None:
            assert f"{attempt.diagnosis.mode} (confidence {attempt.diagnosis.confidence:.2f})" in text
            assert attempt.diagnosis.reasons[0] in flat
    assert "probability 1" in text
    assert re.search(r"End +(accepted|dead-lettered)", text)


def test_an_attempt_that_no_generator_answered_is_told() -> None:
    """An engine that timed out left no text: the end says why."""
    ledger = MemoryLedger(list(plausible_run(3)))
    dead = next(
        record
        for record in ledger.records
        if isinstance(record, DeadLetteredEnd) and record.attempt is not None and record.attempt.candidate is None
    )
    text = drawn(life_view(life_of(dead.order_id, ledger.story(dead.order_id))))
    assert "no generator answered" in text
    assert "engine_error" in text and "timed out after 300 s" in text


def test_foreign_text_cannot_drive_the_terminal() -> None:
    """A passage with escape sequences and a right-to-left override is shown, not obeyed."""
    hostile = "before \x1b]0;title\x07\x1b[2J\u202e [bold red]after[/] \x9b31m"
    assert "\x1b" not in printable(hostile) and "\u202e" not in printable(hostile) and "\x9b" not in printable(hostile)
    ledger = MemoryLedger(list(plausible_run(7)))
    planned = next(record for record in ledger.records if isinstance(record, Planned))
    life = life_of(planned.orders[0].id, ledger.story(planned.orders[0].id))
    text = drawn(life_view(replace(life, passage=replace(life.passage, text=hostile))))
    assert "\x1b" not in text and "[bold red]after[/]" in text


def test_malformed_text_is_shown_whole() -> None:
    """What does not parse is the very thing a person wants to see."""
    ledger = MemoryLedger(list(plausible_run(7)))
    malformed = next(
        record.attempt
        for record in ledger.records
        if isinstance(record, Rejoined) and record.attempt.candidate and record.attempt.candidate.malformed
    )
    text = drawn(attempt_view(malformed))
    assert "malformed: no line begins with 'Answer:'" in text
    assert "Question: and then" in text


def test_kept_thoughts_are_shown_with_the_prompt() -> None:
    """What a model thought is long, and foreign text as any other: with --prompts alone."""
    ledger = MemoryLedger(list(plausible_run(7)))
    attempt = next(r.attempt for r in ledger.records if isinstance(r, Rejoined) and r.attempt.candidate)
    assert attempt.candidate is not None
    attempt = replace(attempt, candidate=replace(attempt.candidate, reasoning="Hm.\x1b[2J"))
    shown = drawn(attempt_view(attempt, prompts=Prompts()))
    assert "and thought:" in shown and "Hm.␛[2J" in shown and "\x1b" not in shown
    assert "Hm." not in drawn(attempt_view(attempt))


def test_an_errored_verdict_shows_what_its_judge_was_asked_and_said() -> None:
    """Why every verdict fails is seen at a glance; the reply's escape codes are signs. Without --prompts, one line."""
    ledger = MemoryLedger(list(plausible_run(7)))
    attempt = next(r.attempt for r in ledger.records if isinstance(r, Rejoined) and r.attempt.candidate)
    asked = (Message("system", "You rate."), Message("user", "Rate it."))
    errored = Errored(REWARD, ErrorKind.NONSENSE, "no verdict", Cost(40, 7), asked, "Sure!\x1b[2J\nIt is fine.")
    attempt = replace(attempt, verdicts=(errored,))
    shown = drawn(attempt_view(attempt, prompts=Prompts()))
    for said in ("reward was asked:", "You rate.", "Rate it.", "and said:", "It is fine.", "40 + 7 tokens"):
        assert said in shown
    assert "\x1b" not in shown and "Sure!␛[2J" in shown
    plain = drawn(attempt_view(attempt))
    assert "nonsense: no verdict" in plain and "It is fine." not in plain


def test_why_completions_were_malformed_is_counted_below_their_mode() -> None:
    """Cut off, without a label, without an answer: each wants another remedy."""
    summary = Summary(
        modes=(ModeCount(Modes.MALFORMED, 213),),
        malformed=(MalformedCount(MalformedReason.NO_LABEL, 38), MalformedCount(MalformedReason.CUT_OFF, 169)),
    )
    lines = [line.split() for line in drawn(summary_view(summary, Path("run"))).splitlines()]
    place = next(at for at, line in enumerate(lines) if line[:2] == ["malformed", "213"])
    assert [line[:2] for line in lines[place + 1 : place + 3]] == [["cut_off", "169"], ["no_label", "38"]]


def test_the_bar_is_full_at_the_end_alone() -> None:
    """599 of 600 rounds to a full bar; it is not shown as one."""
    assert cells((600, 0), 600, width=40) == [40, 0]
    assert cells((599, 0), 600, width=40) == [39, 0]
    assert cells((300, 300), 600, width=40) == [20, 20]
    assert cells((0, 0), 0, width=40) == [0, 0]


def test_numbers_as_a_person_reads_them() -> None:
    """Short, and never more exact than known."""
    assert [clock(7), clock(72.4), clock(7540)] == ["0:07", "1:12", "2:05:40"]
    assert [spoken(0.004), spoken(0.41), spoken(12), spoken(180), spoken(7560)] == [
        "4 ms",
        "0.41 s",
        "12 s",
        "3 min",
        "2.1 h",
    ]
    assert [number(0.42), number(7.3), number(128.4), number(12040), number(3_400_000)] == [
        "0.42",
        "7.3",
        "128",
        "12,040",
        "3.4 M",
    ]
    assert [percent(1, 3), percent(0, 0)] == ["33.3%", "–"]
    assert one_line("a\n b\tc", width=80) == "a b c"
    assert one_line("abcdefgh", width=5) == "abcd…"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_summary_says_what_probes_show(width: int, tmp_path: Path) -> None:
    """A run with probes and a search: caught by flaw, diagnosed as, what repairs made of them, hits."""
    flaw = FlawProbes(
        flaw=FlawKind.CONTRADICTS_SOURCE, caught=90, missed=10, errored=1, by_gate=(GateCatch(FAITHFULNESS, 88, 85),),
        diagnoses=(FlawDiagnosis(Modes.PARAMETRIC, 80, right=True),), repaired=90, healed=60, still_bad=2, unknown=0,
        given_up=28,
    )  # fmt: skip
    probes = Probes(issued=130, ended=130, ends=(EndedProbes(ProbeEnd.JUDGED, 130),), flaws=(flaw,))
    counts = Counts(issued=1000, accepted=900, dead_lettered=100)
    summary = Summary(counts=counts, probes=probes, retrieval=Retrieval(searches=200, hits=150))
    text = drawn(summary_view(summary, tmp_path), width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert "…" not in text
    one_line = " ".join(text.split())
    assert "probes: 130 sent, 130 judged" in one_line
    assert re.search(r"contradicts_source +90\.0% +parametric 80", text)
    assert all(told in one_line for told in ("60 healed", "2 still bad", "28 given up"))
    assert re.search(r"yield +90\.0%", text)
    assert "75.0% of 200 found the sample's own passage" in text


def test_the_life_of_a_probe_says_what_it_is() -> None:
    """Whoever asks for a probe by its id learns what it was meant to be, and what each of its texts is worth."""
    bad, good = (facts(1, Worth.BAD, flaw=FlawKind.PARAMETRIC, worth=worth) for worth in (Worth.BAD, Worth.GOOD))
    made = probe_attempt([Rejected(FAITHFULNESS, 0.1, 0.5)])
    records = [issued(1, Worth.BAD), rejoined(1, made, bad), ended(1, replace(made, number=2), good)]
    text = " ".join(drawn(life_view(life_of(probe(1).id, records))).split())
    assert "a probe, meant to be bad, parametric, of rows#line=1; never exported" in text
    assert "attempt 1: known to be bad; attempt 2: known to be good" in text
    assert "attempt 2" in text and "End judged" in text
