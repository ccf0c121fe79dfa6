"""Each promise of a finished folder is broken once behind its back, in the ledger or a file beside it, and found."""

import asyncio
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from actors.audit.manifest import LARGEST
from schemas.credit import CreditTarget
from schemas.ledger import (
    AcceptedEnd,
    CorpusEnded,
    CreditBegun,
    Planned,
    Reconfigured,
    Record,
    Refused,
    RunStarted,
    StaleReport,
)
from schemas.samples import Cost
from schemas.verdicts import FAITHFULNESS, PROVENANCE, REWARD, VERIFIER, GateName, Passed, Raised, Verdict
from tests.actors.audit.test_fold import CONFIG, Run, faults
from tests.actors.dataset.conftest import NOW

Corruption = Callable[[Run], object]
Change = Callable[[Passed], Verdict | None]


def passed(change: Change, *, number: int = 1, gate: GateName = FAITHFULNESS) -> Corruption:
    """One accepted attempt of that number got another verdict of the gate, or none."""

    def of(end: AcceptedEnd) -> AcceptedEnd:
        verdicts: list[Verdict] = []
        for said in end.attempt.verdicts:
            new = change(said) if said.gate == gate and isinstance(said, Passed) else said
            verdicts += [] if new is None else [new]
        return replace(end, attempt=replace(end.attempt, verdicts=tuple(verdicts)))

    def corrupt(run: Run) -> None:
        ends = [record for record in run.records if isinstance(record, AcceptedEnd)]
        chosen = next(end for end in ends if (end.attempt.number > 1) == (number > 1))
        run.rewrite(lambda record: of(chosen) if record == chosen else record)

    return corrupt


def lowered(said: Passed) -> Passed:
    return replace(said, score=0.3, threshold=0.3)


def not_raised(said: Passed) -> Passed:
    return replace(said, threshold=0.5, evidence=replace(said.evidence, raised=None))


def raised_less(said: Passed) -> Passed:
    return replace(said, threshold=0.55)


def raised_from_less(said: Passed) -> Passed:
    return replace(said, evidence=replace(said.evidence, raised=Raised(0.4, 2)))


def on(kind: type[Record], change: Callable[[Any], Record]) -> Corruption:
    """The first record of a kind is another."""

    def corrupt(run: Run) -> None:
        chosen = next(record for record in run.records if isinstance(record, kind))
        run.rewrite(lambda record: change(chosen) if record == chosen else record)

    return corrupt


def ordered(change: dict[str, Any]) -> Callable[[Planned], Planned]:
    return lambda plan: replace(plan, orders=(*plan.orders[:-1], replace(plan.orders[-1], **change)))


def edit(name: str, change: Callable[[str], str], *, sums: bool = False) -> Corruption:
    """A file of the folder is another; `sums`: and checksums.txt knows it so."""

    def corrupt(run: Run) -> None:
        path = run.output / name
        before = path.read_text()
        assert change(before) != before
        path.write_text(change(before))
        if sums:
            listed = run.output / "checksums.txt"
            lines = [line for line in listed.read_text().splitlines() if not line.endswith(f"  {name}")]
            digest = sha256(path.read_bytes()).hexdigest()
            listed.write_text("\n".join([*lines, f"{digest}  {name}"]) + "\n")

    return corrupt


def told(change: dict[str, Any]) -> Corruption:
    """The manifest says otherwise, and checksums.txt knows it so."""
    return edit("manifest.json", lambda text: encoded({**msgspec.json.decode(text), **change}), sums=True)


def encoded(manifest: dict[str, Any]) -> str:
    return msgspec.json.encode(manifest).decode()


def in_config(before: str, after: str) -> Corruption:
    return edit("run.yaml", lambda text: text.replace(before, after), sums=True)


def without_line(name: str) -> Corruption:
    def cut(text: str) -> str:
        return "".join(line for line in text.splitlines(keepends=True) if name not in line)

    return edit("checksums.txt", cut)


