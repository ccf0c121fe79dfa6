"""What of the corpus was not used reaches the eyes: in a preview before anything is paid for, and after a run."""

from pathlib import Path

from rich.console import Console
from typer.testing import CliRunner

from actors.counts.tally import Tally
from actors.counts.together import together
from deployments.cli import app
from deployments.config.load import load
from deployments.terminal.corpus_words import skipped_words, unusable
from deployments.terminal.preview import passages_of
from deployments.terminal.summary import summary_view
from schemas.corpus import DocumentRefused, RefusalReason
from schemas.ledger import CorpusEnded, Refused
from schemas.progress import Summary

ENGINE = '{kind: custom, factory: "tests.doubles.engines:instant"}'
GATE = f"{{form: classifier, engine: {ENGINE}}}"


def configured(tmp_path: Path, files: dict[str, str]) -> Path:
    """A configuration over these files."""
    for name, content in files.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    path = tmp_path / "run.yaml"
    path.write_text(
        "corpus: {paths: [./docs], chunking: {max_tokens: 16}}\n"
        "task: {kind: grounded_answer}\n"
        f"pools: {{generator: {{engine: {ENGINE}}}}}\n"
        f"gates: {{faithfulness: {GATE}, reward: {GATE}}}\n"
    )
    return path


def refused(uri: str, reason: RefusalReason, detail: str = "why") -> Refused:
    return Refused(1.0, DocumentRefused(uri, reason, detail))


def told() -> Summary:
    tally = Tally()
    for record in (
        refused("a.jsonl#record=1", RefusalReason.BAD_RECORD, "line 2: no field 'text'"),
        refused("b.jsonl#record=7", RefusalReason.BAD_RECORD),
        refused("c.csv", RefusalReason.UNKNOWN_FORMAT, "'.csv' is no format that is read"),
        CorpusEnded(2.0, 4, 4, {".csv": 12, ".png": 3}),
    ):
        tally.apply(record)
    return tally.summary()


def test_each_reason_with_its_count_and_first_example() -> None:
    """Forty thousand bad lines are one line to read, with a place to look at."""
    assert list(unusable(told().refusals)) == [
        "bad_record 2 (first a.jsonl#record=1: line 2: no field 'text')",
        "unknown_format 1 (c.csv: '.csv' is no format that is read)",
    ]
    assert skipped_words({f".x{index}": 10 - index for index in range(9)}).endswith(
        "10 .x0, 9 .x1, 8 .x2, 7 .x3, 6 .x4, 5 .x5 and 9 others"
    )


def test_a_runs_summary_says_why(tmp_path: Path) -> None:
    """`gleaner run` at its end and `gleaner status`: the reasons stand where the count does."""
    console = Console(width=200, record=True, file=(tmp_path / "out").open("w"))
    console.print(summary_view(told(), tmp_path))
    text = console.export_text()
    assert "bad_record 2 (first a.jsonl#record=1: line 2: no field 'text')" in text
    assert "12 .csv, 3 .png" in text


def test_a_document_that_was_read_later_is_said_to_be(tmp_path: Path) -> None:
    """One was torn while it was copied: `gleaner status` no longer calls it unusable, and says what became of it."""
    tally, torn = Tally(), refused("a.txt", RefusalReason.UNDECODABLE)
    for record in (torn, refused("b.csv", RefusalReason.UNKNOWN_FORMAT), CorpusEnded(2.0, 1, 1)):
        tally.apply(record)
    tally.apply(CorpusEnded(3.0, 2, 2, read_again=(torn.document,)))
    console = Console(width=120, record=True, file=(tmp_path / "out").open("w"))
    console.print(summary_view(tally.summary(), tmp_path))
    text = " ".join(console.export_text().split())
    assert "documents 1 unusable: unknown_format 1 (b.csv: why)" in text and "undecodable" not in text
    assert "read again 1 documents that were unusable once and could be read later" in text


def test_shards_say_it_once() -> None:
    """Each shard's ledger holds the same skipped files; refusals are in the first one's."""
    other = Tally()
    other.apply(CorpusEnded(2.0, 4, 4, {".csv": 12, ".png": 3}))
    whole = together([told(), other.summary()])
    assert whole.skipped_files == {".csv": 12, ".png": 3}
    assert [(each.reason, each.documents) for each in whole.refusals] == [
        (RefusalReason.BAD_RECORD, 2),
        (RefusalReason.UNKNOWN_FORMAT, 1),
    ]


def test_a_preview_says_what_it_could_not_use(tmp_path: Path) -> None:
    """Half the folder is not what its owner thinks: seen before the run, on stderr, with --json too."""
    run = configured(
        tmp_path, {"a.jsonl": '{"body": "x"}\n{"text": "A fact stands here."}', "b.xls": "x", "c.xls": "y"}
    )
    for options in ([], ["--json"]):
        result = CliRunner().invoke(app, ["preview", str(run), "-n", "3", *options])
        said = " ".join(result.stderr.split())
        assert result.exit_code == 0
        assert "bad_record 1" in said
        assert "no field 'text' (corpus.text_field); it has: body" in said
        assert "2 .xls" in said


def test_a_preview_of_nothing_says_why(tmp_path: Path) -> None:
    """No document can be used: the one line of the error holds the reasons."""
    run = configured(tmp_path, {"a.jsonl": '{"body": "x"}', "b.xls": "x"})
    result = CliRunner().invoke(app, ["preview", str(run)])
    said = " ".join(result.stderr.split())
    assert result.exit_code == 2
    assert "nothing to preview" in said
    assert "it has: body" in said


def test_a_preview_spreads_over_documents(tmp_path: Path) -> None:
    """A long first document must not fill the preview: the passages are of as many documents as there are samples."""
    long = " ".join(f"Sentence number {index} stands here and says something." for index in range(60))
    run = configured(tmp_path, {"a.txt": long, "b.txt": "One fact.", "c.txt": "Another.", "d.txt": "A third."})
    config = load(run)
    assert [passage.provenance.uri for passage in passages_of(config, 4)] == [f"docs/{n}.txt" for n in "abcd"]
    uris = [passage.provenance.uri for passage in passages_of(config, 7)]
    assert uris == ["docs/a.txt"] * 4 + ["docs/b.txt", "docs/c.txt", "docs/d.txt"]
    starts = [passage.provenance.start for passage in passages_of(config, 7)][:4]
    assert starts == sorted(starts)
