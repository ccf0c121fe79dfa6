"""`gleaner push` with the real client library against a Hub on loopback: new, the same again, more, cut, refused."""

import json
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants
from typer.testing import CliRunner, Result

from deployments.cli import app
from tests.deployments.hub.conftest import TOKEN
from tests.deployments.hub.folders import SMALL, add, folder_of
from tests.doubles.hub_store import Blob, HubStore, Refused
from tests.doubles.ledgers import plausible_run

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # the client's own
REPO = "harbour/town-questions"
SPLIT = ("--split", "test=0.3")


def push(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["push", *map(str, arguments)])


def pushed(*arguments: str | Path) -> dict[str, Any]:
    """What a push that ended well says of itself."""
    result = push(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def said(result: Result, code: int) -> str:
    """The one line on stderr of a push that did not end well. No token is in it."""
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    (line,) = result.stderr.splitlines()
    assert TOKEN[3:9] not in line
    return line.removeprefix("gleaner: error: ").removeprefix("gleaner: stopped: ")


def files(store: HubStore, revision: str = "main") -> Mapping[str, bytes]:
    """A revision's files by path."""
    repository = store.repositories[REPO]
    return {path: store.content(blob) for path, blob in repository.commits[repository.at(revision)].items()}


def rows(store: HubStore, split: str, revision: str = "main") -> list[dict[str, Any]]:
    """A split's rows."""
    found = [content for path, content in files(store, revision).items() if path.startswith(f"data/{split}/")]
    return [row for content in found for row in pq.read_table(BytesIO(content)).to_pylist()]


def documents(store: HubStore, split: str, revision: str = "main") -> set[str]:
    return {row["provenance"]["document_sha256"] for row in rows(store, split, revision)}


def in_the_folder(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.suffix != ".sqlite-shm"}


def test_a_new_dataset(store: HubStore, run: Path) -> None:
    """Private, with every sample in one split, in one commit whose tag is the manifest's sha256. The folder is as it
    was, and the token is in nothing that was sent or said."""
    before = sorted(path for path in run.rglob("*"))
    told = push(run, REPO, *SPLIT)
    assert told.exit_code == 0 and "made" in told.stdout and "(private)" in told.stdout
    repository = store.repositories[REPO]
    assert repository.private and repository.messages == ["initial commit", "36 samples of harbours"]
    revision = sha256((run / "manifest.json").read_bytes()).hexdigest()
    assert repository.tags == {revision: repository.branches["main"]}
    shards = [row for path in sorted(run.glob("dataset/*.parquet")) for row in pq.read_table(path).to_pylist()]
    both = [*rows(store, "train"), *rows(store, "test")]
    assert sorted(row["id"] for row in both) == sorted(row["id"] for row in shards)
    assert {row["id"]: row for row in both} == {row["id"]: row for row in shards}
    assert documents(store, "train") and documents(store, "test")
    assert not documents(store, "train") & documents(store, "test")
    assert sorted(path for path in run.rglob("*")) == before
    assert TOKEN not in told.output and not any(TOKEN.encode() in content for content in files(store).values())


def test_the_record_names_every_file(store: HubStore, run: Path) -> None:
    """push.json proves a download: each file's rows and sha256, and the shard that it was cut from."""
    pushed(run, REPO, *SPLIT)
    held = files(store)
    record = json.loads(held["push.json"])
    assert {file["path"]: file["sha256"] for file in record["files"]} == {
        path: sha256(content).hexdigest() for path, content in held.items() if path.startswith("data/")
    }
    assert sum(file["rows"] for file in record["files"]) == 36
    assert held["manifest.json"] == (run / "manifest.json").read_bytes()
    assert record["manifest_sha256"] == sha256(held["manifest.json"]).hexdigest()


def test_the_same_again_changes_nothing(store: HubStore, run: Path) -> None:
    """A cron job pushes every night: no commit, nothing sent."""
    pushed(run, REPO, *SPLIT)
    commits = len(store.repositories[REPO].commits)
    store.requests.clear()
    assert pushed(run, REPO, *SPLIT)["end"] == "nothing_new"
    assert len(store.repositories[REPO].commits) == commits
    assert [request for request in store.requests if not request.startswith(("GET", "HEAD"))] == []
    assert "nothing to do" in push(run, REPO, *SPLIT).stdout


def test_more_samples_are_a_new_commit(store: HubStore, run: Path) -> None:
    """A run went on: only its new shards are sent, documents stay in their splits, and the earlier revision stays."""
    first = pushed(run, REPO, *SPLIT)
    before = {split: documents(store, split) for split in ("train", "test")}
    store.uploads.clear()
    add(run, plausible_run(8, SMALL))
    second = pushed(run, REPO, *SPLIT)
    assert second["end"] == "pushed" and second["revision"] != first["revision"] and second["tagged"]
    new = {path for path in second["add"] if path.startswith("data/")}
    assert len(store.uploads) == len(new) and not new & set(first["add"])
    for split, known in before.items():
        assert known <= documents(store, split) and known == documents(store, split, first["revision"])
    assert len(rows(store, "train")) + len(rows(store, "test")) == 72
    assert set(store.repositories[REPO].tags) == {first["revision"], second["revision"]}


def test_without_splits_a_file_is_its_shard(store: HubStore, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, so that the manifest's checksums hold; however many are sent at a time."""
    monkeypatch.setattr("deployments.hub.push.AT_ONCE", 1)
    pushed(run, REPO)
    held = {sha256(content).hexdigest() for path, content in files(store).items() if path.startswith("data/train/")}
    shards = json.loads((run / "manifest.json").read_bytes())["shards"]
    assert held == {shard["sha256"] for shard in shards if shard["name"].startswith("dataset/")}


def test_a_push_that_is_cut_goes_on(store: HubStore, run: Path) -> None:
    """The network dies after two files: nothing is committed, and the same command sends only what the Hub lacks."""
    store.cut_after = 2
    assert "the same command goes on" in said(push(run, REPO, *SPLIT), 3)
    assert store.repositories[REPO].messages == ["initial commit"] and len(store.uploads) == 2
    store.cut_after = None
    pushed(run, REPO, *SPLIT)
    assert len(store.uploads) == 4 == len(set(store.uploads))
    assert len(rows(store, "train")) + len(rows(store, "test")) == 36


def test_killed_between_commit_and_tag(store: HubStore, run: Path) -> None:
    """The commit is there, its tag is not: the same command gives it."""
    told = pushed(run, REPO)
    store.repositories[REPO].tags.clear()
    assert pushed(run, REPO)["end"] == "nothing_new"
    assert store.repositories[REPO].tags == {told["revision"]: told["commit"]}


def test_a_dry_run_changes_nothing(store: HubStore, run: Path) -> None:
    """What would be sent is named, and the Hub is only asked."""
    told = push(run, REPO, *SPLIT, "--dry-run")
    assert told.exit_code == 0 and "would be made" in told.stdout and "data/test/part-00000-" in told.stdout
    assert not store.repositories and all(request.startswith("GET") for request in store.requests)
    pushed(run, REPO, *SPLIT)
    assert "has all of it" in push(run, REPO, *SPLIT, "--dry-run").stdout


def test_public_only_where_it_is_made(store: HubStore, run: Path) -> None:
    """`--public` makes a public dataset; one that exists keeps its visibility, and says so."""
    assert pushed(run, REPO, "--public")["private"] is False and not store.repositories[REPO].private
    assert "is public and stays so" in push(run, REPO).stderr


def test_a_branch(store: HubStore, run: Path) -> None:
    """`main` stays as it is; the branch begins there."""
    pushed(run, REPO)
    main = store.repositories[REPO].branches["main"]
    add(run, plausible_run(8, SMALL))
    told = pushed(run, REPO, "--branch", "next")
    assert store.repositories[REPO].branches == {"main": main, "next": told["commit"]}
    assert len([path for path in told["add"] if path.startswith("data/")]) == 2


def test_what_a_person_wrote_on_the_hub_stays(store: HubStore, run: Path) -> None:
    """A licence set on the Hub's page, and words below our part of the card, outlive the next push."""
    pushed(run, REPO)
    card = files(store)["README.md"].decode().replace("---\n", "---\nlicense: cc-by-4.0\n", 1) + "\nAsk me first.\n"
    repository = store.repositories[REPO]
    tree = repository.commits[repository.branches["main"]]
    repository.add(tree | {"README.md": Blob(card.encode())}, "main", "By hand")
    add(run, plausible_run(8, SMALL))
    pushed(run, REPO)
    now = files(store)["README.md"].decode()
    assert "72 samples" in now and "license: cc-by-4.0\n" in now and now.endswith("\nAsk me first.\n")
    assert pushed(run, REPO)["end"] == "nothing_new"


def test_other_contents_are_not_replaced_unasked(store: HubStore, run: Path, tmp_path: Path) -> None:
    """A mistyped name, another run, other splits: nothing is overwritten without --replace."""
    pushed(run, REPO, *SPLIT)
    assert "was pushed with --split test=0.3 --seed 0" in said(push(run, REPO), 2)
    other = folder_of(tmp_path / "other", seed=9)
    assert "the samples of another run" in said(push(other, REPO, *SPLIT), 2)
    repository = store.repositories[REPO]
    tree = {path: blob for path, blob in repository.commits[repository.at("main")].items() if path != "push.json"}
    repository.add(tree | {"mine.csv": Blob(b"a,b\n")}, "main", "By hand")
    assert "which no push made" in said(push(run, REPO, *SPLIT), 2)
    told = pushed(other, REPO, "--replace")
    assert {path for path in files(store) if not path.startswith("data/")} == {
        ".gitattributes", "README.md", "manifest.json", "mine.csv", "push.json",
    }  # fmt: skip
    assert len(told["remove"]) == 4 and not rows(store, "test") and len(rows(store, "train")) == 36


def test_a_repository_made_by_hand_is_filled(store: HubStore, run: Path) -> None:
    """Made on the Hub's page, with the card that the page writes."""
    repository = store.create(REPO, kind="dataset", private=False)
    repository.add({"README.md": Blob(b"---\nlicense: mit\n---\n")}, "main", "initial commit")
    assert pushed(run, REPO)["end"] == "pushed"
    assert b"license: mit\n" in files(store)["README.md"]


def test_somebody_else_was_faster(store: HubStore, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit comes in between: nothing of it is undone, and the same command goes on from there."""
    commit = HubStore.commit

    def late(self: HubStore, repository: Any, branch: str, lines: list[dict[str, Any]]) -> str:
        repository.add(repository.commits[repository.at(branch)] | {"LICENSE": Blob(b"MIT")}, branch, "By hand")
        return commit(self, repository, branch, lines)

    with monkeypatch.context() as patched:
        patched.setattr(HubStore, "commit", late)
        assert "was changed meanwhile" in said(push(run, REPO), 3)
    pushed(run, REPO)
    assert files(store)["LICENSE"] == b"MIT" and len(rows(store, "train")) == 36


@pytest.mark.parametrize(
    ("right", "says"),
    [(None, "the Hub refuses the token: `hf auth login`"), ("read", "the token may not write there")],
)
def test_a_token_that_is_refused(store: HubStore, run: Path, right: str | None, says: str) -> None:
    """Expired, or for reading only: one line, though this Hub repeats the token in what it says."""
    store.tokens = {} if right is None else {TOKEN: right}
    assert says in said(push(run, REPO), 2)
    assert not store.repositories


def test_no_token(store: HubStore, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything is read, and the Hub is not asked."""
    monkeypatch.delenv("HF_TOKEN")
    assert "there is no token for the Hub: `hf auth login`, or set HF_TOKEN" in said(push(run, REPO), 2)
    assert not store.requests


def test_a_hub_that_is_away(store: HubStore, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Down, offline on purpose, or no network: exit code 3, as of a pool that is away."""
    store.fails_with = 503
    assert "the Hub fails with 503" in said(push(run, REPO), 3)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in said(push(run, REPO), 3)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "the Hub cannot be reached (ConnectionRefusedError" in said(push(run, REPO), 3)


def test_names_and_licences_that_the_hub_refuses(store: HubStore, run: Path) -> None:
    """A model has the name, a name that is none, a licence that the Hub does not know."""
    store.create(REPO, kind="model", private=False)
    assert "the name is taken by what is no dataset" in said(push(run, REPO), 2)
    assert "is no name of a dataset on the Hub: give ORG/NAME" in said(push(run, "town questions"), 2)
    assert "must be one of [apache-2.0" in said(push(run, "harbour/other", "--license", "nonsense"), 2)


def test_folders_that_cannot_be_pushed(store: HubStore, run: Path, tmp_path: Path) -> None:
    """No run, no samples yet, a shard that is not what the ledger recorded."""
    assert "does not exist" in said(push(tmp_path / "nowhere", REPO), 2)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no run" in said(push(empty, REPO), 2)
    (first, *_) = sorted(run.glob("dataset/*.parquet"))
    table = pq.read_table(first)
    pq.write_table(table.slice(1), first)
    assert "is not the shard that the ledger recorded" in said(push(run, REPO), 2)
    assert store.repositories[REPO].messages == ["initial commit"]


def test_it_loads_as_people_load_it(
    store: HubStore, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`load_dataset("ORG/NAME")`, by branch and by revision."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", constants.ENDPOINT)
    told = pushed(run, REPO, *SPLIT)
    pinned = datasets.load_dataset(REPO, revision=told["revision"], cache_dir=str(tmp_path / "cache"))
    newest = datasets.load_dataset(REPO, split="train", cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in pinned.items()} == {
        each["name"]: each["rows"] for each in told["splits"]
    }
    assert newest[0]["messages"][-1]["role"] == "assistant" and newest[0]["id"] == rows(store, "train")[0]["id"]


def test_the_double_is_as_strict_as_the_hub(store: HubStore) -> None:
    """A commit of a large file that nobody uploaded is refused."""
    repository = store.create(REPO, kind="dataset", private=True)
    line = {"key": "lfsFile", "value": {"path": "a.parquet", "oid": "0" * 64, "size": 1}}
    with pytest.raises(Refused, match="was not uploaded"):
        store.commit(repository, "main", [{"key": "header", "value": {"summary": "x"}}, line])