STRANGE = {"name": "dataset/part-00000.parquet", "rows": 1, "sha256": ""}
BROKEN: dict[str, tuple[Corruption, str]] = {
    "a required gate that is missing": (passed(lambda said: None, gate=REWARD), "a verdict of reward"),
    "the provenance gate that is missing": (
        passed(lambda said: None, gate=PROVENANCE),
        "a verdict of provenance",
    ),
    "a verdict of a gate that nobody requires": (
        passed(lambda said: replace(said, gate=VERIFIER)),
        "a verdict of faithfulness",
    ),
    "a threshold that is lower": (passed(lowered), "passed faithfulness at threshold 0.3"),
    "a threshold of another gate that is lower": (passed(lowered, gate=REWARD), "passed reward at threshold"),
    "a threshold that is not raised": (passed(not_raised, number=2), "passed faithfulness at threshold 0.5"),
    "a threshold that is raised less": (passed(raised_less, number=2), "passed faithfulness at threshold 0.55"),
    "a threshold that is raised from less": (passed(raised_from_less, number=2), "passed faithfulness at threshold"),
    "a first attempt's threshold that is raised": (
        passed(lambda said: replace(said, evidence=replace(said.evidence, raised=Raised(0.5, 1)))),
        "passed faithfulness at threshold",
    ),
    "a score below its threshold": (passed(lambda said: replace(said, score=0.01)), "below its threshold"),
    "a passage that was read and not planned": (
        on(CorpusEnded, lambda end: replace(end, passages=9)),
        "9 passages read, and 8 are planned",
    ),
    "an order's slot": (on(Planned, ordered({"slot": 7})), "is not what order 2 of passage"),
    "an order's task": (on(Planned, ordered({"task": "math"})), "is not what order 2 of passage"),
    "an order's passage": (on(Planned, ordered({"passage_id": "0" * 32})), "is not what order 2 of passage"),
    "an order less": (on(Planned, lambda plan: replace(plan, orders=plan.orders[:-1])), "asks for 3"),
    "why a document was refused": (
        on(Refused, lambda refused: replace(refused, document=replace(refused.document, detail="x"))),
        "was not refused so",
    ),
    "the fingerprint of the start": (
        on(RunStarted, lambda start: replace(start, config_sha256="0" * 64)),
        "of another configuration",
    ),
    "checksums.txt without anything": (edit("checksums.txt", lambda text: ""), "has no line for manifest.json"),
    "checksums.txt without run.yaml": (without_line("run.yaml"), "has no line for run.yaml"),
    "checksums.txt without the card": (without_line("README.md"), "has no line for README.md"),
    "checksums.txt without the manifest": (without_line("manifest.json"), "has no line for manifest.json"),
    "checksums.txt without a shard": (without_line("dataset/part-00000.parquet"), "has no line for dataset/part"),
    "a manifest without shards": (told({"shards": []}), "lacks 5 shards"),
    "a manifest with another shard": (told({"shards": [STRANGE]}), "names 1 shards"),
    "a manifest with other models": (told({"models": {"generator": "almanac-xl"}}), "has other models"),
    "a manifest with other thresholds": (
        told({"thresholds": {"faithfulness": 0.9, "reward": 0.5}}),
        "has other thresholds",
    ),
    "a manifest without thresholds": (told({"thresholds": {}}), "has other thresholds"),
    "a manifest with another seed": (told({"seed": 4}), "has another seed"),
    "a manifest with another fingerprint": (told({"config_sha256": "0" * 64}), "of another configuration"),
    "a run.yaml with another threshold": (in_config("0.5", "0.4"), "at threshold 0.5"),
    "a run.yaml with another model": (in_config("almanac-m", "m"), "lineage"),
    "a run.yaml with more samples": (in_config("passage: 3", "passage: 4"), "asks for 4"),
    "a run.yaml whose bar does not rise": (in_config("raised", "same"), "passed faithfulness at threshold"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished folder with nothing wrong in it, and samples of later attempts."""
    made = Run(tmp_path_factory.mktemp("whole"))
    asyncio.run(made.write())
    assert any(isinstance(record, AcceptedEnd) and record.attempt.number > 1 for record in made.records)
    return made.output


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Run:
    return Run(Path(shutil.copytree(whole, tmp_path / "run")))


def test_a_finished_folder_holds(run: Run) -> None:
    """Before it is broken."""
    assert run.verify().findings == ()


@pytest.mark.parametrize(("corruption", "words"), BROKEN.values(), ids=BROKEN)
def test_each_promise_that_is_broken_is_found(run: Run, corruption: Corruption, words: str) -> None:
    """One thing is changed, and what vouches for it with it."""
    corruption(run)
    assert any(words in what for _, what in faults(run.verify()))


def test_a_folder_before_its_configuration_changed_is_held_to_the_former_one(run: Run) -> None:
    """`gleaner replay` lowered the threshold: earlier samples were checked against the higher one, and still are."""
    with_lower = CONFIG.replace("threshold: 0.5", "threshold: 0.4")
    run.append([Reconfigured(NOW, CONFIG, {}, ("gates.faithfulness.threshold: 0.5 → 0.4",))])
    (run.output / "run.yaml").write_text(with_lower)
    (run.output / "checksums.txt").unlink()
    assert faults(run.verify()) == set()
    passed(lambda said: replace(said, score=0.45, threshold=0.4))(run)
    assert any("at threshold 0.4" in what for _, what in faults(run.verify()))


def test_without_a_configuration_it_is_said_that_nothing_was_compared(run: Run) -> None:
    """run.yaml was not copied along: no fault, and no proof either."""
    (run.output / "run.yaml").unlink()
    (run.output / "checksums.txt").unlink()
    report = run.verify()
    assert report.ok
    assert any("no configuration says it" in found.what for found in report.findings)


def test_a_credit_without_its_label_is_reported(run: Run) -> None:
    """Its order may have ended without it, and a run may have been interrupted, so it is no fault: but it is said."""
    plan = next(record for record in run.records if isinstance(record, Planned))
    order = plan.orders[0]
    target = CreditTarget(plan.passage.id, order.id, 1, "1 + 1 = 3", (9,))
    run.append([CreditBegun(NOW, order.id, target, plan.passage)])
    report = run.verify()
    assert report.ok
    assert any("credits have begun and have no label" in found.what for found in report.findings)


@pytest.mark.parametrize("name", ["manifest.json", "checksums.txt", "run.yaml"])
def test_a_file_that_is_far_too_large_is_not_read(run: Run, name: str) -> None:
    """The folder may come from a stranger: its files are read up to a limit, and what was not read is reported."""
    with (run.output / name).open("r+b") as file:
        file.truncate(LARGEST + 1)
    assert any("MiB" in found.what or "no configuration" in found.what for found in run.verify().findings)


def test_a_report_that_was_paid_for_twice_is_no_fault(run: Run) -> None:
    """A stale report is in no conservation sum, so it is not a fault."""
    end = next(record for record in run.records if isinstance(record, AcceptedEnd))
    run.append([StaleReport(NOW, end.order_id, 1, Cost())])
    assert faults(run.verify()) == set()
