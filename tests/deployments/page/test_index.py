"""The list's table against what `gleaner samples` finds: the same samples under every filter, after replays too."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from actors.ledger.folder import Ledgers
from actors.ledger.samples import EndedSample, EndKind, SampleRequest, chosen_samples
from actors.ledger.sqlite import SqliteLedger
from deployments.page.index import PAGE, IndexedSample, SampleFilter, SampleIndex
from schemas.ledger import Record
from schemas.samples import Draft, texts_of
from schemas.verdicts import FAITHFULNESS, Errored
from tests.doubles.ledgers import Scale, plausible_run
from tests.doubles.replays import replayed


def index_of(records: Sequence[Record]) -> SampleIndex:
    index = SampleIndex()
    index.apply_all(records)
    return index


def all_of(index: SampleIndex, wanted: SampleFilter) -> list[IndexedSample]:
    pages = -(-index.found(wanted).total // PAGE)
    return [sample for page in range(pages) for sample in index.found(wanted, page).samples]


@pytest.fixture(scope="module", params=[1, 2])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[SampleIndex, Path]:
    """A run in which a gate errs, some orders are outstanding, and dead letters were put back twice."""
    records = list(plausible_run(request.param, Scale(passages=40, finished=0.95)))
    records = replayed(records, Random(request.param), rounds=2)
    folder = tmp_path_factory.mktemp("run")
    with SqliteLedger(folder) as ledger:
        ledger.append(records)
    return index_of(records), folder


def told(folder: Path) -> dict[str, EndedSample]:
    with Ledgers(folder) as ledgers:
        return {sample.order_id: sample for sample in chosen_samples(ledgers, SampleRequest(10_000))}


def test_each_line_says_what_the_sample_says(run: tuple[SampleIndex, Path]) -> None:
    """Nobody reads one thing in the list and another behind its link."""
    index, folder = run
    samples = told(folder)
    lines = {line.order_id: line for line in all_of(index, SampleFilter())}
    assert lines.keys() == samples.keys()
    for order_id, line in lines.items():
        sample = samples[order_id]
        found = (line.end, line.attempts, line.mode, line.repair, line.passage_id)
        assert found == (sample.end, sample.attempts, sample.mode, sample.repair, sample.passage.id)
        assert line.reason == (None if sample.why is None else sample.why.reason.value)
        text = "\n".join(text for _, text in texts_of(Draft(sample.fields))) or sample.completion
        assert line.shown == text[: len(line.shown)]


def test_every_filter_lets_through_what_it_says(run: tuple[SampleIndex, Path]) -> None:
    """By end, mode, repair, score and text, alone and together."""
    index, folder = run
    samples = told(folder).values()

    def ids(wanted: SampleFilter) -> set[str]:
        return {line.order_id for line in all_of(index, wanted)}

    def score(sample: EndedSample) -> float | None:
        said = [each for each in sample.verdicts if each.gate == FAITHFULNESS and not isinstance(each, Errored)]
        return said[0].score if said else None

    for end in EndKind:
        assert ids(SampleFilter(end=end)) == {each.order_id for each in samples if each.end is end} != set()
    for mode in index.values("mode"):
        assert ids(SampleFilter(mode=mode)) == {each.order_id for each in samples if each.mode == mode}
    for repair in index.values("repair"):
        assert ids(SampleFilter(repair=repair)) == {each.order_id for each in samples if each.repair == repair}
    known = [(each.order_id, found) for each in samples if (found := score(each)) is not None]
    middle = sorted(found for _, found in known)[len(known) // 2]
    assert ids(SampleFilter(gate=FAITHFULNESS, high=middle)) == {
        order_id for order_id, found in known if found <= middle
    }
    both = SampleFilter(end=EndKind.ACCEPTED, gate=FAITHFULNESS, low=middle, text="FOUNDED")
    high = {order_id for order_id, found in known if found >= middle}
    told_so = {each.order_id for each in samples if any("founded" in text.casefold() for text in each.fields.values())}
    good = {each.order_id for each in samples if each.end is EndKind.ACCEPTED}
    assert ids(both) == high & told_so & good != set()


def test_the_newest_come_first_and_pages_do_not_overlap() -> None:
    """A reader pages through a run of three hundred: each sample once, the last one that ended at the top."""
    index = index_of(list(plausible_run(3, Scale(passages=100))))
    lines = all_of(index, SampleFilter())
    assert len({line.order_id for line in lines}) == len(lines) == index.counted == 300
    assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)
    assert list(index.found(SampleFilter(), 10**9).samples) == lines[-PAGE:], "a page after the last is the last"


def test_a_search_is_for_letters_not_for_patterns() -> None:
    """A per cent sign, a quote and a bracket are letters of the text that is searched for."""
    index = index_of(list(plausible_run(3, Scale(passages=5))))
    assert [index.found(SampleFilter(text=odd)).total for odd in ("%", "' OR 1 --", "[a-z]*")] == [0, 0, 0]
    assert index.found(SampleFilter(text="?")).total == index.counted
